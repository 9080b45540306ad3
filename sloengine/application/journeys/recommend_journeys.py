"""Recommend SLOs for journeys from the services that their requests pass."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sloengine.application.ports.clock import Clock
from sloengine.application.recommendation.evidence_reader import EvidenceReader
from sloengine.application.recommendation.prepared import Prepared
from sloengine.application.telemetry.freshness import Freshness
from sloengine.application.telemetry.pull_missing_hours import PullMissingHours
from sloengine.domain.journeys.composite import compose_journey, series_id_of
from sloengine.domain.journeys.model import Journey
from sloengine.domain.journeys.recommend_journey import JourneyAnswer, JourneySetting, recommend_journey
from sloengine.domain.recommendation.model import (
    RecommendationUnavailable,
    SliType,
    UnavailableReason,
)
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.reliability.window import ComplianceWindow


@dataclass(frozen=True, slots=True)
class RecommendJourneys:
    """Computed when asked for, from what has been aggregated; nothing is stored. Open to every role."""

    evidence: EvidenceReader
    missing_hours: PullMissingHours
    freshness: Freshness
    clock: Clock
    settings: EngineSettings

    async def __call__(
        self, journeys: Sequence[Journey], window: ComplianceWindow = ComplianceWindow.ROLLING_28D
    ) -> Mapping[str, JourneyAnswer]:
        """An answer for each journey, by its id; evidence is read once for all of them."""
        if not journeys:
            return {}
        as_of = (await self.freshness.watermark()).aggregated_to
        if as_of is None:
            return {journey.journey_id: _nothing_yet(journey) for journey in journeys}
        named = tuple(dict.fromkeys(service for journey in journeys for service in journey.named))
        scope = await self.evidence.scope(named)
        prepared = await self.evidence.read(scope, as_of=as_of, filled=self.missing_hours.filled)
        return await asyncio.to_thread(self._answers, prepared, journeys, window)

    def _answers(
        self, prepared: Prepared, journeys: Sequence[Journey], window: ComplianceWindow
    ) -> Mapping[str, JourneyAnswer]:
        evidence, priors = prepared.evidence, prepared.evidence.priors
        setting = JourneySetting(
            window=window,
            as_of=evidence.as_of,
            now=self.clock.now(),
            availability_prior=priors.availability,
            latency_prior=priors.latency,
            settings=priors.calibrated(self.settings),
            graph=evidence.graph,
            graph_version=evidence.graph_version,
            queries=() if evidence.source is None else (f"hourly sums pulled from {evidence.source}",),
        )
        answers: dict[str, JourneyAnswer] = {}
        for journey in journeys:
            gone = [service for service in journey.named if service not in evidence.graph.index]
            if gone:
                answers[journey.journey_id] = _gone(journey, gone)
                continue
            composite = compose_journey(
                prepared.reliability,
                prepared.findings.cleaned,
                journey,
                window=window.length,
                promises=evidence.promises,
            )
            answers[journey.journey_id] = recommend_journey(
                journey, composite, evidence.latency, setting, prepared.findings
            )
        return answers


def _nothing_yet(journey: Journey) -> JourneyAnswer:
    return _refused(journey, "nothing was aggregated yet; load SLIs or wait for the first hour of telemetry")


def _gone(journey: Journey, services: Sequence[str]) -> JourneyAnswer:
    return _refused(journey, f"not in the graph any more: {', '.join(services)}; save the journey without them")


def _refused(journey: Journey, message: str) -> JourneyAnswer:
    availability, latency = (
        RecommendationUnavailable(series_id_of(journey), sli_type, UnavailableReason.NO_DATA, message)
        for sli_type in (SliType.AVAILABILITY, SliType.LATENCY)
    )
    return JourneyAnswer(journey, availability, latency, ())
