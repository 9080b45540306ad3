"""How much less a service waits after edits: a limit, because the order of calls is not known.

At best calls are made one after another, so that all of what a call takes less is saved, at the percentile in
question; side by side with slower calls nothing is. A cache saves a percentile only where so few requests are left
that wait that they all lie beyond it; else nothing is sure. Redundancy and softness are not waited for less.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from sloengine.domain.recommendation.model import ObjectiveKind
from sloengine.domain.topology.dependency import Dependency, DependencyMode
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.what_if.edits import AddCache, Cut, GraphEdit, Improve, MakeAsync

BEYOND = {ObjectiveKind.LATENCY_P95: 0.05, ObjectiveKind.LATENCY_P99: 0.01}

type Measured = Mapping[tuple[str, ObjectiveKind], float]


def saved_ms(
    graph: DependencyGraph,
    edits: Sequence[GraphEdit],
    root: str,
    kind: ObjectiveKind,
    measured: Measured,
) -> tuple[float, tuple[str, ...]]:
    """Milliseconds that ``root`` answers earlier at most (negative: later); and whose latency is missing."""
    missing: list[str] = []
    saving = _Saving(graph, edits, kind, measured, missing).of(root, frozenset())
    return saving, tuple(dict.fromkeys(missing))


class _Saving:
    def __init__(
        self,
        graph: DependencyGraph,
        edits: Sequence[GraphEdit],
        kind: ObjectiveKind,
        measured: Measured,
        missing: list[str],
    ) -> None:
        self.graph, self.kind, self.measured, self.missing = graph, kind, measured, missing
        self.scale: dict[str, float] = {}
        self.gone: set[tuple[str, str]] = set()
        self.hits: dict[tuple[str, str], float] = {}
        for edit in edits:
            match edit:
                case Improve(latency_scale=float(scale)):
                    self.scale[edit.service_id] = self.scale.get(edit.service_id, 1.0) * scale
                case MakeAsync() | Cut():
                    self.gone.add((edit.caller, edit.dependency))
                case AddCache():
                    pair = edit.caller, edit.dependency
                    self.hits[pair] = 1.0 - (1.0 - self.hits.get(pair, 0.0)) * (1.0 - edit.hit_ratio)
                case _:
                    pass
        self.known: dict[str, float] = {}

    def of(self, service_id: str, above: frozenset[str]) -> float:
        """What the service itself answers earlier: its own scale on what is left after less waiting."""
        if service_id in self.known:
            return self.known[service_id]
        if service_id in above:  # a cycle of waiting has no plan
            return 0.0
        total = 0.0
        for edge in self.graph.edges_by_caller.get(service_id, ()):
            if not edge.is_stale and edge.mode is DependencyMode.SYNC:
                total += self._of_call(edge, above | {service_id})
        scale = self.scale.get(service_id)
        if scale is not None:
            whole = self._latency(service_id)
            total += (1.0 - scale) * max(0.0, whole - total)
        self.known[service_id] = total
        return total

    def _of_call(self, edge: Dependency, above: frozenset[str]) -> float:
        below = self.of(edge.dependency, above)
        calls = math.ceil(max(1.0, edge.call_weight or 1.0))
        if edge.pair in self.gone or self._is_cached(edge):
            return calls * self._latency(edge.dependency)
        return calls * below

    def _is_cached(self, edge: Dependency) -> bool:
        if edge.pair not in self.hits:
            return False
        waits = min(1.0, edge.call_weight or 1.0) * (1.0 - self.hits[edge.pair])
        return waits <= BEYOND[self.kind]

    def _latency(self, service_id: str) -> float:
        known = self.measured.get((service_id, self.kind))
        if known is None:
            self.missing.append(service_id)
            return 0.0
        return known
