"""What an impact analysis says. Ratios in [0, 1], latency in milliseconds."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from sloengine.domain.governance.model import SloTarget
from sloengine.domain.recommendation.model import ObjectiveKind
from sloengine.domain.topology.composed_latency import ComposedLatency

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class SloChange:
    """An objective that somebody thinks of: of a service, in the unit of its kind."""

    service_id: str
    target: SloTarget


class RowWords(Protocol):
    """What a row says in words; worked out when it is asked for, because few rows of thousands are read."""

    def path(self, row: ImpactRow) -> tuple[str, ...]:
        """Services from the caller to the changed one."""
        ...

    def reason(self, row: ImpactRow) -> str:
        """Why."""
        ...


@dataclass(slots=True)
class ImpactRow:
    """One caller and what becomes of its bound.

    ``before``, ``after``: availability as a ratio, or milliseconds; None: not known. ``standard_error``: of
    ``after``, 0 where it is exact. ``target``: the objective it is judged by, None: it has none.
    ``was_violated``: the bound was worse than the objective already. ``margin_change``: in percentage points of
    availability, or milliseconds of room; negative: room is lost. ``distance``: fewest calls to a changed service.
    ``composed``: of latency, what comes of the measured distributions; None: not asked for, or availability.
    """

    service_id: str
    kind: ObjectiveKind
    distance: int
    before: float | None
    after: float | None
    target: SloTarget | None
    violates: bool
    was_violated: bool
    margin_change: float
    standard_error: float = 0.0
    team: str | None = None
    own_known: bool = True
    composed: ComposedLatency | None = None
    words: RowWords | None = field(default=None, repr=False, compare=False)

    @property
    def path(self) -> tuple[str, ...]:
        """Services from this one to the changed one, along the way that passes most on."""
        return () if self.words is None else self.words.path(self)

    @property
    def reason(self) -> str:
        """Why, in words: which path, how much margin."""
        return "" if self.words is None else self.words.reason(self)

    @property
    def newly_violates(self) -> bool:
        """It is the change that breaks the objective."""
        return self.violates and not self.was_violated


def worst_first(row: ImpactRow) -> tuple[object, ...]:
    """Sort key of rows of any kind: the worst is the smallest.

    Objectives that the change breaks, then those that were broken, then by the share of what the objective allows
    that is left: of the budget, or of the threshold. Rows without an objective come after those with one, by the
    share that they lose; those of which nothing is known are last.
    """
    wanted = None if row.target is None else row.target.availability_ratio or row.target.threshold_ms
    is_availability = row.kind is ObjectiveKind.AVAILABILITY
    if row.before is None or row.after is None:
        left = 0.0
    elif wanted is None:
        left = row.after - row.before if is_availability else (row.before - row.after) / max(row.before, 1e-9)
    else:
        left = (row.after - wanted) / (1.0 - wanted) if is_availability else (wanted - row.after) / wanted
    return (
        not row.violates,
        not row.newly_violates,
        row.after is None,
        wanted is None,
        left,
        row.service_id,
        row.kind,
    )


@dataclass(frozen=True)
class ImpactAnalysis:
    """All callers of the changed services, worst first, and whom to ask.

    ``notes``: what the answer rests on, or does not say, in words.
    """

    rows: tuple[ImpactRow, ...]
    teams: tuple[str, ...]
    summary: str
    graph_version: int
    notes: tuple[str, ...] = ()
