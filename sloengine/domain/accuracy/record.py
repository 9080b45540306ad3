"""What an organisation's own finished windows have taught so far, as it is kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sloengine.domain.accuracy.calibrate import as_promised, own_map
from sloengine.domain.accuracy.judged import Level
from sloengine.domain.accuracy.points import CalibrationPoint, calibration_points
from sloengine.domain.recommendation.calibration import CalibrationMap
from sloengine.domain.recommendation.model import ObjectiveKind, SliType
from sloengine.domain.recommendation.settings import EngineSettings

KEPT_FOR = timedelta(days=400)
"""Windows that ended longer ago have nothing to say about the engine and the services of today."""
SCHEMA = 2
_ONE_MAP_FOR_LATENCY = 1
"""Schema in which p95 and p99 had one record, and a record the shipped map in it."""
_LEARNT_DAYS = 28.0
LONGEST_DAYS = 90.0
"""Own history that is looked at, at most; and of windows in records that do not say how much it was."""


@dataclass(frozen=True, slots=True)
class CalibrationRecord:
    """Per kind of objective: finished windows, the map that they taught, and the points of the plot.

    ``looked``: as-of days that were looked back from, with or without a window to judge. ``own``: None, while
    nothing can be learnt from the windows. ``points``: promises as they would have been made at the time, beside
    what held.
    """

    kind: ObjectiveKind
    looked: tuple[datetime, ...]
    levels: tuple[Level, ...]
    own: CalibrationMap | None
    points: tuple[CalibrationPoint, ...]
    computed_at: datetime

    @classmethod
    def empty(cls, kind: ObjectiveKind, at: datetime) -> CalibrationRecord:
        """Before any window has finished."""
        return cls(kind, (), (), None, (), at)

    def with_windows(
        self, looked: Sequence[datetime], levels: Sequence[Level], settings: EngineSettings, at: datetime
    ) -> CalibrationRecord:
        """With these windows added, old ones forgotten, map and points worked out anew.

        ``settings``: with the shipped maps.
        """
        kept = tuple(one for one in (*self.levels, *levels) if at - one.ends_at <= KEPT_FOR)
        days = tuple(sorted({day for day in (*self.looked, *looked) if at - day <= 2 * KEPT_FOR}))
        return CalibrationRecord(
            kind=self.kind,
            looked=days,
            levels=kept,
            own=own_map(kept, self.kind),
            points=calibration_points(as_promised(kept, settings, self.kind), CalibrationMap(), self.kind),
            computed_at=at,
        )

    @property
    def lacks_points(self) -> bool:
        """Whether windows are there, and the plot was not drawn of them."""
        return bool(self.levels) and not self.points

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON data, windows as columns."""
        return {
            "schema": SCHEMA,
            "kind": self.kind.value,
            "looked": [day.isoformat() for day in self.looked],
            "serviceIds": [level.service_id for level in self.levels],
            "asOf": [level.as_of.isoformat() for level in self.levels],
            "endsAt": [level.ends_at.isoformat() for level in self.levels],
            "low": [level.low for level in self.levels],
            "high": [level.high for level in self.levels],
            "historyDays": [level.history_days for level in self.levels],
            "spellsPerDay": [level.spells_per_day for level in self.levels],
            "own": None if self.own is None else self.own.to_dict(),
            "points": [
                [point.promised, point.attained, point.low, point.high, point.windows] for point in self.points
            ],
            "computedAt": self.computed_at.isoformat(),
        }


def maps_in_force(
    records: Iterable[CalibrationRecord], settings: EngineSettings | None = None
) -> dict[ObjectiveKind, CalibrationMap]:
    """The map of each record's kind, for a service with a long history that gets slow as often as most, and a
    window of 28 days.

    ``settings``: with the shipped maps.
    """
    shipped = settings or EngineSettings()
    own = {record.kind: record.own for record in records}
    taught = shipped.with_own_maps({kind: found for kind, found in own.items() if found is not None})
    return {kind: taught.calibration_of(kind, history_days=LONGEST_DAYS, window_days=_LEARNT_DAYS) for kind in own}


def records_of(document: Mapping[str, Any]) -> tuple[CalibrationRecord, ...]:
    """From ``to_dict``; a record of latency of before p95 and p99 had maps of their own gives two.

    Raises: ValueError on another schema, or on what it does not hold: it is learnt anew.
    """
    if document.get("schema") == SCHEMA:
        kind = ObjectiveKind(document["kind"])
        own = document["own"]
        taught = None if own is None else CalibrationMap.from_dict(own)
        return (_record(document, kind, _levels(document, kind), taught),)
    if document.get("schema") == _ONE_MAP_FOR_LATENCY:
        return _of_one_map(document)
    raise ValueError(f"calibration of schema {document.get('schema')}, this engine reads {SCHEMA}")


def newest_by_kind(documents: Iterable[Mapping[str, Any]]) -> list[CalibrationRecord]:
    """What a store has kept, one record a kind; what another version of the engine wrote and this cannot read is
    left out, and what it wrote of both percentiles gives way to what was written of each since."""
    found: dict[ObjectiveKind, CalibrationRecord] = {}
    for document in documents:
        try:
            records = records_of(document)
        except ValueError:
            continue
        for record in records:
            other = found.get(record.kind)
            if other is None or document.get("schema") == SCHEMA:
                found[record.kind] = record
    return [found[kind] for kind in ObjectiveKind if kind in found]


def _of_one_map(document: Mapping[str, Any]) -> tuple[CalibrationRecord, ...]:
    """Own maps learnt again from the windows, of each percentile apart; their common points are left out.

    Each service and day had a level of p95, then one of p99.
    """
    if SliType(document["sliType"]) is SliType.AVAILABILITY:
        levels = _levels(document, ObjectiveKind.AVAILABILITY)
        own = own_map(levels, ObjectiveKind.AVAILABILITY)
        return (_record(document, ObjectiveKind.AVAILABILITY, levels, own),)
    both = _levels(document, ObjectiveKind.LATENCY_P95)
    parts: dict[ObjectiveKind, list[Level]] = {ObjectiveKind.LATENCY_P95: [], ObjectiveKind.LATENCY_P99: []}
    rows: dict[tuple[str, datetime], list[Level]] = {}
    for level in both:
        rows.setdefault((level.service_id, level.as_of), []).append(level)
    for pair in rows.values():
        if len(pair) == len(parts):
            for kind, level in zip(parts, pair, strict=True):
                parts[kind].append(replace(level, kind=kind))
    bare = {**document, "points": []}
    return tuple(_record(bare, kind, levels, own_map(levels, kind)) for kind, levels in parts.items())


def _record(
    document: Mapping[str, Any], kind: ObjectiveKind, levels: Sequence[Level], own: CalibrationMap | None
) -> CalibrationRecord:
    return CalibrationRecord(
        kind=kind,
        looked=tuple(datetime.fromisoformat(day) for day in document["looked"]),
        levels=tuple(levels),
        own=own,
        points=tuple(CalibrationPoint(kind, *point) for point in document["points"]),
        computed_at=datetime.fromisoformat(document["computedAt"]),
    )


def _levels(document: Mapping[str, Any], kind: ObjectiveKind) -> list[Level]:
    names = document["serviceIds"]
    days = document.get("historyDays", [LONGEST_DAYS] * len(names))
    spells = document.get("spellsPerDay", [None] * len(names))
    columns = (names, document["asOf"], document["endsAt"], document["low"], document["high"], days, spells)
    return [
        Level(name, kind, datetime.fromisoformat(as_of), datetime.fromisoformat(ends_at), low, high, own, often)
        for name, as_of, ends_at, low, high, own, often in zip(*columns, strict=True)
    ]
