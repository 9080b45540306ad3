"""Domain values as JSON documents and back, exactly.

Stores and caches keep a value as one document; readers get equal values, whichever adapter they came through.
"""

from __future__ import annotations

import json
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError

from sloengine.domain.recommendation.model import (
    Recommendation,
    RecommendationResult,
    RecommendationUnavailable,
)

_OPTIONAL_PART = "explanation"
_ADAPTERS: dict[Any, TypeAdapter[Any]] = {}


def _adapter(kind: Any) -> TypeAdapter[Any]:
    if kind not in _ADAPTERS:
        # Optional, because pydantic takes a configuration only beside a dataclass, not on it; without this one an
        # infinite end of an interval would come back as nothing.
        _ADAPTERS[kind] = TypeAdapter(kind | None, config=ConfigDict(ser_json_inf_nan="constants"))
    return _ADAPTERS[kind]


def prepare(*kinds: Any) -> None:
    """Work out how these types are read and written, some 0.1 s, which the first who needs it would wait for."""
    for kind in kinds:
        _adapter(kind)


def encode(value: object) -> bytes:
    """The value as JSON (times ISO 8601, enums by value)."""
    return _adapter(type(value)).dump_json(value)


def decode[Value](kind: type[Value], document: bytes | str) -> Value:
    """The value of this type that the document holds. Raises ``ValueError`` when it does not fit.

    An explanation in a form that this version does not know is left out: the recommendation stands without it.
    """
    try:
        value: Value = _adapter(kind).validate_json(document)
    except ValidationError as error:
        if not all(_OPTIONAL_PART in problem["loc"] for problem in error.errors()):
            raise
        plain = json.loads(document)
        plain[_OPTIONAL_PART] = None
        value = _adapter(kind).validate_json(json.dumps(plain))
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
