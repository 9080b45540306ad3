"""Domain values as JSON documents and back, exactly.

Stores and caches keep a value as one document; readers get equal values, whichever adapter they came through.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import TypeAdapter

from sloengine.domain.recommendation.model import (
    Recommendation,
    RecommendationResult,
    RecommendationUnavailable,
)


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def encode(value: object, kind: Any = None) -> bytes:
    """The value as JSON (times ISO 8601, enums by value). ``kind``: its type where it is not a plain class."""
    return _adapter(kind or type(value)).dump_json(value)


def decode[Value](kind: type[Value], document: bytes | str) -> Value:
    """The value of this type that the document holds. Raises ``ValueError`` when it does not fit."""
    value: Value = _adapter(kind).validate_json(document)
    return value


_RECOMMENDATION = b"R"
_UNAVAILABLE = b"U"


def encode_result(result: RecommendationResult) -> bytes:
    """A recommendation or its absence, one tagging byte in front."""
    tag = _RECOMMENDATION if isinstance(result, Recommendation) else _UNAVAILABLE
    return tag + encode(result)


def decode_result(document: bytes) -> RecommendationResult:
    """What ``encode_result`` wrote."""
    tag, body = document[:1], document[1:]
    if tag == _RECOMMENDATION:
        return decode(Recommendation, body)
    if tag == _UNAVAILABLE:
        return decode(RecommendationUnavailable, body)
    raise ValueError(f"unknown tag {tag!r}")
