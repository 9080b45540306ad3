"""Which journeys changed objectives reach, and what their entry points can then give."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from sloengine.application.impact.impact_bases import ImpactBases
from sloengine.application.ports.journey_store import JourneyStore
from sloengine.domain.impact.analyse import ImpactBasis, follow
from sloengine.domain.impact.journeys import ImpactedJourney, impacted_journeys
from sloengine.domain.impact.latency import LatencyLevels, analyse_latency
from sloengine.domain.impact.model import SloChange
from sloengine.domain.journeys.model import Journey
from sloengine.domain.recommendation.model import ObjectiveKind

MOST_JOURNEYS = 1_000


@dataclass(frozen=True, slots=True)
class JourneysHurt:
    """Open to every role; nothing is stored. Looks at the first ``MOST_JOURNEYS`` journeys by name."""

    journeys: JourneyStore
    bases: ImpactBases

    async def __call__(self, changes: Sequence[SloChange]) -> Sequence[ImpactedJourney]:
        """Most hurt first, on the basis that the rows of an impact analysis rest on.

        ``changes``: as checked by ``AnalyseImpact``; those of services that are gone meanwhile are left out.
        """
        every = await self.journeys.every(MOST_JOURNEYS)
        if not every:
            return []
        basis = await self.bases.current()
        known = [change for change in changes if change.service_id in basis.network.graph.index]
        is_latency = any(change.target.kind is not ObjectiveKind.AVAILABILITY for change in known)
        levels = await self.bases.latency(basis) if is_latency else None
        return await asyncio.to_thread(_hurt, basis, levels, known, every)


def _hurt(
    basis: ImpactBasis, levels: LatencyLevels | None, changes: Sequence[SloChange], journeys: Sequence[Journey]
) -> Sequence[ImpactedJourney]:
    slow = () if levels is None else analyse_latency(basis.network, levels, changes)[0]
    slowed = {change.service_id for change in changes if change.target.kind is not ObjectiveKind.AVAILABILITY}
    return impacted_journeys(follow(basis, changes), slow, journeys, slowed)
