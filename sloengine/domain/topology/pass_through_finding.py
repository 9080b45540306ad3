"""What was found of an edge's pass-through, kept so that it need not be found again, and when it no longer counts.

A finding is good as long as learning afresh would start from the same: the caller's edges as they are declared,
the other callers among whom the failures of its dependencies are divided, the look-back, and telemetry of both
ends. All but the telemetry is in a *basis*; another basis is another question, and is learnt.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property

from sloengine.domain.recommendation.model import Estimate
from sloengine.domain.topology.dependency import Dependency
from sloengine.domain.topology.graph import DependencyGraph

METHOD = 1
"""Moves whenever the same data would be judged differently."""
MAX_AGE = timedelta(hours=36)
"""Learnt daily; half a day for a run that is late. Of 90 days, so much adds less than 2 %."""
#: Call weights that telemetry measures move a little with every reading. They are taken as the same in steps of a
#: tenth, which is what a step moves a caller's share of a dependency's failures by at most.
_WEIGHT_STEP = math.log(1.1)


class Verdict(StrEnum):
    """What the data say of a declaration."""

    DECLARED = "DECLARED"
    """It stands, or there is not evidence enough against it."""
    LESS = "LESS"
    """Less passes than declared: the limit is used."""
    CONTRADICTED = "CONTRADICTED"
    """The measured share is used and the contradiction reported."""


@dataclass(frozen=True, slots=True)
class PassThroughFinding:
    """One edge. ``in_use``: the one that bounds are computed with; ``measured`` None: too little evidence.

    ``failed_calls``: of the look-back, attributed to the caller. ``seen``: whether both ends had telemetry that
    could be believed; where they had not, the finding says nothing once they have.
    """

    verdict: Verdict
    in_use: float
    failed_calls: float
    measured: Estimate | None
    seen: bool
    basis: str
    learnt_at: datetime


@dataclass(frozen=True)
class PassThroughBases:
    """What findings of a graph's edges rest on beside telemetry, by caller. Worked out as it is asked for."""

    graph: DependencyGraph
    lookback: timedelta

    def of(self, caller: str) -> str:
        """A digest of the caller's edges, of who else calls the same, and of how it is learnt."""
        found = self._callers.get(caller)
        if found is None:
            edges = [edge for edge in self.graph.edges_by_caller.get(caller, ()) if not edge.is_stale]
            said = [METHOD, self.lookback.total_seconds()]
            edges.sort(key=lambda edge: edge.dependency)
            found = self._callers[caller] = _digest(
                [*said, *(part for edge in edges for part in self._edge(edge))]
            )
        return found

    def _edge(self, edge: Dependency) -> tuple[object, ...]:
        return (edge.mode, edge.criticality, edge.redundancy_group, edge.required, self._shared(edge.dependency))

    def _shared(self, dependency: str) -> str:
        """Who calls a dependency, how often, and with how many tries."""
        found = self._dependencies.get(dependency)
        if found is None:
            edges = [edge for edge in self.graph.edges_by_dependency[dependency] if not edge.is_stale]
            edges.sort(key=lambda edge: edge.caller)
            callers = [part for edge in edges for part in (edge.caller, _step(edge.call_weight), edge.attempts)]
            found = self._dependencies[dependency] = _digest([dependency, *callers])
        return found

    @cached_property
    def _callers(self) -> dict[str, str]:
        return {}

    @cached_property
    def _dependencies(self) -> dict[str, str]:
        return {}


def standing_findings(
    findings: Mapping[tuple[str, str], PassThroughFinding],
    bases: PassThroughBases,
    *,
    as_of: datetime,
    void_before: datetime | None,
) -> dict[tuple[str, str], PassThroughFinding]:
    """Those that may be used as of an instant: young enough, on this basis, and not made void since.

    ``void_before``: when telemetry that had been learnt from was last written anew; None: never.
    """
    return {
        pair: found
        for pair, found in findings.items()
        if abs(as_of - found.learnt_at) <= MAX_AGE
        and (void_before is None or found.learnt_at > void_before)
        and found.basis == bases.of(pair[0])
    }


def _step(weight: float | None) -> object:
    return weight if weight is None or weight <= 0.0 else round(math.log(weight) / _WEIGHT_STEP)


def _digest(parts: Iterable[object]) -> str:
    return hashlib.blake2b("\x00".join(map(str, parts)).encode(), digest_size=12).hexdigest()
