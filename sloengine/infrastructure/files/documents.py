"""Ingestion documents in JSON and YAML: read safely, whole, and with the place of a mistake."""

from __future__ import annotations

import gzip
import json
import math
import re
import zlib
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import orjson
import yaml

from sloengine.domain.errors import TooLarge
from sloengine.infrastructure.files.edges_csv import read_edges
from sloengine.infrastructure.files.problems import Complaints

MAX_DOCUMENT_BYTES = 10 * 1024 * 1024
_GZIP_MAGIC = b"\x1f\x8b"
_MAX_DEPTH = 64
_JSON_SUFFIXES = (".json",)
_YAML_SUFFIXES = (".yaml", ".yml")
_CSV_SUFFIXES = (".csv",)


def read_document(path: Path) -> dict[str, Any]:
    """``{"services": [...], "dependencies": [...]}`` from a JSON or YAML file, told by its name.

    Either list may be absent. Rows stay as they are; the ingestion checks them one by one. Packed files (``.gz``)
    are understood. Raises ``FileProblem``; ``TooLarge`` above 10 MB, unpacked.
    """
    return _checked(read_value(path), Complaints(path))


def read_value(path: Path) -> Any:
    """Whatever a JSON or YAML file, told by its name, holds. Raises as ``read_document``."""
    complaints = Complaints(path)
    text = text_of(path, complaints)
    name = path.name.lower().removesuffix(".gz")
    if name.endswith(_JSON_SUFFIXES):
        return load_json(text, complaints)
    if name.endswith(_YAML_SUFFIXES):
        return load_yaml(text, complaints)
    raise complaints.fail(None, "documents are .json, .yaml or .yml files (edge lists .csv)")


def read_ingestion_file(path: Path, *, strict: bool = False) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The ingestion document of a JSON, YAML or CSV file, and warnings about rows left out.

    Wrong values are left in their rows, for the ingestion to reject one by one; strict: in a CSV file they end
    the reading, with their lines. Raises ``FileProblem``.
    """
    if not path.name.lower().removesuffix(".gz").endswith(_CSV_SUFFIXES):
        return read_document(path), ()
    edges = read_edges(path, strict=strict)
    dropped = (f"{count} {kind} rows dropped: they are no calls" for kind, count in edges.dropped.items())
    return dict(edges.document), (*dropped, *edges.warnings)


def load_json(text: str, complaints: Complaints) -> Any:
    """A JSON value. NaN and infinities are not JSON. Raises ``FileProblem``."""
    try:
        return orjson.loads(text)
    except json.JSONDecodeError as error:
        raise complaints.fail(error.lineno, f"not JSON: {error.msg} (column {error.colno})") from error


def load_yaml(text: str, complaints: Complaints) -> Any:
    """A YAML value of JSON's types only: no tags, no aliases, no dates; ``yes`` and ``no`` are words.

    Raises ``FileProblem``.
    """
    try:
        _refuse_bombs(text, complaints)
        # The loader derives from the safe one.
        return yaml.load(text, Loader=_JsonTypesLoader)  # noqa: S506  # nosec B506
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise complaints.fail(line, f"not YAML that JSON could say: {error.problem}") from error
    except (yaml.YAMLError, ValueError) as error:
        raise complaints.fail(None, f"not YAML: {error}") from error


def _refuse_bombs(text: str, complaints: Complaints) -> None:
    """Deep nesting overflows the composer's stack, aliases can stand for gigabytes: look before composing."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _MAX_DEPTH:
                raise complaints.fail(_line(event), "nested too deeply")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.AliasEvent):
            raise complaints.fail(_line(event), "aliases (*name) are not understood; write it out")


def _line(event: yaml.Event) -> int | None:
    return event.start_mark.line + 1 if event.start_mark else None


class _JsonTypesLoader(yaml.CSafeLoader):
    """A safe loader that yields what JSON can say, so that a document means the same in both."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Refuse a key that stands twice: one of the two would be lost."""
        seen = set()
        for key_node, _ in node.value:
            key = str(key_node.value)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"key {key!r} stands twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


_JsonTypesLoader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?(0|[1-9][0-9]*)", list("-+0123456789")),
    (
        "float",
        r"[-+]?([0-9]*\.[0-9]+|[0-9]+\.)([eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+",
        list("-+.0123456789"),
    ),
):
    _JsonTypesLoader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), _first)


def text_of(path: Path, complaints: Complaints) -> str:
    """The file as text, unpacked. Raises ``FileProblem``; ``TooLarge`` above 10 MB."""
    try:
        with path.open("rb") as file:
            packed = file.read(2) == _GZIP_MAGIC
            file.seek(0)
            content = (gzip.GzipFile(fileobj=file) if packed else file).read(MAX_DOCUMENT_BYTES + 1)
    except FileNotFoundError as error:
        raise complaints.fail(None, "no such file") from error
    except (OSError, EOFError, zlib.error) as error:
        raise complaints.fail(None, f"cannot be read: {error}") from error
    if len(content) > MAX_DOCUMENT_BYTES:
        raise TooLarge(f"{path}: documents may have {MAX_DOCUMENT_BYTES // 2**20} MB; split it into several")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise complaints.fail(line, "not UTF-8 text") from error


def _checked(loaded: Any, complaints: Complaints) -> dict[str, Any]:
    if not isinstance(loaded, dict) or not {"services", "dependencies"} & loaded.keys():
        raise complaints.fail(1, "a document is a mapping with the lists 'services' and 'dependencies'")
    unknown = sorted(str(key) for key in loaded.keys() - {"services", "dependencies"})
    if unknown:
        raise complaints.fail(1, f"a document has only 'services' and 'dependencies'; found {', '.join(unknown)}")
    document = {key: loaded.get(key) or [] for key in ("services", "dependencies")}
    for key, rows in document.items():
        if not isinstance(rows, list):
            raise complaints.fail(1, f"{key!r} must be a list")
        for index, row in enumerate(rows):
            if not isinstance(row, dict):
                complaints.add(None, f"{key}[{index}] must be a mapping, is {type(row).__name__}")
    complaints.raise_if_any()
    _refuse_odd(document, complaints)
    return document


def _refuse_odd(document: dict[str, Any], complaints: Complaints) -> None:
    """Keys that are no text and numbers that are not finite are no JSON."""
    stack: list[Any] = [document]
    while stack:
        value = stack.pop()
        if isinstance(value, float) and not math.isfinite(value):
            raise complaints.fail(None, "a number is not finite")
        if isinstance(value, dict):
            odd = [key for key in value if not isinstance(key, str)]
            if odd:
                raise complaints.fail(None, f"keys must be text, found {odd[0]!r}; put it in quotes")
            stack.extend(value.values())
        elif isinstance(value, list):
            stack.extend(value)
