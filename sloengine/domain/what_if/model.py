"""What a what-if says."""

from __future__ import annotations

from dataclasses import dataclass

from sloengine.domain.recommendation.model import ObjectiveKind, TierName
from sloengine.domain.topology.composed_latency import ComposedLatency
from sloengine.domain.what_if.edits import GraphEdit


@dataclass(frozen=True, slots=True)
class WhatIfRow:
    """One achievable target before and after: ratio of availability, or milliseconds; None: there is none.

    ``note``: why there is none, or what the figure rests on. ``composed``: of latency, what the measured
    distributions make of the edits; None: not asked for, or availability.
    """

    service_id: str
    kind: ObjectiveKind
    tier: TierName
    before: float | None
    after: float | None
    note: str | None = None
    composed: ComposedLatency | None = None


@dataclass(frozen=True, slots=True)
class WhatIfEdit:
    """One edit, and the budget minutes of a window that it alone gains the services in focus, all added up."""

    edit: GraphEdit
    budget_minutes_gained: float


@dataclass(frozen=True, slots=True)
class WhatIfResult:
    """``budget_minutes_gained``: by all edits together; where edits help the same failures, less than the sum."""

    focus: tuple[WhatIfRow, ...]
    edits: tuple[WhatIfEdit, ...]
    budget_minutes_gained: float
    summary: str
    notes: tuple[str, ...] = ()
