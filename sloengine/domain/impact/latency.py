"""What callers inherit when a latency objective changes: a limit, because percentiles do not add.

A service whose objective loosens by Δ is taken to answer up to Δ later at every percentile. A caller that waits
for it, call after call, then answers at most Δ later for each call it makes one after another; side by side with
slower calls it may not notice at all. So the rise that is told is *the most* that can come up: the sum over all
calls that are waited for, cut by the caller's timeouts. Nothing is said of a caller whose latency is not known.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sloengine.domain.governance.model import SloTarget
from sloengine.domain.impact.model import ImpactRow, SloChange
from sloengine.domain.impact.network import FailureNetwork
from sloengine.domain.recommendation.model import ObjectiveKind
from sloengine.domain.topology.dependency import DependencyMode

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
    for kind in LATENCY_KINDS:
        asked = {c.service_id: c.target for c in changes if c.target.kind is kind}
        moves: dict[int, float | None] = {}
        for service_id, target in asked.items():
            before = levels.promised.get((service_id, kind), levels.measured.get((service_id, kind)))
            moved = None if before is None or target.threshold_ms is None else target.threshold_ms - before
            moves[network.graph.index[service_id]] = moved
            if before is None:
                notes.append(
                    f"{service_id} has neither a {_name(kind)} objective nor a latency histogram: by how much it "
                    "changes is not known, so callers' latency after the change is null"
                )
        if moves:
            rows += _rows(network, levels, kind, moves, asked, max_depth)
    if rows:
        notes.append(
            "latency after the change is the most that callers can inherit (calls one after another); with calls "
            "side by side it can be as little as nothing, and joint timings that would tell are not stored"
        )
    return tuple(sorted(rows, key=_worst_first)), tuple(notes)


def _rows(
    network: FailureNetwork,
    levels: LatencyLevels,
    kind: ObjectiveKind,
    moves: Mapping[int, float | None],
    asked: Mapping[str, SloTarget],
    max_depth: int | None,
) -> list[ImpactRow]:
    graph = network.graph
    known = all(move is not None for move in moves.values())
    rise, through = _rises(network, {s: move or 0.0 for s, move in moves.items()})
    words = _LatencyWords(network, through)
    distances = network.distances(list(moves))
    rows: list[ImpactRow] = []
    for position in np.flatnonzero(np.isfinite(distances)).tolist():
        distance = int(distances[position])
        if distance == 0 or (max_depth is not None and distance > max_depth) or position not in through:
            continue
        service = graph.services[position]
        key = (service.service_id, kind)
        before = levels.measured.get(key)
        change = rise.get(position, 0.0)
        after = None if before is None or not known else max(0.0, before + change)
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
                margin_change=-change if known else 0.0,
                team=service.team,
                own_known=before is not None,
                words=words,
            )
        )
    return rows


def _rises(network: FailureNetwork, moves: Mapping[int, float]) -> tuple[dict[int, float], dict[int, int]]:
    """Most that each service can answer later, and the dependency most of it comes through.

    A cycle of waiting has no plan: within one the largest rise counts once.
    """
    labels = network.labels
    rise: dict[int, float] = {}
    through: dict[int, int] = {}
    of_component: dict[int, dict[int, float]] = {}
    for service, move in moves.items():
        of_component.setdefault(int(labels[service]), {})[service] = move
    for components in network.by_level:
        for component in components.tolist():
            members = network.members_of(component)
            found = {service: _from_below(network, service, rise, through, set(members)) for service in members}
            changed = of_component.get(component, {})
            inside = max([*changed.values(), *[v for v in found.values() if v is not None]], key=abs, default=None)
            for service in members:
                below = found[service]
                if service in changed:
                    rise[service] = changed[service]
                    through.setdefault(service, service)
                elif len(members) > 1 and inside is not None:
                    rise[service] = inside
                    through.setdefault(service, _other(changed, found, service))
                elif below is not None:
                    rise[service] = below
    return rise, through


def _other(changed: Mapping[int, float], found: Mapping[int, float | None], service: int) -> int:
    inside = [s for s in changed if s != service] + [s for s, v in found.items() if v is not None]
    return inside[0]


def _from_below(
    network: FailureNetwork, service: int, rise: Mapping[int, float], through: dict[int, int], inside: set[int]
) -> float | None:
    graph = network.graph
    total, most, waits = 0.0, -1.0, False
    for edge in graph.edges_by_caller.get(graph.services[service].service_id, ()):
        dependency = graph.index[edge.dependency]
        if edge.is_stale or edge.mode is DependencyMode.ASYNC or dependency in inside or dependency not in rise:
            continue
        part = rise[dependency] * math.ceil(max(1.0, edge.call_weight or 1.0))
        if edge.timeout_ms is not None:
            part = min(part, float(edge.timeout_ms))
        total, waits = total + part, True
        if abs(part) > most:
            most, through[service] = abs(part), dependency
    return total if waits else None


@dataclass(frozen=True)
class _LatencyWords:
    """``through``: the dependency that most of a service's rise comes through."""

    network: FailureNetwork
    through: Mapping[int, int]

    def path(self, row: ImpactRow) -> tuple[str, ...]:
        """Along what is waited for."""
        through, graph = self.through, self.network.graph
        path = [graph.index[row.service_id]]
        while through[path[-1]] != path[-1] and through[path[-1]] not in path:
            path.append(through[path[-1]])
        return tuple(graph.services[step].service_id for step in path)

    def reason(self, row: ImpactRow) -> str:
        """How much room."""
        return _reason(row)


def _reason(row: ImpactRow) -> str:
    path = " → ".join(row.path)
    name = _name(row.kind)
    if row.before is None:
        return (
            f"{path}: the {name} of {row.service_id} is not known (no latency histogram), so nothing is said of it"
        )
    if row.after is None:
        return (
            f"{path}: by how much {row.path[-1]} changes is not known, so nothing is said of the {name} after it"
        )
    said = f"{path} is waited for: the {name} goes from {row.before:.4g} to at most {row.after:.4g} ms"
    wanted = None if row.target is None else row.target.threshold_ms
    if wanted is None:
        return f"{said}; it has no {name} objective to be judged by"
    said += f", {'above' if row.violates else 'within'} its objective of {wanted:g} ms: room goes from"
    said += f" {wanted - row.before:+.4g} to {wanted - row.after:+.4g} ms"
    return said + (" (it was above before the change, too)" if row.violates and row.was_violated else "")


def _name(kind: ObjectiveKind) -> str:
    return kind.removeprefix("LATENCY_").lower()


def _worst_first(row: ImpactRow) -> tuple[object, ...]:
    wanted = None if row.target is None else row.target.threshold_ms
    left = row.margin_change if wanted is None or row.after is None else (wanted - row.after) / wanted
    return not row.violates, not row.newly_violates, wanted is None, row.after is None, left, row.service_id
