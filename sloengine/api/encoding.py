"""Answers as JSON."""

from __future__ import annotations

import json
from typing import Any

import orjson


def encoded(answer: Any) -> bytes:
    """The JSON text."""
    try:
        return orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)
    except TypeError:  # free-form JSON may hold integers beyond 64 bits, which orjson refuses
        return json.dumps(answer).encode()
