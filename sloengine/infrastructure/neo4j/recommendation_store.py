"""Recommendations in Neo4j: a document each, with the numbers that ad-hoc Cypher asks for beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any
from uuid import uuid4

from sloengine.application.ports.idempotency import KeyedRequest
from sloengine.application.ports.paging import Page, PageRequest
from sloengine.application.ports.recommendation_store import Answering
from sloengine.domain.recommendation.model import (
    ObjectiveKind,
    Recommendation,
    RecommendationResult,
    RecommendationStatus,
    RecommendationUnavailable,
    SliType,
)
from sloengine.infrastructure.documents import decode, encode
from sloengine.infrastructure.neo4j.connection import Neo4jConnection, Transaction
from sloengine.infrastructure.neo4j.cursors import key_of, page_of, rows_to_read
from sloengine.infrastructure.neo4j.idempotency import IdempotencyKey
from sloengine.infrastructure.neo4j.instants import microseconds
from sloengine.infrastructure.neo4j.kept_answer import KeptAnswer
from sloengine.infrastructure.neo4j.outbox import event_properties
from sloengine.infrastructure.neo4j.portions import PORTION_BYTES, in_portions
from sloengine.infrastructure.told_events import generated_event

_UNIT_OF_KIND = {
    ObjectiveKind.AVAILABILITY: "target",
    ObjectiveKind.LATENCY_P95: "p95_ms",
    ObjectiveKind.LATENCY_P99: "p99_ms",
}


class Neo4jRecommendationStore:
    """Keeps the ``RecommendationStore`` port."""

    def __init__(self, connection: Neo4jConnection, *, portion_bytes: int = PORTION_BYTES) -> None:
        self._connection = connection
        self._portion_bytes = portion_bytes

    async def save(
        self, results: Sequence[RecommendationResult], *, now: datetime
    ) -> Sequence[RecommendationResult]:
        """Store a batch, a portion in one transaction; a recommendation without an id gets one."""
        stored = [_identified(result) for result in results]
        for portion in self._portions(stored):
            await self._connection.in_write(partial(_write, [portion], now), knows_itself=True)
        return stored

    async def save_once(
        self, results: Sequence[RecommendationResult], answering: Answering, *, now: datetime
    ) -> Sequence[RecommendationResult]:
        """Store a batch and the answer that it is part of in one transaction, or give the earlier answer."""
        key = IdempotencyKey.of(answering.request)
        stored = [_identified(result) for result in results]
        portions = self._portions(stored)
        answer = KeptAnswer.of([*answering.known, *stored], is_stale=answering.is_stale)

        async def work(transaction: Transaction) -> KeptAnswer:
            earlier = await key.earlier_answer(transaction, now)
            if earlier is not None:
                return decode(KeptAnswer, earlier)
            await key.keep(transaction, encode(answer).decode())
            await _write(portions, now, transaction)
            return answer

        kept = await self._connection.in_write(work, knows_itself=True)
        return kept.results(await self.by_id(kept.recommendation_ids))

    async def answered(self, request: KeyedRequest, *, now: datetime) -> Sequence[RecommendationResult] | None:
        """What the first use of the key got."""
        key = IdempotencyKey.of(request)
        document = await self._connection.in_read(lambda transaction: key.look_up(transaction, now))
        if document is None:
            return None
        kept = decode(KeptAnswer, document)
        return kept.results(await self.by_id(kept.recommendation_ids))

    async def newest(self, service_ids: Sequence[str], sli_type: SliType) -> Mapping[str, RecommendationResult]:
        """The newest answer per service whatever its status."""
        rows = await self._connection.read(
            "newest_answers", service_ids=list(service_ids), sli_type=sli_type.value
        )
        return {
            service_id: decode(RecommendationUnavailable, unavailable)
            if unavailable is not None
            else recommendation_of(document, status)
            for service_id, unavailable, document, status in rows
        }

    async def by_id(self, recommendation_ids: Sequence[str]) -> Mapping[str, Recommendation]:
        """These recommendations; unknown ids are absent."""
        rows = await self._connection.read("recommendations_by_id", recommendation_ids=list(recommendation_ids))
        return {row[0]: recommendation_of(row[1], row[2]) for row in rows}

    async def page(
        self,
        service_id: str,
        sli_type: SliType | None,
        status: RecommendationStatus | None,
        page: PageRequest,
    ) -> Page[Recommendation]:
        """Newest first."""
        return (await self.pages([service_id], sli_type, status, page))[service_id]

    async def pages(
        self,
        service_ids: Sequence[str],
        sli_type: SliType | None,
        status: RecommendationStatus | None,
        page: PageRequest,
    ) -> Mapping[str, Page[Recommendation]]:
        """The same page of each of these services."""
        limit = rows_to_read(page)
        before_us, before_sequence, after_id = key_of(page.after, int, int, str) or (None, None, None)
        rows = await self._connection.read(
            "pages_of_recommendations",
            service_ids=list(dict.fromkeys(service_ids)),
            sli_type=None if sli_type is None else sli_type.value,
            status=None if status is None else status.value,
            before_us=before_us,
            before_sequence=before_sequence,
            after_id=after_id,
            limit=limit,
        )
        return {service_id: _page(found, page, total) for service_id, total, found in rows}

    async def to_answer(self) -> Sequence[str]:
        """Services whose past came after their newest answer."""
        return [row[0] for row in await self._connection.read("services_to_answer")]

    async def expire(self, *, now: datetime) -> Sequence[str]:
        """Active ones past their end expire; the ids of their services."""
        rows = await self._connection.write("expire_recommendations", now=now)
        return [row[0] for row in rows]

    def _portions(self, stored: Sequence[RecommendationResult]) -> list[list[dict[str, Any]]]:
        """Rows as statements take them, order kept."""
        rounds = _rounds([_parameters(result) for result in stored])
        return [part for rows in rounds for part in in_portions(rows, _size, most_bytes=self._portion_bytes)]


async def _write(portions: Sequence[list[dict[str, Any]]], now: datetime, transaction: Transaction) -> None:
    for rows in portions:
        told = [{**row, "event": _event(row, place, now)} for place, row in enumerate(rows)]
        await transaction.rows("write/save_recommendations", rows=told, now=now)


def _event(row: Mapping[str, Any], place: int, now: datetime) -> dict[str, Any] | None:
    if row["recommendation_id"] is None:
        return None
    return event_properties(generated_event(row["recommendation_id"], row["service_id"], now), place)


def recommendation_of(document: str, status: str) -> Recommendation:
    """The recommendation of a document, with the status it has by now."""
    stored = decode(Recommendation, document)
    now = RecommendationStatus(status)
    return stored if stored.status is now else replace(stored, status=now)


def _page(rows: Sequence[Sequence[Any]], page: PageRequest, total: int) -> Page[Recommendation]:
    sequences: dict[str | None, int] = {}
    found = []
    for document, status, sequence in rows:
        recommendation = recommendation_of(document, status)
        sequences[recommendation.recommendation_id] = sequence
        found.append(recommendation)
    return page_of(
        found,
        page,
        total,
        lambda one: (microseconds(one.generated_at), sequences[one.recommendation_id], one.recommendation_id),
    )


def _identified(result: RecommendationResult) -> RecommendationResult:
    if isinstance(result, Recommendation) and result.recommendation_id is None:
        return replace(result, recommendation_id=str(uuid4()))
    return result


def _parameters(result: RecommendationResult) -> dict[str, Any]:
    key = {"service_id": result.service_id, "sli_type": result.sli_type.value}
    if isinstance(result, RecommendationUnavailable):
        document = encode(result).decode()
        none = {"recommendation_id": None, "recommendation": None}
        return {**key, **none, "unavailable": document, "reason": result.reason.value}
    stored = {"recommendation_id": result.recommendation_id, "recommendation": {**key, **_properties(result)}}
    return {**key, **stored, "unavailable": None, "reason": None}


def _properties(recommendation: Recommendation) -> dict[str, Any]:
    """What a query can ask for; targets as ``balanced_target`` (ratio) or ``balanced_p95_ms``."""
    targets: dict[str, Any] = {}
    limits: dict[str, None] = {}
    limiting: dict[str, None] = {}
    for tier in recommendation.tiers:
        name = tier.name.value.lower()
        for target in tier.targets:
            number = target.availability_ratio if target.threshold_ms is None else target.threshold_ms
            targets[f"{name}_{_UNIT_OF_KIND[target.kind]}"] = number
            targets[f"{name}_probability_met"] = min(
                target.probability_met, targets.get(f"{name}_probability_met", 1.0)
            )
            limits.update(dict.fromkeys(limit.limit.value for limit in target.limited_by))
            limiting.update(dict.fromkeys(limit.service_id for limit in target.limited_by if limit.service_id))
    bound = recommendation.bound
    return {
        "recommendation_id": recommendation.recommendation_id,
        "status": recommendation.status.value,
        "window": recommendation.window.value,
        "generated_at": recommendation.generated_at,
        "expires_at": recommendation.expires_at,
        "review_at": recommendation.review_at,
        "graph_version": recommendation.graph_version,
        "engine_version": recommendation.engine_version,
        "confidence": recommendation.confidence,
        "summary": recommendation.summary,
        "cold_start": recommendation.data_quality.cold_start,
        "days_of_history": recommendation.data_quality.days_of_history,
        "bound_observed": None if bound is None else bound.observed_ratio,
        "bound_intrinsic": None if bound is None else bound.intrinsic_ratio,
        "bound_promised": None if bound is None else bound.promised_ratio,
        "limited_by": list(limits),
        "limited_by_services": list(limiting),
        **targets,
        "document": encode(recommendation).decode(),
    }


def _size(row: Mapping[str, Any]) -> int:
    """Bytes, about: a document and what is beside it; the summary is in both."""
    recommendation = row["recommendation"]
    return len(row["unavailable"] or "") if recommendation is None else len(recommendation["document"])


def _rounds(rows: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Rows in as few statements as leave each with one answer per service and SLI type, order kept."""
    rounds: list[list[dict[str, Any]]] = []
    seen: dict[tuple[str, str], int] = {}
    for row in rows:
        key = (row["service_id"], row["sli_type"])
        number = seen.get(key, 0)
        seen[key] = number + 1
        if number == len(rounds):
            rounds.append([])
        rounds[number].append(row)
    return rounds
