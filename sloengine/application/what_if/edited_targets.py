"""The targets of some services before and after edits, from values alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sloengine.application.recommendation.drawn_bound import DrawnBound
from sloengine.application.recommendation.evidence import DEPTH
from sloengine.application.recommendation.prepared import Prepared
from sloengine.application.recommendation.service_requests import availability_request, latency_request
from sloengine.domain.explanation.explain_availability import dependencies_of
from sloengine.domain.recommendation.model import (
    ObjectiveKind,
    Recommendation,
    RecommendationUnavailable,
    Tier,
    TierName,
)
from sloengine.domain.recommendation.recommend import (
    EngineSettings,
    recommend_latency_with_case,
    recommend_with_case,
)
from sloengine.domain.reliability.percent import percent_from_ratio
from sloengine.domain.reliability.window import ComplianceWindow
from sloengine.domain.topology.graph_reliability import GraphReliability
from sloengine.domain.what_if.achievable import AvailabilityFocus, latency_after, targets_by_tier
from sloengine.domain.what_if.edited_model import edited_model
from sloengine.domain.what_if.edits import AddReplica, GraphEdit, Improve, edge_of
from sloengine.domain.what_if.inheritance import ChangedInheritance, changed_inheritance, promised_after
from sloengine.domain.what_if.model import WhatIfEdit, WhatIfResult, WhatIfRow
from sloengine.domain.what_if.waiting import saved_ms

MINUTE = timedelta(minutes=1)
_LATENCY = (ObjectiveKind.LATENCY_P95, ObjectiveKind.LATENCY_P99)


@dataclass(frozen=True)
class _World:
    """What everything is asked of."""

    prepared: Prepared
    edits: tuple[GraphEdit, ...]
    window: ComplianceWindow
    now: datetime
    settings: EngineSettings
    measured: Mapping[tuple[str, ObjectiveKind], float]
    together: GraphReliability
    alone: tuple[GraphReliability, ...]

    def minutes(self, unavailability: float) -> float:
        """Of full outage in a window."""
        return unavailability * (self.window.length / MINUTE)


def edited_targets(
    prepared: Prepared,
    edits: Sequence[GraphEdit],
    focus: Sequence[str],
    *,
    window: ComplianceWindow,
    now: datetime,
    settings: EngineSettings,
    measured: Mapping[tuple[str, ObjectiveKind], float],
) -> WhatIfResult:
    """The same engine on the graph as it is and as edited. The edits fit the graph."""
    model = prepared.reliability
    world = _World(
        prepared,
        tuple(edits),
        window,
        now,
        prepared.evidence.priors.calibrated(settings),
        measured,
        edited_model(model, edits),
        tuple(edited_model(model, [edit]) for edit in edits),
    )
    rows: list[WhatIfRow] = []
    gained = [0.0] * len(edits)
    whole = 0.0
    for service_id in focus:
        found, by_edit, together = _availability(world, service_id)
        rows += [*found, *_latency(world, service_id)]
        gained = [a + b for a, b in zip(gained, by_edit, strict=True)]
        whole += together
    return WhatIfResult(
        focus=tuple(rows),
        edits=tuple(WhatIfEdit(edit, minutes) for edit, minutes in zip(edits, gained, strict=True)),
        budget_minutes_gained=whole,
        summary=_summary(rows, whole, window),
        notes=_notes(world, rows),
    )


def _availability(world: _World, service_id: str) -> tuple[list[WhatIfRow], list[float], float]:
    """Rows, minutes that each edit alone gains, and all of them together."""
    prepared, settings = world.prepared, world.settings
    request = availability_request(prepared, service_id, world.window, world.now, settings)
    result, case = recommend_with_case(request, prepared.evidence.priors.availability, settings)
    if case is None or not isinstance(result, Recommendation):
        why = result.message if isinstance(result, RecommendationUnavailable) else None
        rows = [WhatIfRow(service_id, ObjectiveKind.AVAILABILITY, tier, None, None, why) for tier in TierName]
        return rows, [0.0] * len(world.edits), 0.0
    focus = AvailabilityFocus(
        case,
        settings,
        world.window,
        dependencies_of(request, case, settings),
    )

    def change_in(after: GraphReliability) -> ChangedInheritance:
        return changed_inheritance(prepared.reliability, after, service_id, max_depth=DEPTH)

    change = change_in(world.together)
    bound = request.bound
    promised = case.caps.promised_ratio
    if isinstance(bound, DrawnBound):
        own = bound.result.own_unavailability * change.own
        promises = _promises(world)
        promised = promised_after(world.together, service_id, own, promises, max_depth=DEPTH)
    tiers = (
        result.tiers if change.is_none and promised == case.caps.promised_ratio else focus.tiers(change, promised)
    )
    none = ChangedInheritance(tuple(1.0 for _ in change.by_source), 0.0, 1.0)
    now = focus.expected_unavailability(none)

    def gain(one: ChangedInheritance) -> float:
        then = focus.expected_unavailability(one)
        return 0.0 if now is None or then is None else world.minutes(now - then)

    return (
        _rows(service_id, (ObjectiveKind.AVAILABILITY,), result.tiers, tiers),
        [gain(change_in(after)) for after in world.alone],
        gain(change),
    )


def _promises(world: _World) -> dict[str, float]:
    """As they are; a service that is improved or replicated is held to what it then does, if that is better."""
    promises = dict(world.prepared.evidence.promises)
    after = world.together
    for edit in world.edits:
        if isinstance(edit, AddReplica | Improve) and edit.service_id in promises:
            component = after.contracted.labels[after.graph.index[edit.service_id]]
            whole = float(after.intrinsic.reach[component] @ after.hazard_below)
            if not isinstance(edit, Improve) or edit.availability_ratio is not None:
                promises[edit.service_id] = max(promises[edit.service_id], 1.0 - whole)
    return promises


def _latency(world: _World, service_id: str) -> list[WhatIfRow]:
    prepared, settings = world.prepared, world.settings
    request = latency_request(prepared, service_id, world.window, world.now)
    result, case = recommend_latency_with_case(request, prepared.evidence.priors.latency, settings)
    if case is None or not isinstance(result, Recommendation):
        why = result.message if isinstance(result, RecommendationUnavailable) else None
        return [WhatIfRow(service_id, kind, tier, None, None, why) for kind in _LATENCY for tier in TierName]
    less: dict[ObjectiveKind, float] = {}
    unknown: list[str] = []
    for kind in _LATENCY:
        less[kind], missing = saved_ms(prepared.evidence.graph, world.edits, service_id, kind, world.measured)
        unknown += missing
    moved = any(value != 0.0 for value in less.values())
    tiers = latency_after(case, settings, world.window, less) if moved else result.tiers
    note = None
    if moved:
        note = "at best, with calls one after another; side by side with slower calls nothing may be gained"
    if unknown:
        named = ", ".join(dict.fromkeys(unknown))
        note = f"{note + '; ' if note else ''}the latency of {named} is not known and counts as none"
    return _rows(service_id, _LATENCY, result.tiers, tiers, note)


def _rows(
    service_id: str,
    kinds: Sequence[ObjectiveKind],
    before: Sequence[Tier],
    after: Sequence[Tier],
    note: str | None = None,
) -> list[WhatIfRow]:
    old, new = targets_by_tier(before), targets_by_tier(after)
    missing = {tier.name: tier.missing_reason for tier in (*before, *after) if tier.missing_reason}
    return [
        WhatIfRow(service_id, kind, tier, old.get((kind, tier)), new.get((kind, tier)), note or missing.get(tier))
        for kind in kinds
        for tier in TierName
    ]


def _summary(rows: Sequence[WhatIfRow], minutes: float, window: ComplianceWindow) -> str:
    said: list[str] = []
    for row in rows:
        if row.tier is TierName.BALANCED and row.before != row.after:
            said.append(
                f"{row.service_id} {_name(row.kind)} from {_figure(row, row.before)} to {_figure(row, row.after)}"
            )
    moved = f"Balanced: {'; '.join(said)}" if said else "No Balanced target of the services in focus changes"
    gained = "gain" if minutes >= 0.0 else "cost"
    return (
        f"{moved}. Together the edits {gained} {abs(minutes):.3g} minutes of budget in {window.length.days} days."
    )


def _name(kind: ObjectiveKind) -> str:
    return "availability" if kind is ObjectiveKind.AVAILABILITY else kind.removeprefix("LATENCY_").lower()


def _figure(row: WhatIfRow, value: float | None) -> str:
    if value is None:
        return "no target"
    if row.kind is ObjectiveKind.AVAILABILITY:
        return f"{percent_from_ratio(value)} %"
    return f"{value:g} ms"


def _notes(world: _World, rows: Sequence[WhatIfRow]) -> tuple[str, ...]:
    found: list[str] = []
    graph = world.prepared.evidence.graph
    for place, edit in enumerate(world.edits):
        if isinstance(edit, AddReplica | Improve):
            is_near = edit.service_id in graph.index
        else:
            is_near = edge_of(graph, edit.caller, edit.dependency) is not None
        if not is_near:
            found.append(f"edit {place} is more than {DEPTH} calls below the services in focus and not felt there")
    if len(world.edits) > 1:
        found.append("edits that help against the same failures gain less together than their minutes add up to")
    if any(row.kind in _LATENCY and row.note for row in rows):
        found.append("latency rows say what they rest on")
    return tuple(found)
