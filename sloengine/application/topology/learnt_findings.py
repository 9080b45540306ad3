"""What was found of pass-through, as this process has it, checked against what is stored at each use."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sloengine.application.ports.service_graph import PassThroughStanding, ServiceGraph
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.topology.pass_through_finding import PassThroughBases, PassThroughFinding, standing_findings

type Findings = Mapping[tuple[str, str], PassThroughFinding]


@dataclass(slots=True)
class LearntFindings:
    """Read by caller as they are asked for, and kept until others are noted. One query where all are known."""

    graph: ServiceGraph
    lookback: timedelta
    _revision: str | None = field(default=None, init=False)
    _of: dict[str, Findings] = field(default_factory=dict, init=False)
    _bases: PassThroughBases | None = field(default=None, init=False)

    async def revision(self) -> str | None:
        """Another one with everything that is noted or made void."""
        return (await self.state()).revision

    async def state(self) -> PassThroughStanding:
        """The same, and when series that had been read were last written anew."""
        return await self.graph.pass_through_standing()

    async def standing(self, whole: DependencyGraph, callers: Collection[str], as_of: datetime) -> Findings:
        """Findings of these callers' edges that may be used as of then; what is missing has to be learnt.

        ``whole``: the merged graph: of a part of it one could not tell who else calls a dependency.
        """
        standing = await self.graph.pass_through_standing()
        if standing.revision is None:
            return {}
        if standing.revision != self._revision:
            # Another dict, not an emptied one: a read that is under way fills the one it was begun for.
            self._revision, self._of = standing.revision, {}
        kept = self._of
        missing = [caller for caller in callers if caller not in kept]
        if missing:
            found = await self.graph.pass_through_findings(missing)
            kept.update(await asyncio.to_thread(_by_caller, missing, found))
        if self._bases is None or self._bases.graph is not whole:
            self._bases = PassThroughBases(whole, self.lookback)
        of_callers = [kept[caller] for caller in callers]
        return await asyncio.to_thread(_standing, of_callers, self._bases, as_of, standing.void_before)


def _standing(
    of_callers: Iterable[Findings], bases: PassThroughBases, as_of: datetime, void_before: datetime | None
) -> Findings:
    chosen = {pair: found for findings in of_callers for pair, found in findings.items()}
    return standing_findings(chosen, bases, as_of=as_of, void_before=void_before)


def _by_caller(callers: Iterable[str], findings: Findings) -> dict[str, Findings]:
    found: dict[str, dict[tuple[str, str], PassThroughFinding]] = {caller: {} for caller in callers}
    for pair, finding in findings.items():
        found[pair[0]][pair] = finding
    return dict(found)
