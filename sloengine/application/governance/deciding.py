"""What every decision does around its rule: look up, check the actor, record in one transaction, tell others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from uuid import uuid4

from sloengine.application.governance.decision_fingerprint import Asked, fingerprint, fingerprint_before
from sloengine.application.impact.warn_callers import WarnCallers
from sloengine.application.ports.clock import Clock
from sloengine.application.ports.idempotency import KeyedRequest, check_idempotency_key
from sloengine.application.ports.job_queue import JobQueue
from sloengine.application.ports.recommendation_cache import RecommendationCache
from sloengine.application.ports.recommendation_store import RecommendationStore
from sloengine.application.ports.service_graph import ServiceGraph
from sloengine.application.ports.slo_ledger import Decision, Recorded, SloLedger, Standing
from sloengine.domain.errors import Invalid, RecommendationNotFound, ServiceNotFound, Unavailable
from sloengine.domain.governance.authorization import require_decider
from sloengine.domain.governance.model import Actor, Slo, SloSource, SloTarget
from sloengine.domain.journeys.model import ANSWER_PREFIX
from sloengine.domain.recommendation.model import Recommendation, SliType
from sloengine.domain.reliability.window import ComplianceWindow


@dataclass(frozen=True, slots=True)
class Deciding:
    """Shared by accept, modify, reject and set."""

    ledger: SloLedger
    store: RecommendationStore
    graph: ServiceGraph
    cache: RecommendationCache
    queue: JobQueue
    clock: Clock
    callers: WarnCallers

    async def on_recommendation(self, recommendation_id: str, actor: Actor) -> tuple[Recommendation, Standing]:
        """The recommendation, if the actor may decide on it, and all that was seen with it.

        Raises ``RecommendationNotFound``, ``ServiceNotFound``, ``Forbidden``; ``Invalid`` for a journey's.
        """
        path = ("input", "recommendationId")
        if recommendation_id.startswith(ANSWER_PREFIX):
            raise Invalid(
                "recommendations for journeys are not decided on; accept those of the services on its way",
                path=path,
            )
        seen = await self.ledger.standing(recommendation_id)
        if seen is None or seen.recommendation is None:
            raise RecommendationNotFound(f"no recommendation {recommendation_id!r}", path=path)
        if seen.service is None:
            raise ServiceNotFound(f"no service {seen.recommendation.service_id!r}", path=path)
        require_decider(actor, [seen.service], path=path)
        return seen.recommendation, seen

    async def check_actor(self, service_id: str, actor: Actor, *, path: tuple[str, ...]) -> None:
        """Raise ``ServiceNotFound`` or ``Forbidden`` unless the actor may decide on this service."""
        service = (await self.graph.services([service_id])).get(service_id)
        if service is None:
            raise ServiceNotFound(f"no service {service_id!r}", path=path)
        require_decider(actor, [service], path=path)

    async def record(
        self,
        *,
        service_id: str,
        sli_type: SliType,
        recommendation_id: str | None,
        actor: Actor,
        mutation: str,
        idempotency_key: str | None,
        asked: Asked,
        choose: Callable[[Recommendation | None, Slo | None], Decision],
        seen: Standing | None = None,
        targets: Sequence[SloTarget] = (),
    ) -> Recorded:
        """Write the decision, and with it whose objective it breaks.

        Then drop cached copies, have the events relayed and, where it was not known in time whose objective it
        breaks, have that looked at. All may fail: the cache's copy ends with its lifetime, the others run on their
        own as well.
        ``seen``: what the decider looked at, if it did; somebody else's decision since then is a conflict.
        ``asked``: what the client asked for, to tell a retry from another request under the same key.
        ``targets``: the objectives from now on; none: they stay.
        """
        check_idempotency_key(idempotency_key)
        request = None
        if idempotency_key is not None:
            before = (fingerprint_before(asked),)
            request = KeyedRequest(actor.subject, mutation, idempotency_key, fingerprint(asked), before)
        told = await self.callers.of(service_id, targets)

        def choose_and_tell(current: Recommendation | None, active: Slo | None) -> Decision:
            return replace(
                choose(current, active),
                warnings=told.warnings,
                callers_at_risk=told.event,
                is_open=told.is_open,
            )

        recorded = await self.ledger.decide(
            service_id=service_id,
            sli_type=sli_type,
            recommendation_id=recommendation_id,
            actor=actor.subject,
            request=request,
            now=self.clock.now(),
            choose=choose_and_tell,
            seen=seen,
        )
        if not recorded.replayed:
            await asyncio.gather(
                self.cache.invalidate([service_id]),
                self._enqueue("governance.relay_outbox"),
                *(
                    [self._enqueue("governance.tell_callers", audit_id=recorded.audit_event.audit_id)]
                    if told.is_open
                    else []
                ),
            )
        return recorded

    async def _enqueue(self, actor_name: str, **ids: str) -> None:
        with suppress(Unavailable):
            await self.queue.enqueue(actor_name, **ids)

    def slo(
        self,
        recommendation: Recommendation,
        targets: tuple[SloTarget, ...],
        source: SloSource,
        actor: Actor,
    ) -> Slo:
        """These targets as the service's SLO from now on."""
        plain = self.manual_slo(
            recommendation.service_id, recommendation.sli_type, recommendation.window, targets, actor
        )
        return replace(
            plain,
            source=source,
            recommendation_id=recommendation.recommendation_id,
            review_at=recommendation.review_at,
        )

    def manual_slo(
        self,
        service_id: str,
        sli_type: SliType,
        window: ComplianceWindow,
        targets: tuple[SloTarget, ...],
        actor: Actor,
    ) -> Slo:
        """An SLO that rests on no recommendation."""
        return Slo(
            slo_id=str(uuid4()),
            service_id=service_id,
            sli_type=sli_type,
            window=window,
            targets=targets,
            source=SloSource.MANUAL,
            activated_at=self.clock.now(),
            activated_by=actor.subject,
        )
