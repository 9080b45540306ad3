"""What an organisation's own finished windows have taught so far, as it is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sloengine.domain.accuracy.calibrate import as_promised, map_in_force
from sloengine.domain.accuracy.judged import Level
from sloengine.domain.accuracy.points import CalibrationPoint, calibration_points
from sloengine.domain.recommendation.calibration import CalibrationMap
from sloengine.domain.recommendation.model import SliType

KEPT_FOR = timedelta(days=400)
"""Windows that ended longer ago have nothing to say about the engine and the services of today."""
SCHEMA = 1


@dataclass(frozen=True, slots=True)
class CalibrationRecord:
    """Per SLI type: finished windows, the map in force, and the points of the plot.

    ``looked``: as-of days that were looked back from, with or without a window to judge. ``points``: promises as
    they would have been made at the time, beside what held.
    """

    sli_type: SliType
    looked: tuple[datetime, ...]
    levels: tuple[Level, ...]
    calibration: CalibrationMap
    points: tuple[CalibrationPoint, ...]
    computed_at: datetime

    @classmethod
    def empty(cls, sli_type: SliType, shipped: CalibrationMap, at: datetime) -> CalibrationRecord:
        """Before any window has finished."""
        return cls(sli_type, (), (), shipped, (), at)

    def with_windows(
        self, looked: Sequence[datetime], levels: Sequence[Level], shipped: CalibrationMap, at: datetime
    ) -> CalibrationRecord:
        """With these windows added, old ones forgotten, map and points worked out anew."""
        kept = tuple(one for one in (*self.levels, *levels) if at - one.ends_at <= KEPT_FOR)
        days = tuple(sorted({day for day in (*self.looked, *looked) if at - day <= 2 * KEPT_FOR}))
        return CalibrationRecord(
            sli_type=self.sli_type,
            looked=days,
            levels=kept,
            calibration=map_in_force(shipped, kept, self.sli_type),
            points=calibration_points(as_promised(kept, shipped, self.sli_type), CalibrationMap(), self.sli_type),
            computed_at=at,
        )

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON data, windows as columns."""
        return {
            "schema": SCHEMA,
            "sliType": self.sli_type.value,
            "looked": [day.isoformat() for day in self.looked],
            "serviceIds": [level.service_id for level in self.levels],
            "asOf": [level.as_of.isoformat() for level in self.levels],
            "endsAt": [level.ends_at.isoformat() for level in self.levels],
            "low": [level.low for level in self.levels],
            "high": [level.high for level in self.levels],
            "calibration": self.calibration.to_dict(),
            "points": [
                [point.promised, point.attained, point.low, point.high, point.windows] for point in self.points
            ],
            "computedAt": self.computed_at.isoformat(),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> CalibrationRecord:
        """From ``to_dict``. Raises ValueError on another schema: it is learnt anew."""
        if data.get("schema") != SCHEMA:
            raise ValueError(f"calibration of schema {data.get('schema')}, this engine reads {SCHEMA}")
        sli_type = SliType(data["sliType"])
        rows = zip(data["serviceIds"], data["asOf"], data["endsAt"], data["low"], data["high"], strict=True)
        return cls(
            sli_type=sli_type,
            looked=tuple(datetime.fromisoformat(day) for day in data["looked"]),
            levels=tuple(
                Level(name, sli_type, datetime.fromisoformat(as_of), datetime.fromisoformat(ends_at), low, high)
                for name, as_of, ends_at, low, high in rows
            ),
            calibration=CalibrationMap.from_dict(data["calibration"]),
            points=tuple(CalibrationPoint(sli_type, *point) for point in data["points"]),
            computed_at=datetime.fromisoformat(data["computedAt"]),
        )
