"""Recommend SLOs for services from their own past and their dependencies'."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sloengine import __version__
from sloengine.application.ports.clock import Clock
from sloengine.application.ports.recommendation_cache import RecommendationCache
from sloengine.application.ports.recommendation_store import RecommendationStore
from sloengine.application.ports.service_graph import ServiceGraph
from sloengine.application.recommendation.compute_recommendations import Wanted, compute_recommendations
from sloengine.application.recommendation.evidence_reader import EvidenceReader, Scope
from sloengine.application.telemetry.freshness import Freshness
from sloengine.application.telemetry.pull_missing_hours import PullMissingHours
from sloengine.application.telemetry.pulled_hours import DAY, floor_to
from sloengine.domain.errors import Invalid, ServiceNotFound, Unavailable
from sloengine.domain.governance.authorization import require_decider, require_editor
from sloengine.domain.governance.model import Actor
from sloengine.domain.recommendation.lifecycle import status_at
from sloengine.domain.recommendation.model import (
    Recommendation,
    RecommendationResult,
    RecommendationStatus,
    RecommendationUnavailable,
    SliType,
    UnavailableReason,
)
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.reliability.window import ComplianceWindow

MAX_SERVICES = 200
_STANDING = (RecommendationStatus.ACTIVE, RecommendationStatus.ACCEPTED)


@dataclass(frozen=True, slots=True)
class RecommendCommand:
    """``service_ids``: at most 200. ``force``: compute again even where a stored answer still holds."""

    service_ids: Sequence[str]
    sli_types: Sequence[SliType] = (SliType.AVAILABILITY, SliType.LATENCY)
    window: ComplianceWindow = ComplianceWindow.ROLLING_28D
    force: bool = False


@dataclass(frozen=True, slots=True)
class Recommend:
    """Computed, stored (superseding the earlier one) and cached. sre_admin; service_owner for own teams.

    A stored answer is given again while neither telemetry nor graph have moved on. Hours that are missing are
    pulled from the source first; when it is down the last recommendation is given, marked stale.
    """

    graph: ServiceGraph
    store: RecommendationStore
    cache: RecommendationCache
    evidence: EvidenceReader
    missing_hours: PullMissingHours
    freshness: Freshness
    clock: Clock
    settings: EngineSettings

    async def __call__(self, command: RecommendCommand, *, actor: Actor) -> Sequence[RecommendationResult]:
        """One result per service and SLI type, services in the order asked for.

        Raises ``ServiceNotFound``, ``Forbidden``, ``Invalid``.
        """
        require_editor(actor, "generate recommendations")
        if not command.service_ids or not command.sli_types:
            raise Invalid("name at least one service and one SLI type", path=("input", "serviceIds"))
        if len(command.service_ids) > MAX_SERVICES:
            raise Invalid(
                f"at most {MAX_SERVICES} services at once; start a job for more", path=("input", "serviceIds")
            )
        known = await self.graph.services(command.service_ids)
        for position, service_id in enumerate(command.service_ids):
            if service_id not in known:
                raise ServiceNotFound(f"no service {service_id!r}", path=("input", "serviceIds", str(position)))
        require_decider(actor, known.values(), path=("input", "serviceIds"))
        return await self.many(command)

    async def many(self, command: RecommendCommand) -> Sequence[RecommendationResult]:
        """As called, for services that exist and an actor who was checked.

        A service that could not be computed is missing from the answer, and logged.
        """
        wanted = [
            Wanted(service_id, sli_type)
            for service_id in dict.fromkeys(command.service_ids)
            for sli_type in dict.fromkeys(command.sli_types)
        ]
        standing = await self._standing(wanted, command.window)
        scope = await self.evidence.scope(command.service_ids)
        try:
            as_of = await self.missing_hours(scope.service_ids)
        except Unavailable as down:
            return await self._without_source(command, wanted, standing, scope, down)
        version = scope.graph.version
        answers: dict[Wanted, RecommendationResult] = {}
        if not command.force:
            answers.update({one: known for one, known in standing.items() if _holds(known, as_of, version)})
        answers.update(
            await self._compute(command, [w for w in wanted if w not in answers], scope, as_of, standing)
        )
        is_stale = await self.freshness.is_stale()
        return [_marked(answers[one], is_stale=is_stale) for one in wanted if one in answers]

    async def _standing(self, wanted: Sequence[Wanted], window: ComplianceWindow) -> dict[Wanted, Recommendation]:
        """Recommendations on record that nobody turned down and that have not expired, of this window."""
        found: dict[Wanted, Recommendation] = {}
        for sli_type in dict.fromkeys(one.sli_type for one in wanted):
            ids = [one.service_id for one in wanted if one.sli_type is sli_type]
            for service_id, result in (await self.store.newest(ids, sli_type)).items():
                if (
                    isinstance(result, Recommendation)
                    and result.window is window
                    and status_at(result, self.clock.now()) in _STANDING
                ):
                    found[Wanted(service_id, sli_type)] = result
        return found

    async def _without_source(
        self,
        command: RecommendCommand,
        wanted: Sequence[Wanted],
        standing: Mapping[Wanted, Recommendation],
        scope: Scope,
        down: Unavailable,
    ) -> Sequence[RecommendationResult]:
        """The last recommendation, marked stale; where there is none, one from what was aggregated before."""
        as_of = (await self.freshness.watermark()).aggregated_to
        answers: dict[Wanted, RecommendationResult] = dict(standing)
        missing = [one for one in wanted if one not in answers]
        if missing and as_of is not None:
            answers.update(await self._compute(command, missing, scope, as_of, standing))
        return [_marked(answers.get(one) or _source_down(one, down), is_stale=True) for one in wanted]

    async def _compute(
        self,
        command: RecommendCommand,
        wanted: Sequence[Wanted],
        scope: Scope,
        as_of: datetime,
        standing: Mapping[Wanted, Recommendation],
    ) -> dict[Wanted, RecommendationResult]:
        if not wanted:
            return {}
        prepared = await self.evidence.read(scope, as_of=as_of, filled=self.missing_hours.filled)
        now = self.clock.now()
        computed = await asyncio.to_thread(
            compute_recommendations,
            prepared,
            wanted,
            window=command.window,
            now=now,
            settings=self.settings,
            previous=standing,
        )
        stored = await self.store.save(list(computed.values()), now=now)
        await self.cache.put(stored)
        return {Wanted(result.service_id, result.sli_type): result for result in stored}


def _holds(known: Recommendation, as_of: datetime, version: int) -> bool:
    """Whether computing again would start from the same inputs."""
    newest = as_of if known.sli_type is SliType.AVAILABILITY else floor_to(as_of, DAY)
    return (
        known.graph_version == version and known.provenance.to_at >= newest and known.engine_version == __version__
    )


def _marked(result: RecommendationResult, *, is_stale: bool) -> RecommendationResult:
    return replace(result, is_stale=is_stale) if isinstance(result, Recommendation) else result


def _source_down(one: Wanted, down: Unavailable) -> RecommendationUnavailable:
    return RecommendationUnavailable(
        one.service_id,
        one.sli_type,
        UnavailableReason.SOURCE_DOWN,
        f"nothing was aggregated yet and the telemetry source does not answer: {down.message}",
    )
