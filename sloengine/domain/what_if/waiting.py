"""How much earlier a service answers after edits, at best: by the longest wait that falls away, and not more.

Percentiles do not subtract, the order of calls is not known, and a dependency's slow answers need not be in its
caller's slow requests. So waits are not added up: of all calls that take less, the one that saves most counts,
once, however often it is made; it took no longer than its timeout allows, nor than the caller's own percentile;
and nobody is told to get faster than the fastest twentieth of its requests has been seen to be. Calls that fewer
requests make than lie beyond a percentile move nothing there, nor does a cache until so few requests still wait.
A service that is itself scaled is scaled whole, which is exact. Redundancy and softness are not waited for less.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from sloengine.domain.recommendation.measured_latency import MeasuredLatency
from sloengine.domain.recommendation.model import ObjectiveKind
from sloengine.domain.reliability.panel import FloatArray
from sloengine.domain.topology.dependency import Dependency, DependencyMode
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.what_if.edits import AddCache, Cut, GraphEdit, Improve, MakeAsync

BEYOND = {ObjectiveKind.LATENCY_P95: 0.05, ObjectiveKind.LATENCY_P99: 0.01}
_EXACT = 1e-9


type Measured = Mapping[str, MeasuredLatency]


@dataclass(frozen=True, slots=True)
class MovedLatency:
    """What edits make of a percentile of one service.

    ``less_ms``: the longest wait that falls away less what waits get longer, so negative: later. ``scale``: on
    what is then left. ``fastest_ms``: no faster by less waiting than that. ``missing``: services whose latency
    decides and is not known; the rest then says nothing.
    """

    less_ms: float = 0.0
    scale: float = 1.0
    fastest_ms: float = 0.0
    missing: tuple[str, ...] = ()

    @property
    def is_none(self) -> bool:
        """Nothing moves."""
        return self.less_ms == 0.0 and self.scale == 1.0 and not self.missing

    def after(self, milliseconds: FloatArray) -> FloatArray:
        """Percentiles after the edits; above 0 where they were."""
        left = milliseconds - self.less_ms
        if self.less_ms > 0.0:
            left = np.minimum(milliseconds, np.maximum(self.fastest_ms, left))
        return np.asarray(self.scale * left)


def moved_latency(
    graph: DependencyGraph, edits: Sequence[GraphEdit], root: str, kind: ObjectiveKind, measured: Measured
) -> MovedLatency:
    """What the edits make of the percentile ``kind`` of ``root``."""
    return _Waiting(graph, kind, measured).with_edits(edits).of(root, frozenset())


@dataclass
class _Waiting:
    graph: DependencyGraph
    kind: ObjectiveKind
    measured: Measured
    scale: dict[str, float] = field(default_factory=dict)
    gone: set[tuple[str, str]] = field(default_factory=set)
    hits: dict[tuple[str, str], float] = field(default_factory=dict)
    known: dict[str, MovedLatency] = field(default_factory=dict)

    def with_edits(self, edits: Sequence[GraphEdit]) -> _Waiting:
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
        return self

    def of(self, service_id: str, above: frozenset[str]) -> MovedLatency:
        if service_id in self.known:
            return self.known[service_id]
        if service_id in above:  # a cycle of waiting has no plan
            return MovedLatency()
        longest = later = 0.0
        missing: list[str] = []
        for edge in self.graph.edges_by_caller.get(service_id, ()):
            if not edge.is_stale and edge.mode is DependencyMode.SYNC:
                saved, unknown = self._of_call(edge, above | {service_id})
                longest, later = max(longest, saved), max(later, -saved)
                missing += unknown
        own = self.measured.get(service_id)
        less = longest - later
        if less > 0.0 and own is None:
            missing.append(service_id)
        fastest = 0.0 if own is None else own.fastest_ms
        moved = MovedLatency(less, self.scale.get(service_id, 1.0), fastest, tuple(dict.fromkeys(missing)))
        self.known[service_id] = moved
        return moved

    def _of_call(self, edge: Dependency, above: frozenset[str]) -> tuple[float, tuple[str, ...]]:
        """Milliseconds that one call takes less (negative: more), and whose latency is missing for that."""
        if _weight(edge) <= BEYOND[self.kind] * (1.0 + _EXACT):
            return 0.0, ()
        is_gone = edge.pair in self.gone or self._is_cached(edge)
        below = MovedLatency() if is_gone else self.of(edge.dependency, above)
        if not is_gone and (below.is_none or below.missing):
            return 0.0, below.missing
        whole = self._percentile(edge.dependency)
        if whole is None:
            return 0.0, (edge.dependency,)
        then = 0.0 if is_gone else float(below.after(np.array(whole)))
        most = math.inf if edge.timeout_ms is None else float(edge.timeout_ms) * edge.attempts
        if then <= whole:  # what falls away was part of the caller's own time
            most = min(most, self._percentile(edge.caller) or math.inf)
        return min(whole, most) - min(then, most), ()

    def _is_cached(self, edge: Dependency) -> bool:
        """So few requests still wait, for any of their calls, that they lie beyond the percentile."""
        if edge.pair not in self.hits:
            return False
        return _weight(edge) * (1.0 - self.hits[edge.pair]) <= BEYOND[self.kind] * (1.0 + _EXACT)

    def _percentile(self, service_id: str) -> float | None:
        known = self.measured.get(service_id)
        return None if known is None else known.percentile_ms.get(self.kind)


def _weight(edge: Dependency) -> float:
    return 1.0 if edge.call_weight is None else edge.call_weight
