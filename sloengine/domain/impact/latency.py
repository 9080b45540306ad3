"""What callers inherit when a latency objective changes: a limit, because percentiles do not add.

A service whose objective loosens by Δ is taken to answer up to Δ later at every percentile. A caller that waits
for it, call after call, then answers at most Δ later for each call it makes one after another; side by side with
slower calls it may not notice at all. So the rise that is told is *the most* that can come up: the sum over all
calls that are waited for, each cut by its timeout. A service whose objective tightens may bring its callers
nothing, because they may wait for something else, so it takes nothing off that limit. Nothing is said of a caller
whose latency is not known.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sloengine.domain.governance.model import SloTarget
from sloengine.domain.impact.model import ImpactRow, SloChange, worst_first
from sloengine.domain.impact.network import FailureNetwork
from sloengine.domain.impact.waiting import Rises, rises
from sloengine.domain.recommendation.model import ObjectiveKind
from sloengine.domain.reliability.figures import figure_text

LATENCY_KINDS = (ObjectiveKind.LATENCY_P95, ObjectiveKind.LATENCY_P99)
_SMALLEST_MS = 1e-9


@dataclass(frozen=True)
class LatencyLevels:
    """What is promised and what was measured over the last 28 days, in milliseconds, by service and kind."""

    promised: Mapping[tuple[str, ObjectiveKind], float]
    measured: Mapping[tuple[str, ObjectiveKind], float]


def analyse_latency(
    network: FailureNetwork, levels: LatencyLevels, changes: Sequence[SloChange], max_depth: int | None = None
) -> tuple[tuple[ImpactRow, ...], tuple[str, ...]]:
    """Rows of the callers that wait for a changed service, worst first; and notes."""
    rows: list[ImpactRow] = []
    notes: list[str] = []
    tightens = False
    for kind in LATENCY_KINDS:
        asked = {c.service_id: c.target for c in changes if c.target.kind is kind}
        moves: dict[int, float | None] = {}
        for service_id, moved in moves_of(levels, changes, kind).items():
            moves[network.graph.index[service_id]] = moved
            tightens = tightens or (moved is not None and moved < 0.0)
            if moved is None:
                notes.append(
                    f"{service_id} has neither a {_name(kind)} objective nor a latency histogram: by how much it "
                    "changes is not known, so callers' latency after the change is null unless a timeout cuts it"
                )
        if moves:
            rows += _rows(network, levels, kind, moves, asked, max_depth)
    if rows:
        notes.append(
            "latency after the change is the most that callers can inherit (calls one after another); with calls "
            "side by side it can be as little as nothing; `composed` is what the measured distributions make of it"
        )
        if tightens:
            notes.append(
                "a tighter latency objective takes nothing off that limit: callers may be waiting for another call"
            )
    return tuple(sorted(rows, key=worst_first)), tuple(notes)


def moves_of(
    levels: LatencyLevels, changes: Sequence[SloChange], kind: ObjectiveKind
) -> Mapping[str, float | None]:
    """Milliseconds by which objectives of this kind change, from what is promised or else measured.

    None: not known. Negative: tighter.
    """
    found: dict[str, float | None] = {}
    for change in changes:
        if change.target.kind is kind:
            key = change.service_id, kind
            before, after = levels.promised.get(key, levels.measured.get(key)), change.target.threshold_ms
            found[change.service_id] = None if before is None or after is None else after - before
    return found


def _rows(
    network: FailureNetwork,
    levels: LatencyLevels,
    kind: ObjectiveKind,
    moves: Mapping[int, float | None],
    asked: Mapping[str, SloTarget],
    max_depth: int | None,
) -> list[ImpactRow]:
    graph = network.graph
    found = rises(graph, {s: math.inf if move is None else max(0.0, move) for s, move in moves.items()})
    words = _LatencyWords(network, found, frozenset(s for s, move in moves.items() if move is None))
    rows: list[ImpactRow] = []
    for position, distance in found.distances.items():
        if distance == 0 or (max_depth is not None and distance > max_depth):
            continue
        service = graph.services[position]
        key = (service.service_id, kind)
        before = levels.measured.get(key)
        rise = found.most[position]
        after = None if before is None or math.isinf(rise) else before + rise
        promise = levels.promised.get(key)
        target = asked.get(service.service_id) or (
            None if promise is None else SloTarget(kind, threshold_ms=promise)
        )
        wanted = None if target is None else target.threshold_ms
        rows.append(
            ImpactRow(
                service_id=service.service_id,
                kind=kind,
                distance=distance,
                before=before,
                after=after,
                target=target,
                violates=wanted is not None and after is not None and after > wanted + _SMALLEST_MS,
                was_violated=wanted is not None and before is not None and before > wanted + _SMALLEST_MS,
                margin_change=-rise if 0.0 < rise < math.inf else 0.0,
                team=service.team,
                own_known=before is not None,
                words=words,
            )
        )
    return rows


@dataclass(frozen=True)
class _LatencyWords:
    """``unknown``: changed services of which nobody knows by how much they change."""

    network: FailureNetwork
    rises: Rises
    unknown: frozenset[int]

    def path(self, row: ImpactRow) -> tuple[str, ...]:
        """Along what is waited for."""
        graph = self.network.graph
        return tuple(graph.services[step].service_id for step in self.rises.path(graph.index[row.service_id]))

    def reason(self, row: ImpactRow) -> str:
        """How much room."""
        path = row.path
        return _reason(row, path, is_unknown=self.network.graph.index[path[-1]] in self.unknown)


def _reason(row: ImpactRow, services: Sequence[str], *, is_unknown: bool) -> str:
    path = " → ".join(services)
    name = _name(row.kind)
    if row.before is None:
        return (
            f"{path}: the {name} of {row.service_id} is not known (no latency histogram that reaches it), so"
            " nothing is said of it"
        )
    if row.after is None and is_unknown:
        return (
            f"{path}: by how much {services[-1]} changes is not known, so nothing is said of the {name} after it"
        )
    if row.after is None:
        return (
            f"{path}: services on the way wait for each other in a cycle without timeouts, so there is no limit to"
            f" tell for the {name}"
        )
    before, after = figure_text(row.before), figure_text(row.after)
    said = f"{path} is waited for: the {name} goes from {before} to at most {after} ms"
    wanted = None if row.target is None else row.target.threshold_ms
    if wanted is None:
        return f"{said}; it has no {name} objective to be judged by"
    was, becomes = (figure_text(wanted - one, signed=True) for one in (row.before, row.after))
    said += f", {'above' if row.violates else 'within'} its objective of {figure_text(wanted, 6)} ms:"
    said += f" room goes from {was} to {becomes} ms"
    return said + (" (it was above before the change, too)" if row.violates and row.was_violated else "")


def _name(kind: ObjectiveKind) -> str:
    return kind.removeprefix("LATENCY_").lower()
