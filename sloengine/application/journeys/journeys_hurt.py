"""Which journeys a changed availability objective reaches, and what their services' promises then allow."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sloengine.application.ports.journey_store import JourneyStore
from sloengine.application.recommendation.evidence_reader import EvidenceReader
from sloengine.application.recommendation.prepared import Prepared
from sloengine.application.telemetry.freshness import Freshness
from sloengine.application.telemetry.pull_missing_hours import PullMissingHours
from sloengine.domain.journeys.model import Journey
from sloengine.domain.journeys.promises import DEPTH, promised_ratio

MOST_JOURNEYS = 1_000


@dataclass(frozen=True, slots=True)
class HurtJourney:
    """Availability in [0, 1] when services do no better than they promise, before and after; None: nobody promised
    anything. ``violates``: after it an entry point's own objective asks for more.
    """

    journey: Journey
    before: float | None
    after: float | None
    violates: bool


@dataclass(frozen=True, slots=True)
class JourneysHurt:
    """Open to every role; nothing is stored."""

    journeys: JourneyStore
    evidence: EvidenceReader
    missing_hours: PullMissingHours
    freshness: Freshness

    async def __call__(self, changes: Mapping[str, float]) -> Sequence[HurtJourney]:
        """Journeys that pass a changed service, most hurt first. ``changes``: availability ratio by service id."""
        as_of = (await self.freshness.watermark()).aggregated_to
        every = await self.journeys.every(MOST_JOURNEYS)
        if as_of is None or not every or not changes:
            return []
        graph = await self.evidence.snapshots.current()
        touched = [
            journey
            for journey in every
            if all(service in graph.index for service in journey.named)
            and not changes.keys().isdisjoint(
                journey.named if journey.routes else graph.distances(journey.entry_points, DEPTH)
            )
        ]
        if not touched:
            return []
        named = tuple(dict.fromkeys(service for journey in touched for service in journey.named))
        scope = await self.evidence.scope(named)
        prepared = await self.evidence.read(scope, as_of=as_of, filled=self.missing_hours.filled)
        return await asyncio.to_thread(_hurt, prepared, touched, changes)


def _hurt(prepared: Prepared, journeys: Sequence[Journey], changes: Mapping[str, float]) -> list[HurtJourney]:
    promises = dict(prepared.evidence.promises)
    changed = {**promises, **changes}
    found: list[HurtJourney] = []
    for journey in journeys:
        before = promised_ratio(prepared.reliability, journey, promises)
        after = promised_ratio(prepared.reliability, journey, changed)
        asked = max((changed[one] for one in journey.entry_points if one in changed), default=None)
        found.append(
            HurtJourney(journey, before, after, asked is not None and after is not None and after < asked - 1e-12)
        )
    return sorted(
        found, key=lambda one: (not one.violates, (one.after or 1.0) - (one.before or 1.0), one.journey.name)
    )
