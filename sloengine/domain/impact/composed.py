"""What the measured distributions make of a changed latency objective, beside the limit that holds anyway.

A service whose objective loosens is taken to use the room: it answers later by as much, at every percentile. One
whose objective tightens is taken to change nothing, because an objective does not make anybody faster.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sloengine.domain.impact.latency import LATENCY_KINDS, LatencyLevels, moves_of
from sloengine.domain.impact.model import ImpactRow, SloChange
from sloengine.domain.recommendation.measured_latency import LEVELS
from sloengine.domain.recommendation.model import ObjectiveKind
from sloengine.domain.reliability.panel import LatencyHistory
from sloengine.domain.topology.composed_latency import (
    ComposedChange,
    ComposedLatency,
    LatencyChange,
    rests_on,
)
from sloengine.domain.topology.graph import DependencyGraph

MOST_ROWS = 40
"""Callers that are composed, nearest first."""
MOST_SERVICES = 300
"""Services whose histograms are looked at for that."""
_MOST_LOOKED_AT = 400


@dataclass(frozen=True)
class LatencyComposition:
    """Which rows are to be composed, and from whose histograms; those are read when this is known."""

    graph: DependencyGraph
    moves: Mapping[ObjectiveKind, Mapping[str, float | None]]
    chosen: frozenset[tuple[str, ObjectiveKind]]
    needs: frozenset[str]

    @classmethod
    def of(
        cls, graph: DependencyGraph, levels: LatencyLevels, changes: Sequence[SloChange], rows: Sequence[ImpactRow]
    ) -> LatencyComposition:
        """The nearest callers, as far as the number of histograms allows."""
        moves = {kind: moves_of(levels, changes, kind) for kind in LATENCY_KINDS}
        chosen: set[tuple[str, ObjectiveKind]] = set()
        needs: set[str] = set()
        without = {kind: ComposedChange(graph, {}, _change(moves[kind])) for kind in LATENCY_KINDS}
        known = (row for row in rows if row.kind in LATENCY_KINDS and row.before is not None)
        nearest = sorted(known, key=lambda row: (row.distance, row.service_id, row.kind))
        for row in nearest[:_MOST_LOOKED_AT]:
            if len(chosen) == MOST_ROWS:
                break
            together = needs | without[row.kind].needs(row.service_id, MOST_SERVICES)
            if len(together) <= MOST_SERVICES:
                needs = together
                chosen.add((row.service_id, row.kind))
        return cls(graph, moves, frozenset(chosen), frozenset(needs))

    def composed(
        self, rows: Sequence[ImpactRow], histories: Mapping[str, LatencyHistory]
    ) -> tuple[ImpactRow, ...]:
        """The same rows; those of latency with what was composed, or why it was not.

        ``histories``: over the same days, of the services that it ``needs``.
        """
        made = {kind: ComposedChange(self.graph, histories, _change(self.moves[kind])) for kind in LATENCY_KINDS}
        return tuple(
            replace(row, composed=self._of(row, made[row.kind])) if row.kind in made else row for row in rows
        )

    def _of(self, row: ImpactRow, change: ComposedChange) -> ComposedLatency:
        unknown = [name for name, moved in self.moves[row.kind].items() if moved is None]
        if unknown:
            return ComposedLatency(None, None, f"by how much {unknown[0]} changes is not known")
        if row.before is None:
            return ComposedLatency(None, None, f"no latency histogram of {row.service_id} reaches the percentile")
        if (row.service_id, row.kind) not in self.chosen:
            return ComposedLatency(
                None,
                None,
                f"composed for the {MOST_ROWS} nearest callers only, from at most {MOST_SERVICES} histograms",
            )
        found = change.of(row.service_id, LEVELS[row.kind])
        if found.measured is None or found.low is None or found.high is None:
            return ComposedLatency(None, None, found.reason or "")
        low, high = (
            min(max(row.before, row.before + 1000.0 * (after - found.measured)), row.after or float("inf"))
            for after in (found.low, found.high)
        )
        return ComposedLatency(low, high, rests_on(found))


def _change(moves: Mapping[str, float | None]) -> LatencyChange:
    return LatencyChange(shifts={name: max(0.0, moved or 0.0) / 1000.0 for name, moved in moves.items()})
