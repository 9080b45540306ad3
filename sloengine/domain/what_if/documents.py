"""Edits as plain JSON, in the shape of the API's ``GraphEditInput``; availability in percent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sloengine.domain.errors import Invalid
from sloengine.domain.reliability.percent import percent_from_ratio, ratio_from_percent
from sloengine.domain.topology.common_cause import DEFAULT_COMMON_CAUSE
from sloengine.domain.topology.system import SOFT_PASS_THROUGH
from sloengine.domain.what_if.edits import (
    NAMES,
    AddCache,
    AddFallback,
    AddReplica,
    Cut,
    GraphEdit,
    Improve,
    MakeAsync,
    Soften,
)

_EDGE = ("caller", "dependency")
# Per edit: fields that must be there, then fields that may.
_FIELDS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "soften": (_EDGE, ("passThrough",)),
    "makeAsync": (_EDGE, ()),
    "cut": (_EDGE, ()),
    "addFallback": (_EDGE, ("fallback", "availabilityPercent")),
    "addReplica": (("serviceId", "replicas", "required"), ("commonCause",)),
    "improve": (("serviceId",), ("availabilityPercent", "latencyScale")),
    "addCache": ((*_EDGE, "hitRatio"), ()),
}
_TEXTS = ("caller", "dependency", "fallback", "serviceId")
_COUNTS = ("replicas", "required")


def edit_document(edit: GraphEdit) -> dict[str, Any]:
    """The edit as clients write it.

    >>> edit_document(Cut("a", "b"))
    {'cut': {'caller': 'a', 'dependency': 'b'}}
    """
    match edit:
        case Soften():
            body: dict[str, Any] = {**_ends(edit), "passThrough": edit.pass_through}
        case AddFallback():
            body = _ends(edit)
            if edit.fallback is not None:
                body["fallback"] = edit.fallback
            if edit.availability_ratio is not None:
                body["availabilityPercent"] = percent_from_ratio(edit.availability_ratio)
        case AddReplica():
            body = {
                "serviceId": edit.service_id,
                "replicas": edit.replicas,
                "required": edit.required,
                "commonCause": edit.common_cause,
            }
        case Improve():
            body = {"serviceId": edit.service_id}
            if edit.availability_ratio is not None:
                body["availabilityPercent"] = percent_from_ratio(edit.availability_ratio)
            if edit.latency_scale is not None:
                body["latencyScale"] = edit.latency_scale
        case AddCache():
            body = {**_ends(edit), "hitRatio": edit.hit_ratio}
        case MakeAsync() | Cut():
            body = _ends(edit)
    return {NAMES[type(edit)]: body}


def _ends(edit: Soften | MakeAsync | Cut | AddFallback | AddCache) -> dict[str, Any]:
    return {"caller": edit.caller, "dependency": edit.dependency}


def edits_of_document(rows: Sequence[Any]) -> list[GraphEdit]:
    """The edits of a list. Raises ``Invalid``, naming the field."""
    return [edit_of_document(row, ("edits", str(place))) for place, row in enumerate(rows)]


def edit_of_document(row: Any, path: tuple[str, ...]) -> GraphEdit:
    """One edit. Raises ``Invalid``, naming the field behind ``path``."""
    if not isinstance(row, Mapping) or len(row) != 1 or next(iter(row)) not in _FIELDS:
        raise Invalid(f"an edit has exactly one of {', '.join(_FIELDS)}", path=path)
    [(name, body)] = row.items()
    path = (*path, name)
    if not isinstance(body, Mapping):
        raise Invalid("expected a mapping of fields", path=path)
    needed, optional = _FIELDS[name]
    for key, value in body.items():
        if key not in (*needed, *optional):
            known = ", ".join((*needed, *optional))
            raise Invalid(f"{name} has no {key}; it has {known}", path=(*path, str(key)))
        _checked(key, value, (*path, key))
    for key in needed:
        if key not in body:
            raise Invalid(f"{name} needs {key}", path=(*path, key))
    return _of_service(name, body) if "serviceId" in needed else _of_edge(name, body)


def _of_service(name: str, body: Mapping[str, Any]) -> GraphEdit:
    if name == "addReplica":
        common = float(body.get("commonCause", DEFAULT_COMMON_CAUSE))
        return AddReplica(body["serviceId"], body["replicas"], body["required"], common)
    scale = body.get("latencyScale")
    return Improve(body["serviceId"], _ratio(body), None if scale is None else float(scale))


def _of_edge(name: str, body: Mapping[str, Any]) -> GraphEdit:
    ends = body["caller"], body["dependency"]
    match name:
        case "soften":
            return Soften(*ends, float(body.get("passThrough", SOFT_PASS_THROUGH)))
        case "addFallback":
            return AddFallback(*ends, body.get("fallback"), _ratio(body))
        case "addCache":
            return AddCache(*ends, float(body["hitRatio"]))
        case "makeAsync":
            return MakeAsync(*ends)
        case _:
            return Cut(*ends)


def _ratio(body: Mapping[str, Any]) -> float | None:
    percent = body.get("availabilityPercent")
    return None if percent is None else ratio_from_percent(float(percent))


def _checked(key: str, value: Any, path: tuple[str, ...]) -> None:
    if key in _TEXTS:
        if not isinstance(value, str):
            raise Invalid(f"{key} is a service id", path=path)
    elif key in _COUNTS:
        if isinstance(value, bool) or not isinstance(value, int):
            raise Invalid(f"{key} is a whole number", path=path)
    elif isinstance(value, bool) or not isinstance(value, int | float):
        raise Invalid(f"{key} is a number", path=path)
