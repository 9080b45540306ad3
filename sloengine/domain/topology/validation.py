"""Raw rows of an ingestion, checked one by one: good ones are typed, bad ones come back with a reason.

Rows are plain JSON objects with the names of the API's ``ServiceInput`` and ``DependencyInput``. Enum values are
read in any case (``sync`` is ``SYNC``), because files are written by people. 50,000 rows take well under a second.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, cast

from sloengine.domain.errors import ErrorCode
from sloengine.domain.topology.dependency import (
    DependencyCriticality,
    DependencyMode,
    EdgeAttributes,
    stated_attempts,
)
from sloengine.domain.topology.ingestion import RejectedItem
from sloengine.domain.topology.rows import DependencyRow, ServiceRow, combine_rows, combine_service_rows
from sloengine.domain.topology.service import Criticality

ID_LENGTH = 253
TEXT_LENGTH = 512
JSON_LENGTH = 16_384
_INT_LIMIT = 2**31 - 1
_CALL_WEIGHT_LIMIT = 1e9
# C0 and C1 controls; invisible, direction-changing and line-breaking characters, which make two ids look alike or
# a log line lie; lone surrogates, which no store can encode.
_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
# Enum.__members__ builds a view at each use, which 100,000 values would feel.
_MEMBERS: Mapping[type[StrEnum], Mapping[str, StrEnum]] = {
    enum: dict(enum.__members__) for enum in (Criticality, DependencyCriticality, DependencyMode)
}
_SERVICE_FIELDS = frozenset(
    [
        "serviceId",
        "name",
        "team",
        "criticality",
        "entityRef",
        "external",
        "publishedAvailabilityPercent",
        "metadata",
    ]
)
_DEPENDENCY_FIELDS = frozenset(
    [
        "caller",
        "dependency",
        "mode",
        "criticality",
        "protocol",
        "timeoutMs",
        "retryConfig",
        "callWeight",
        "redundancyGroup",
        "required",
        "confidence",
    ]
)


@dataclass(frozen=True, slots=True)
class CheckedRows:
    """What may go into the graph, one row per service and pair, and what was refused, in the order it came."""

    services: tuple[ServiceRow, ...]
    dependencies: tuple[DependencyRow, ...]
    rejected: tuple[RejectedItem, ...]
    warnings: tuple[str, ...]
    accepted: int


class _BadField(Exception):
    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field, self.message = field, message


def check_rows(services: Sequence[Any], dependencies: Sequence[Any]) -> CheckedRows:
    """Check every row; one bad row never takes a good one with it.

    ``accepted`` counts good rows before duplicates are merged. A rejected row is named by its position in its own
    list, and by a path such as ``dependencies.3.callWeight``.
    """
    rejected: list[RejectedItem] = []
    unknown: Counter[str] = Counter()
    service_rows = _read_all("services", services, _service, _SERVICE_FIELDS, rejected, unknown)
    dependency_rows = _read_all("dependencies", dependencies, _dependency, _DEPENDENCY_FIELDS, rejected, unknown)
    merged_services, service_warnings = combine_service_rows(service_rows)
    merged_dependencies, dependency_warnings = combine_rows(dependency_rows)
    warnings = [
        f"Unknown field {name} was ignored ({count} {'row' if count == 1 else 'rows'})."
        for name, count in sorted(unknown.items())
    ]
    warnings += [*service_warnings, *dependency_warnings, *_group_warnings(merged_dependencies)]
    return CheckedRows(
        merged_services,
        merged_dependencies,
        tuple(rejected),
        tuple(warnings),
        len(service_rows) + len(dependency_rows),
    )


def _read_all[Row](
    kind: str,
    items: Sequence[Any],
    read: Callable[[Mapping[str, Any]], Row],
    known: frozenset[str],
    rejected: list[RejectedItem],
    unknown: Counter[str],
) -> list[Row]:
    rows: list[Row] = []
    for index, item in enumerate(items):
        if not isinstance(item, Mapping):
            message = f"a row must be an object, not {_kind_of(item)}"
            rejected.append(RejectedItem(index, f"{kind}.{index}", ErrorCode.INVALID, message))
            continue
        try:
            rows.append(read(item))
        except _BadField as bad:
            path = f"{kind}.{index}.{bad.field}"
            rejected.append(RejectedItem(index, path, ErrorCode.INVALID, bad.message))
            continue
        if not item.keys() <= known:
            unknown.update(f"{kind}[].{_shown(str(name))}" for name in item.keys() - known)
    return rows


def _service(item: Mapping[str, Any]) -> ServiceRow:
    get = item.get
    published = _number(get, "publishedAvailabilityPercent", 0.0, 100.0)
    if published is not None and published >= 100.0:
        raise _BadField("publishedAvailabilityPercent", "must be below 100: nothing is always available")
    external = get("external")
    if external is not None and not isinstance(external, bool):
        raise _BadField("external", f"must be true or false, not {_kind_of(external)}")
    return ServiceRow(
        service_id=_identity(get, "serviceId"),
        name=_text(get, "name", TEXT_LENGTH),
        team=_text(get, "team", ID_LENGTH),
        criticality=_member(get, "criticality", Criticality),
        entity_ref=_text(get, "entityRef", TEXT_LENGTH),
        external=external,
        published_availability_ratio=None if published is None else published / 100.0,
        metadata=_object(get, "metadata") or {},
    )


def _dependency(item: Mapping[str, Any]) -> DependencyRow:
    get = item.get
    caller, dependency = _identity(get, "caller"), _identity(get, "dependency")
    if caller == dependency:
        raise _BadField("dependency", "a service cannot depend on itself")
    if len(item) == 2:  # nothing but the pair: the common case of large documents
        return DependencyRow(caller, dependency)
    weight = _number(get, "callWeight", 0.0, _CALL_WEIGHT_LIMIT)
    if weight is not None and weight <= 0.0:
        raise _BadField("callWeight", "must be above 0: leave the edge out if it is never called")
    return DependencyRow(
        caller,
        dependency,
        EdgeAttributes(
            mode=_member(get, "mode", DependencyMode),
            criticality=_member(get, "criticality", DependencyCriticality),
            protocol=_text(get, "protocol", ID_LENGTH),
            timeout_ms=_count(get, "timeoutMs"),
            retry_config=_retry_config(get),
            call_weight=weight,
            redundancy_group=_text(get, "redundancyGroup", ID_LENGTH),
            required=_count(get, "required"),
        ),
        _number(get, "confidence", 0.0, 1.0),
    )


def _identity(get: Callable[[str], Any], field: str) -> str:
    value = get(field)
    if value is None:
        raise _BadField(field, "is required")
    if not isinstance(value, str):
        raise _BadField(field, f"must be text, not {_kind_of(value)}")
    if not 1 <= len(value) <= ID_LENGTH:
        raise _BadField(field, f"must have 1 to {ID_LENGTH} characters, has {len(value)}")
    if value.isspace():
        raise _BadField(field, "must not be blank")
    _printable(field, value)
    return value


def _text(get: Callable[[str], Any], field: str, limit: int) -> str | None:
    value = get(field)
    if value is None:
        return None
    if not isinstance(value, str):
        raise _BadField(field, f"must be text, not {_kind_of(value)}")
    if not value or len(value) > limit:
        raise _BadField(field, f"must have 1 to {limit} characters, has {len(value)}")
    _printable(field, value)
    return value


def _printable(field: str, value: str) -> None:
    if value.isascii() and value.isprintable():
        return
    found = _UNPRINTABLE.search(value)
    if found is not None:
        raise _BadField(field, f"has a control character (U+{ord(found.group()):04X}) at position {found.start()}")


def _member[Member: StrEnum](get: Callable[[str], Any], field: str, enum: type[Member]) -> Member | None:
    value = get(field)
    if value is None:
        return None
    if isinstance(value, str):
        member = _MEMBERS[enum].get(value) or _MEMBERS[enum].get(value.upper())
        if member is not None:
            return cast("Member", member)
    raise _BadField(field, f"must be one of {', '.join(enum)}, not {_shown(value)}")


def _number(get: Callable[[str], Any], field: str, low: float, high: float) -> float | None:
    value = get(field)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _BadField(field, f"must be a number, not {_kind_of(value)}")
    if not -_CALL_WEIGHT_LIMIT < value < 10 * _INT_LIMIT:  # also NaN, infinities, and whole numbers beyond floats
        raise _BadField(field, "must be a finite number of ordinary size")
    if not low <= value <= high:
        raise _BadField(field, f"must lie between {low:g} and {high:g}, is {value:g}")
    return float(value)


def _count(get: Callable[[str], Any], field: str) -> int | None:
    value = _number(get, field, 1, _INT_LIMIT)
    if value is None:
        return None
    if value != int(value):
        raise _BadField(field, f"must be a whole number, is {value:g}")
    return int(value)


def _object(get: Callable[[str], Any], field: str) -> Mapping[str, Any] | None:
    value = get(field)
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise _BadField(field, f"must be an object, not {_kind_of(value)}")
    try:
        length = len(json.dumps(value, allow_nan=False))
    except (ValueError, TypeError, RecursionError):
        raise _BadField(field, "must be plain JSON, without NaN or infinities") from None
    if length > JSON_LENGTH:
        raise _BadField(field, f"must have at most {JSON_LENGTH} characters as JSON, has {length}")
    return value


def _retry_config(get: Callable[[str], Any]) -> Mapping[str, Any] | None:
    stated = _object(get, "retryConfig")
    attempts = None if stated is None else stated.get("attempts")
    if attempts is not None and stated_attempts(attempts) is None:
        raise _BadField(
            "retryConfig.attempts",
            f"must be a whole number of at least 1, the tries in all with the first, not {_shown(attempts)}",
        )
    return stated


def _group_warnings(rows: Sequence[DependencyRow]) -> list[str]:
    """Groups that can never be satisfied by what the batch lists, and ``required`` without a group.

    No reason to refuse: other members may be in the graph already, and refusing the edges would hide them.
    """
    sizes: Counter[tuple[str, str]] = Counter()
    required: dict[tuple[str, str], int] = {}
    ungrouped = 0
    for row in rows:
        group, needed = row.attributes.redundancy_group, row.attributes.required
        if group is None:
            ungrouped += needed is not None
            continue
        sizes[row.caller, group] += 1
        required[row.caller, group] = max(required.get((row.caller, group), 1), needed or 1)
    warnings = [
        f"{caller} requires {needed} of redundancy group {group}, of which {sizes[caller, group]} are listed."
        for (caller, group), needed in sorted(required.items())
        if needed > sizes[caller, group]
    ]
    if ungrouped:
        warnings.append(f"required has no meaning without redundancyGroup; ignored in {ungrouped} rows.")
    return warnings


def _kind_of(value: object) -> str:
    if value is None:
        return "null"
    for kind, name in ((bool, "a boolean"), (str, "text"), (int, "a number"), (float, "a number")):
        if isinstance(value, kind):
            return name
    return "an object" if isinstance(value, Mapping) else "a list"


def _shown(value: object) -> str:
    """A value safe to repeat in a message: short and printable."""
    text = value if isinstance(value, str) else repr(value)
    text = _UNPRINTABLE.sub("·", text)
    return text if len(text) <= 40 else text[:39] + "…"
