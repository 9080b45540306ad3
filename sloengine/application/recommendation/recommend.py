"""Recommend SLOs for services from their own past and their dependencies'."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sloengine.application.beside import beside
from sloengine.application.ports.clock import Clock
from sloengine.application.ports.idempotency import KeyedRequest, keyed_request
from sloengine.application.ports.recommendation_cache import RecommendationCache
from sloengine.application.ports.recommendation_store import Answering, RecommendationStore
from sloengine.application.ports.service_graph import ServiceGraph
from sloengine.application.ports.shapley_values import ShapleyValues
from sloengine.application.recommendation.compute_recommendations import Wanted, compute_recommendations
from sloengine.application.recommendation.evidence_reader import EvidenceReader
from sloengine.application.recommendation.evidence_scope import Scope
from sloengine.application.recommendation.prepared import Prepared
from sloengine.application.recommendation.recommend_command import (
    MUTATION,
    RecommendCommand,
    is_enough,
    request_body,
)
from sloengine.application.telemetry.freshness import Freshness
from sloengine.application.telemetry.pull_missing_hours import MissingHours, PullMissingHours
from sloengine.application.telemetry.pulled_over_stored import StoredOtherwise
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
    shapley: ShapleyValues

    async def __call__(self, command: RecommendCommand, *, actor: Actor) -> Sequence[RecommendationResult]:
        """One result per service and SLI type, services in the order asked for.

        The same idempotency key gives the same results. Raises ``ServiceNotFound``, ``Forbidden``, ``Invalid``,
        ``IdempotencyMismatch``.
        """
        require_editor(actor, "generate recommendations")
        request = keyed_request(
            actor.subject,
            MUTATION,
            command.idempotency_key,
            request_body(command.service_ids, command.sli_types, command.window, force=command.force),
        )
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
        if request is None:
            return await self.many(command)
        earlier = await self.store.answered(request, now=self.clock.now())
        return await self.many(command, request) if earlier is None else earlier

    async def many(
        self, command: RecommendCommand, request: KeyedRequest | None = None
    ) -> Sequence[RecommendationResult]:
        """As called, for services that exist and an actor who was checked.

        A service that could not be computed is missing from the answer, and logged.
        """
        wanted = [
            Wanted(service_id, sli_type)
            for service_id in dict.fromkeys(command.service_ids)
            for sli_type in dict.fromkeys(command.sli_types)
        ]
        standing, scope, series = await asyncio.gather(
            self._standing(wanted, command.window),
            self.evidence.scope(command.service_ids, only_below=True),
            self.evidence.findings.state(),
        )
        fresh: dict[Wanted, RecommendationResult] | None = None
        try:
            missing = await self.missing_hours.missing(scope.service_ids, scope.asked)
            known: dict[Wanted, RecommendationResult] = {
                one: stands
                for one, stands in standing.items()
                if is_enough(stands, command, missing.as_of, scope.graph.version, series.void_before)
            }
            open_ones = [one for one in wanted if one not in known]
            if open_ones and scope.is_kept_apart and self.missing_hours.at_once(missing):
                fresh = await self._compute_meanwhile(command, open_ones, scope, missing, standing)
            else:
                await self.missing_hours.fill(missing)
        except Unavailable as down:
            return await self._without_source(command, wanted, standing, scope, down, request)
        if fresh is None:
            fresh = await self._compute(command, open_ones, scope, missing.as_of, standing)
        is_stale = await self.freshness.is_stale()
        return await self._answer(wanted, known, fresh, request, is_stale=is_stale)

    async def _standing(self, wanted: Sequence[Wanted], window: ComplianceWindow) -> dict[Wanted, Recommendation]:
        """Recommendations on record that nobody turned down and that have not expired, of this window."""
        found: dict[Wanted, Recommendation] = {}
        ids_of: dict[SliType, list[str]] = {}
        for one in wanted:
            ids_of.setdefault(one.sli_type, []).append(one.service_id)
        newest = await asyncio.gather(*(self.store.newest(ids, sli_type) for sli_type, ids in ids_of.items()))
        for sli_type, results in zip(ids_of, newest, strict=True):
            for service_id, result in results.items():
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
        request: KeyedRequest | None,
    ) -> Sequence[RecommendationResult]:
        """The last recommendation, marked stale; where there is none, one from what was aggregated before.

        An answer that says that the source was down is not kept under a key: asking again may do better.
        """
        as_of = (await self.freshness.watermark()).aggregated_to
        missing = [one for one in wanted if one not in standing]
        known: dict[Wanted, RecommendationResult] = dict(standing)
        if as_of is None and missing:
            known.update({one: _source_down(one, down) for one in missing})
            return await self._answer(wanted, known, {}, None, is_stale=True)
        known = {
            one: _warned(result, f"the last recommendation: newer hours could not be read. {down.message}")
            for one, result in known.items()
        }
        fresh = {} if as_of is None else await self._compute(command, missing, scope, as_of, standing)
        without = f"hours after {as_of:%Y-%m-%d %H:%M} UTC could not be read and are not in it. {down.message}"
        fresh = {one: _warned(result, without) for one, result in fresh.items()}
        return await self._answer(wanted, known, fresh, request, is_stale=True)

    async def _answer(
        self,
        wanted: Sequence[Wanted],
        known: Mapping[Wanted, RecommendationResult],
        fresh: Mapping[Wanted, RecommendationResult],
        request: KeyedRequest | None,
        *,
        is_stale: bool,
    ) -> Sequence[RecommendationResult]:
        """Store and cache what is fresh, and keep the whole answer when it belongs to a keyed request."""
        now = self.clock.now()
        if request is None:
            stored = await self._saved(list(fresh.values()), now) if fresh else ()
            await self.cache.put(stored)
            found = {**known, **{Wanted(one.service_id, one.sli_type): one for one in stored}}
        else:
            answering = Answering(request, list(known.values()), is_stale)
            answer = await self.store.save_once(list(fresh.values()), answering, now=now)
            await self.cache.invalidate([one.service_id for one in fresh])
            found = {Wanted(one.service_id, one.sli_type): one for one in answer}
        return [_marked(found[one], is_stale=is_stale) for one in wanted if one in found]

    async def _saved(self, fresh: Sequence[RecommendationResult], now: datetime) -> Sequence[RecommendationResult]:
        """Stored; where that broke off, nobody is shown from the cache what the first ones superseded."""
        try:
            return await self.store.save(fresh, now=now)
        except Unavailable:
            await self.cache.invalidate([one.service_id for one in fresh])
            raise

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
        begun_at = self.clock.now()
        prepared = await self.evidence.read(scope, as_of=as_of, filled=self.missing_hours.filled)
        return await self._computed(command, wanted, prepared, standing, begun_at)

    async def _compute_meanwhile(
        self,
        command: RecommendCommand,
        wanted: Sequence[Wanted],
        scope: Scope,
        missing: MissingHours,
        standing: Mapping[Wanted, Recommendation],
    ) -> dict[Wanted, RecommendationResult] | None:
        """The same, read while missing hours are pulled and computed while they are stored.

        What is pulled is laid over what was read as the store would; None where only the store can, or where it
        could not be read: the hours are stored then. Nothing is answered before that: an answer rests on hours
        that are on record. Raises ``Unavailable`` when the source is down, or what it gave could not be stored.
        """
        begun_at = self.clock.now()
        async with beside(self.evidence.stored(scope, missing.as_of)) as reading:
            pulled = await self.missing_hours.pull(missing)
            try:
                stored = await reading
            except Unavailable:
                stored = None
        async with beside(self.missing_hours.store(missing, pulled)) as storing:
            try:
                prepared = None if stored is None else await self.evidence.prepared(stored, pulled)
            except (StoredOtherwise, Unavailable):
                prepared = None
            computed = None
            if prepared is not None:
                computed = await self._computed(command, wanted, prepared, standing, begun_at)
            await storing
        return computed

    async def _computed(
        self,
        command: RecommendCommand,
        wanted: Sequence[Wanted],
        prepared: Prepared,
        standing: Mapping[Wanted, Recommendation],
        begun_at: datetime,
    ) -> dict[Wanted, RecommendationResult]:
        """``begun_at``: before anything was read. What is written anew after that may not be in the answer, which
        must then not stand for it (:func:`_holds`).
        """
        computed = await asyncio.to_thread(
            compute_recommendations,
            prepared,
            wanted,
            window=command.window,
            now=begun_at,
            settings=self.settings,
            previous=standing,
            shapley=self.shapley,
        )
        return dict(computed)


def _marked(result: RecommendationResult, *, is_stale: bool) -> RecommendationResult:
    return replace(result, is_stale=is_stale) if isinstance(result, Recommendation) else result


def _warned(result: RecommendationResult, warning: str) -> RecommendationResult:
    """The same with one more warning on its data; what is no recommendation says its reason already."""
    if not isinstance(result, Recommendation):
        return result
    quality = result.data_quality
    return replace(result, data_quality=replace(quality, warnings=(*quality.warnings, warning)))


def _source_down(one: Wanted, down: Unavailable) -> RecommendationUnavailable:
    return RecommendationUnavailable(
        one.service_id,
        one.sli_type,
        UnavailableReason.SOURCE_DOWN,
        f"nothing was aggregated yet and the telemetry source does not answer: {down.message}",
    )
