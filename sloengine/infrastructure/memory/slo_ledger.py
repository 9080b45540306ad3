"""Decisions in dicts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sloengine.application.ports.idempotency import KeyedRequest
from sloengine.application.ports.paging import Page, PageRequest
from sloengine.application.ports.slo_ledger import (
    AuditFilter,
    DecidedSince,
    Decision,
    Recorded,
    Standing,
)
from sloengine.domain.errors import Conflict, RecommendationNotFound
from sloengine.domain.governance.hash_chain import ChainHead, verify_chain
from sloengine.domain.governance.model import AuditEvent, AuditIntegrity, Slo
from sloengine.domain.recommendation.model import Recommendation, SliType
from sloengine.infrastructure.decision_records import decision_events, recorded
from sloengine.infrastructure.memory.database import MemoryDatabase
from sloengine.infrastructure.memory.idempotency import earlier_answer, keep
from sloengine.infrastructure.memory.paging import cut


class MemorySloLedger:
    """Keeps the ``SloLedger`` port. Nothing awaits within a decision, so none comes between."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._db = database

    async def decide(
        self,
        *,
        service_id: str,
        sli_type: SliType,
        recommendation_id: str | None,
        actor: str,
        request: KeyedRequest | None,
        now: datetime,
        choose: Callable[[Recommendation | None, Slo | None], Decision],
        seen: Standing | None = None,
    ) -> Recorded:
        """Read, decide, write."""
        earlier: Recorded | None = None if request is None else earlier_answer(self._db, request, now)
        if earlier is not None:
            return replace(earlier, replayed=True)
        place, recommendation = self._recommendation(recommendation_id)
        slo_id = self._db.active.get((service_id, sli_type))
        active = None if slo_id is None else self._db.slos[slo_id]
        if seen is not None and seen.was_decided_since(
            None if recommendation is None else recommendation.status, slo_id
        ):
            raise Conflict(
                f"somebody else decided on {service_id!r} at the same time; look again before you decide"
            )
        decision = choose(recommendation, active)
        made = recorded(
            decision,
            Standing(recommendation, active),
            actor=actor,
            recommendation_id=recommendation_id,
            now=now,
            head=self._head(),
        )
        self._db.trail.append(made.audit_event)
        for event in decision_events(decision, made.audit_event, recommendation_id, now):
            self._db.outbox[event.event_id] = event
        if decision.is_open:
            self._db.to_tell[made.audit_event.audit_id] = now
        if decision.slo is not None:
            self._db.slos[decision.slo.slo_id] = decision.slo
            self._db.active[service_id, sli_type] = decision.slo.slo_id
        if place is not None and made.recommendation is not None:
            key_of, at, _ = self._db.results[place]
            self._db.results[place] = (key_of, at, made.recommendation)
        if request is not None:
            keep(self._db, request, made, now)
        return made

    async def standing(self, recommendation_id: str) -> Standing | None:
        """As it stands."""
        try:
            _, found = self._recommendation(recommendation_id)
        except RecommendationNotFound:
            return None
        if found is None:
            return None
        slo_id = self._db.active.get((found.service_id, found.sli_type))
        active = None if slo_id is None else self._db.slos[slo_id]
        return Standing(found, active, self._db.services.get(found.service_id))

    def _recommendation(self, recommendation_id: str | None) -> tuple[int | None, Recommendation | None]:
        if recommendation_id is None:
            return None, None
        for place, (key, _, result) in enumerate(self._db.results):
            if key == recommendation_id and isinstance(result, Recommendation):
                return place, result
        raise RecommendationNotFound(
            f"no recommendation {recommendation_id!r}", path=("input", "recommendationId")
        )

    def _head(self) -> ChainHead:
        last = self._db.trail[-1] if self._db.trail else None
        return ChainHead() if last is None else ChainHead(last.sequence, last.hash)

    async def active(self, service_ids: Sequence[str], sli_type: SliType) -> Mapping[str, Slo]:
        """Active SLOs."""
        found = {service_id: self._db.active.get((service_id, sli_type)) for service_id in service_ids}
        return {service_id: self._db.slos[key] for service_id, key in found.items() if key is not None}

    async def sequence(self) -> int:
        """Of the newest entry."""
        return self._head().sequence

    async def decided_since(self, sequence: int, limit: int, sli_type: SliType) -> DecidedSince:
        """From the trail."""
        newer = [entry.service_id for entry in self._db.trail if entry.sequence > sequence][:limit]
        decided = tuple(dict.fromkeys(newer))
        return DecidedSince(self._head().sequence, decided, await self.active(decided, sli_type))

    async def slos_by_id(self, slo_ids: Sequence[str]) -> Mapping[str, Slo]:
        """These SLOs."""
        return {key: self._db.slos[key] for key in slo_ids if key in self._db.slos}

    async def audit(self, wanted: AuditFilter, page: PageRequest) -> Page[AuditEvent]:
        """Newest first."""
        rows = [entry for entry in self._db.trail if _matches(entry, wanted)]
        return cut(rows, lambda entry: (-entry.sequence,), page)

    async def audit_pages(self, service_ids: Sequence[str], page: PageRequest) -> Mapping[str, Page[AuditEvent]]:
        """The same page of each."""
        return {key: await self.audit(AuditFilter(service_id=key), page) for key in service_ids}

    async def audit_by_id(self, audit_ids: Sequence[str]) -> Mapping[str, AuditEvent]:
        """These entries."""
        wanted = set(audit_ids)
        return {entry.audit_id: entry for entry in self._db.trail if entry.audit_id in wanted}

    async def verify(self) -> AuditIntegrity:
        """Recompute the chain."""
        return verify_chain(self._db.trail, self._head())


def _matches(entry: AuditEvent, wanted: AuditFilter) -> bool:
    return (
        (wanted.service_id is None or entry.service_id == wanted.service_id)
        and (wanted.actor is None or entry.actor == wanted.actor)
        and (wanted.actions is None or entry.action in wanted.actions)
        and (wanted.from_at is None or entry.at >= wanted.from_at)
        and (wanted.to_at is None or entry.at < wanted.to_at)
    )
