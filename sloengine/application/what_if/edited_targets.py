"""The targets of some services before and after edits, from values alone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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
from sloengine.domain.reliability.figures import figure_text
from sloengine.domain.reliability.percent import percent_from_ratio
from sloengine.domain.reliability.window import ComplianceWindow
from sloengine.domain.topology.bound_parts import either
from sloengine.domain.topology.composed_latency import ComposedChange
from sloengine.domain.topology.graph_reliability import GraphReliability
from sloengine.domain.what_if.achievable import AvailabilityFocus, latency_after, targets_by_tier
from sloengine.domain.what_if.composed import composed_tiers
from sloengine.domain.what_if.edit_notes import gone_notes, inside_notes, short_notes, unknown_notes
from sloengine.domain.what_if.edited_model import edited_model, whole_hazard
from sloengine.domain.what_if.edits import AddFallback, AddReplica, GraphEdit, Improve, edge_of
from sloengine.domain.what_if.improved_focus import ImprovedFocus, held_to_what_was_asked, improved_focus
from sloengine.domain.what_if.inheritance import ChangedInheritance, changed_inheritance, promised_after
from sloengine.domain.what_if.model import WhatIfEdit, WhatIfResult, WhatIfRow
from sloengine.domain.what_if.waiting import Measured, MovedLatency, moved_latency

MINUTE = timedelta(minutes=1)
_AVAILABILITY = (ObjectiveKind.AVAILABILITY,)
_LATENCY = (ObjectiveKind.LATENCY_P95, ObjectiveKind.LATENCY_P99)


@dataclass(frozen=True)
class _World:
    """What everything is asked of."""

    prepared: Prepared
    edits: tuple[GraphEdit, ...]
    window: ComplianceWindow
    now: datetime
    settings: EngineSettings
    measured: Measured
    composition: ComposedChange | None

    def minutes(self, unavailability: float) -> float:
        """Of full outage in a window."""
        return unavailability * (self.window.length / MINUTE)


@dataclass(frozen=True)
class _Untold:
    """A service in focus without a target of availability, and why."""

    service_id: str
    why: str | None


@dataclass(frozen=True)
class _Asked:
    """One service in focus as it is. ``own_unavailability`` None: nothing bounds it."""

    world: _World
    service_id: str
    tiers: tuple[Tier, ...]
    focus: AvailabilityFocus
    own_unavailability: float | None

    def change(self, after: GraphReliability, edits: Sequence[GraphEdit]) -> ChangedInheritance:
        """What these edits, which make the model ``after``, change for it."""
        before, root = self.world.prepared.reliability, self.service_id
        change = changed_inheritance(before, after, root, max_depth=DEPTH)
        return held_to_what_was_asked(change, self.focus, before, after, edits, root, max_depth=DEPTH)

    def improved(self) -> ImprovedFocus | None:
        """What is asked of the service itself, by the edits together; None: nothing, or it is in a cycle.

        Of a cycle the model tells: what one member was seen to inherit is what the others do.
        """
        model, edits = self.world.prepared.reliability, self.world.edits
        if len(model.members[model.contracted.labels[model.graph.index[self.service_id]]]) > 1:
            return None
        return improved_focus(self.focus, model, edits, self.service_id, max_depth=DEPTH)

    def minutes_gained(self, change: ChangedInheritance) -> float:
        """Budget minutes of a window."""
        unchanged = ChangedInheritance(tuple(1.0 for _ in change.by_source), 0.0, 1.0)
        before, after = (self.focus.expected_unavailability(one) for one in (unchanged, change))
        return self.world.minutes(before - after)


def edited_targets(
    prepared: Prepared,
    edits: Sequence[GraphEdit],
    focus: Sequence[str],
    *,
    window: ComplianceWindow,
    now: datetime,
    settings: EngineSettings,
    measured: Measured,
    composition: ComposedChange | None = None,
) -> WhatIfResult:
    """The same engine on the graph as it is and as edited. The edits fit the graph.

    ``composition``: what the edits change of waiting, with the histograms that tell what comes of it.

    A model holds what reaches what, the square of its services at worst. Edited ones are made and dropped one
    after the other, and only figures are kept of them; a focus that is improved needs a second one for a moment.
    """
    world = _World(
        prepared, tuple(edits), window, now, prepared.evidence.priors.calibrated(settings), measured, composition
    )
    asked = [_asked(world, service_id) for service_id in focus]
    rows, whole, notes = _together(world, asked)
    gained = [whole] if len(edits) == 1 else [_alone(world, asked, edit) for edit in edits]
    return WhatIfResult(
        focus=tuple(rows),
        edits=tuple(WhatIfEdit(edit, minutes) for edit, minutes in zip(edits, gained, strict=True)),
        budget_minutes_gained=whole,
        summary=_summary(rows, whole, window),
        notes=(*notes, *_notes(world, rows)),
    )


def _asked(world: _World, service_id: str) -> _Asked | _Untold:
    prepared, settings = world.prepared, world.settings
    request = availability_request(prepared, service_id, world.window, world.now, settings)
    result, case = recommend_with_case(request, prepared.evidence.priors.availability, settings)
    if case is None or not isinstance(result, Recommendation):
        why = result.message if isinstance(result, RecommendationUnavailable) else None
        return _Untold(service_id, why)
    focus = AvailabilityFocus(case, settings, world.window, dependencies_of(request, case, settings))
    bound = request.bound
    own = bound.result.own_unavailability if isinstance(bound, DrawnBound) else None
    return _Asked(world, service_id, result.tiers, focus, own)


def _together(world: _World, asked: Sequence[_Asked | _Untold]) -> tuple[list[WhatIfRow], float, tuple[str, ...]]:
    """Rows, the minutes that all edits gain, and which edits fall short of what they ask for or are not felt.

    Of a service in focus and in no cycle that is told by what was observed to reach it, of others by the model.
    """
    changed = [edit.service_id for edit in world.edits if isinstance(edit, AddReplica | Improve)]
    roots = [*(one.service_id for one in asked), *changed]
    edited = edited_model(world.prepared.reliability, world.edits, roots)
    promises = _promises(world, edited.reliability)
    rows: list[WhatIfRow] = []
    whole = 0.0
    short = dict(edited.short)
    for one in asked:
        if isinstance(one, _Asked):
            if (improved := one.improved()) is not None:
                short.pop(improved.place, None)
                short |= {improved.place: improved.best} if improved.best is not None else {}
            found, minutes = _availability(one, edited.reliability, promises)
            rows += found
            whole += minutes
        else:
            rows += _rows(one.service_id, _AVAILABILITY, (), (), one.why)
        rows += _latency(world, one.service_id)
    near = _near(world, rows)
    before = world.prepared.reliability
    return (
        rows,
        whole,
        (
            *short_notes(before, world.edits, short, near),
            *inside_notes(before, edited.reliability, world.edits, near),
            *gone_notes(world.edits),
            *unknown_notes(before, world.edits),
        ),
    )


def _alone(world: _World, asked: Sequence[_Asked | _Untold], edit: GraphEdit) -> float:
    """Minutes that one edit gains."""
    known = [one for one in asked if isinstance(one, _Asked)]
    after = edited_model(world.prepared.reliability, [edit], [one.service_id for one in known]).reliability
    return sum(one.minutes_gained(one.change(after, [edit])) for one in known)


def _availability(
    one: _Asked, after: GraphReliability, promises: Mapping[str, float]
) -> tuple[list[WhatIfRow], float]:
    """Rows and the minutes that all edits gain."""
    change = one.change(after, one.world.edits)
    promised = before = one.focus.case.caps.promised_ratio
    if one.own_unavailability is not None:
        own = either(one.own_unavailability * change.own, -math.expm1(-change.grown))
        promised = promised_after(after, one.service_id, own, promises, max_depth=DEPTH)
    tiers = one.tiers if change.is_none and promised == before else one.focus.tiers(change, promised)
    return _rows(one.service_id, _AVAILABILITY, one.tiers, tiers), one.minutes_gained(change)


def _promises(world: _World, after: GraphReliability) -> dict[str, float]:
    """As they are; a service that is improved or replicated is held to what it then does, if that is better."""
    promises = dict(world.prepared.evidence.promises)
    for edit in world.edits:
        match edit:
            case AddReplica(service_id=name) | Improve(service_id=name, availability_ratio=float()):
                if name in promises:
                    does = math.exp(-whole_hazard(after, after.graph.index[name]))
                    promises[name] = max(promises[name], does)
            case _:
                pass
    return promises


def _latency(world: _World, service_id: str) -> list[WhatIfRow]:
    prepared, settings = world.prepared, world.settings
    request = latency_request(prepared, service_id, world.window, world.now)
    result, case = recommend_latency_with_case(request, prepared.evidence.priors.latency, settings)
    if case is None or not isinstance(result, Recommendation):
        why = result.message if isinstance(result, RecommendationUnavailable) else None
        return _rows(service_id, _LATENCY, (), (), why)
    moved = {
        kind: moved_latency(prepared.evidence.graph, world.edits, service_id, kind, world.measured)
        for kind in _LATENCY
    }
    after = latency_after(case, settings, world.window, moved)
    rows: list[WhatIfRow] = []
    for kind, how in moved.items():
        tiers: Sequence[Tier] = result.tiers if how.is_none else after
        found = _rows(service_id, (kind,), result.tiers, tiers, _latency_note(world, service_id, kind, how))
        rows += [replace(row, after=None) for row in found] if how.missing else found
    if world.composition is None:
        return rows
    composed = composed_tiers(world.composition, service_id, case, settings, world.window)
    return [replace(row, composed=composed.get((row.kind, row.tier))) for row in rows]


def _latency_note(world: _World, service_id: str, kind: ObjectiveKind, how: MovedLatency) -> str | None:
    if how.missing:
        return f"not known: no histogram of {', '.join(how.missing)} tells what is waited for"
    if how.less_ms < 0.0:
        return "with the call that gets slowest waited for in full; beside slower calls less may be lost"
    if how.less_ms == 0.0:
        return None
    note = "at best, less the longest single wait that falls away; beside slower calls nothing may be gained"
    known = world.measured.get(service_id)
    percentile = None if known is None else known.percentile_ms.get(kind)
    if percentile is not None and percentile - how.less_ms < how.fastest_ms:
        fastest = figure_text(how.fastest_ms, 3)
        note += f"; held at {fastest} ms, its fastest twentieth now: it has not been seen faster"
    return note


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
        WhatIfRow(
            service_id,
            kind,
            tier,
            old.get((kind, tier)),
            new.get((kind, tier)),
            "; ".join(said for said in (note, missing.get(tier)) if said) or None,
        )
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
    size = figure_text(abs(minutes), 3)
    return f"{moved}. Together the edits {gained} {size} minutes of budget in {window.length.days} days."


def _name(kind: ObjectiveKind) -> str:
    return "availability" if kind is ObjectiveKind.AVAILABILITY else kind.removeprefix("LATENCY_").lower()


def _figure(row: WhatIfRow, value: float | None) -> str:
    if value is None:
        return "no figure"
    if row.kind is ObjectiveKind.AVAILABILITY:
        return f"{percent_from_ratio(value)} %"
    return f"{figure_text(value, 6)} ms"


def _near(world: _World, rows: Sequence[WhatIfRow]) -> Mapping[str, int]:
    """What lies below the services in focus and those that stand in for others."""
    fallbacks = [
        edit.fallback for edit in world.edits if isinstance(edit, AddFallback) and edit.fallback is not None
    ]
    return world.prepared.evidence.graph.distances(list({*(row.service_id for row in rows), *fallbacks}), None)


def _notes(world: _World, rows: Sequence[WhatIfRow]) -> tuple[str, ...]:
    graph, near = world.prepared.evidence.graph, _near(world, rows)
    found: list[str] = []
    for place, edit in enumerate(world.edits):
        if isinstance(edit, AddReplica | Improve):
            is_near = edit.service_id in near
        else:
            is_near = edit.caller in near and edge_of(graph, edit.caller, edit.dependency) is not None
        if not is_near:
            found.append(
                f"edit {place} is on no path of up to {DEPTH} calls below the services in focus and not felt there"
            )
    if len(world.edits) > 1:
        found.append("edits that help against the same failures gain less together than their minutes add up to")
    if any(row.kind in _LATENCY and row.note for row in rows):
        found.append("latency rows say what they rest on")
    return tuple(found)
