"""Plain JSON values as bytes, fast enough for ten megabytes on an event loop's side thread."""

from __future__ import annotations

from typing import Any

import orjson


def dump_json(value: object) -> bytes:
    """The value with keys sorted, so that equal values give equal bytes."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def load_json(document: bytes) -> Any:
    """The plain value. Raises ``ValueError``."""
    return orjson.loads(document)
