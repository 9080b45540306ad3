"""Large JSON bodies, parsed so that other requests go on being answered.

Parsers written in C do not let go of the interpreter until they are done; for ten megabytes that is a tenth of
a second in which nobody else is served. Here a long list is parsed element by element, to be done on a thread of
its own, so that the interpreter is given up in between.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from json.decoder import scanstring  # type: ignore[attr-defined]  # its C version, which typeshed leaves out
from typing import Any, NoReturn

import orjson

# The request, its variables, the input, the document, its lists: below that, elements are parsed in one go.
LEVELS = 5
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_SPACE = re.compile(r"[ \t\n\r]*")


def loads_in_steps(body: bytes) -> Any:
    """The value. Raises ``ValueError`` where it is not JSON."""
    text = body.decode()
    if _SURROGATE.search(text):
        return orjson.loads(body)  # whether it has its other half is judged there; nobody writes such documents
    try:
        value, end = _value(text, _skip(text, 0), LEVELS)
    except (StopIteration, IndexError) as error:
        raise ValueError("unexpected end of data") from error
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if _skip(text, end) != len(text):
        raise ValueError(f"extra data at character {end}")
    return value


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_DECODER: Any = json.JSONDecoder(parse_constant=_refuse)
_SCAN: Callable[[str, int], tuple[Any, int]] = _DECODER.scan_once


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _value(text: str, at: int, levels: int) -> tuple[Any, int]:
    if levels and text[at] == "{":
        return _object(text, at + 1, levels - 1)
    if levels and text[at] == "[":
        return _array(text, at + 1, levels - 1)
    return _SCAN(text, at)


def _object(text: str, at: int, levels: int) -> tuple[dict[str, Any], int]:
    found: dict[str, Any] = {}
    at = _skip(text, at)
    if text[at] == "}":
        return found, at + 1
    while True:
        if text[at] != '"':
            raise ValueError(f"expected a name in double quotes at character {at}")
        name, at = scanstring(text, at + 1, True)
        at = _skip(text, at)
        if text[at] != ":":
            raise ValueError(f"expected a colon at character {at}")
        found[name], at = _value(text, _skip(text, at + 1), levels)
        at = _skip(text, at)
        if text[at] == "}":
            return found, at + 1
        if text[at] != ",":
            raise ValueError(f"expected a comma at character {at}")
        at = _skip(text, at + 1)


def _array(text: str, at: int, levels: int) -> tuple[list[Any], int]:
    found: list[Any] = []
    at = _skip(text, at)
    if text[at] == "]":
        return found, at + 1
    while True:
        value, at = _value(text, at, levels) if levels > 1 else _SCAN(text, at)
        found.append(value)
        at = _skip(text, at)
        if text[at] == "]":
            return found, at + 1
        if text[at] != ",":
            raise ValueError(f"expected a comma at character {at}")
        at = _skip(text, at + 1)
