"""Accepting a recommendation through the API, beside the same writes in one raw transaction over Bolt.

The raw transaction runs the same two statements on nodes made beforehand; the API looks, checks who asks, makes
SLO, entry, hash and event, and then drops the cached answer and has the event relayed. Each service is decided
on twice, so that half of the decisions replace an active SLO.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import neo4j
from strawberry.relay.utils import to_base64

from bench.graphs import layered_graph
from bench.merging import merged_here
from bench.rows import Goal, Report, Row
from bench.sample_recommendation import sample_recommendation
from bench.stage import KEY, Stage, stage
from sloengine.application.governance.accept_recommendation import AcceptRecommendationCommand
from sloengine.bootstrap.connections import open_use_cases
from sloengine.bootstrap.container import UseCases
from sloengine.domain.governance.model import Actor, Role
from sloengine.domain.recommendation.model import Recommendation, TierName
from sloengine.infrastructure.neo4j.named_queries import query

SECTION = "accept"
ROUNDS = 2
WARM_UP = 20
OPERATION = Path(__file__).parent.parent / "graphql" / "operations" / "06_accept_recommendation.graphql"
_COPY = """
MATCH (last:AuditEvent) WHERE last.sequence = $sequence
MATCH (event:OutboxEvent {kind: 'SloChanged'}) WHERE event.sequence = $sequence
MATCH (slo:ActiveSlo {service_id: last.service_id, sli_type: last.sli_type})
RETURN properties(last), properties(event), properties(slo)
"""


def run(report: Report, *, quick: bool) -> None:
    """One half of the services through the API, the other by raw transactions."""
    services, edges, asked = (40, 160, 10) if quick else (1_000, 10_000, 150)
    document = layered_graph(services, edges)
    names = [str(row["serviceId"]) for row in document["services"]]
    through_api, by_hand = names[:asked], names[asked : 2 * asked]
    with stage() as on, on.api() as url:
        asyncio.run(_merge(on, document))
        taken, raw, cpu_ms = [], [], 0.0
        for number in range(ROUNDS):
            ids = asyncio.run(_recommended(on, names[: 2 * asked + WARM_UP], number))
            if number == 0:  # a server that has just started still compiles what it runs
                _through_api(on, url, [ids[name] for name in names[2 * asked : 2 * asked + WARM_UP]])
            more, cpu = _through_api(on, url, [ids[name] for name in through_api])
            taken += more
            cpu_ms += cpu / ROUNDS
            raw += _raw(on, [(name, ids[name]) for name in by_hand], number)
        _check(on, through_api)
    what = "acceptRecommendation through the API, one client"
    base = ("the same writes in one raw transaction", raw)
    report.add(Row(SECTION, what, taken, "ms", Goal(50.0, quantile=0.95), base))
    report.add(Row(SECTION, "processor time of the API per decision", [cpu_ms], "ms"))


async def _merge(on: Stage, document: dict[str, list[dict[str, Any]]]) -> None:
    async with open_use_cases(on.settings) as use_cases:
        await merged_here(use_cases, document)
        # One decision, whose nodes the raw transactions copy.
        first = str(document["services"][-1]["serviceId"])
        [stored] = await _saved(use_cases, [first], 0)
        await use_cases.accept_recommendation(
            AcceptRecommendationCommand(str(stored.recommendation_id), TierName.BALANCED, "to be copied"),
            actor=Actor("bench", Role.SRE_ADMIN),
        )


async def _saved(use_cases: UseCases, names: Sequence[str], number: int) -> list[Recommendation]:
    now = datetime.now(UTC)
    made = [replace(sample_recommendation(name, at=now), recommendation_id=f"{name}-{number}") for name in names]
    stored = await use_cases.recommend.store.save(made, now=now)
    return [one for one in stored if isinstance(one, Recommendation)]


async def _recommended(on: Stage, names: Sequence[str], number: int) -> dict[str, str]:
    async with open_use_cases(on.settings) as use_cases:
        return {one.service_id: str(one.recommendation_id) for one in await _saved(use_cases, names, number)}


def _through_api(on: Stage, url: str, recommendation_ids: Sequence[str]) -> tuple[list[float], float]:
    """Milliseconds that the client waits, and the processor time of the API a decision."""
    operation = OPERATION.read_text(encoding="utf-8")
    taken: list[float] = []
    with httpx.Client(base_url=url, headers={"X-API-Key": KEY}, timeout=60, trust_env=False) as client:
        client.get("/health/ready")
        before = on.cpu_seconds("api")
        for recommendation_id in recommendation_ids:
            variables = {"recommendationId": to_base64("Recommendation", recommendation_id)}
            body = {"query": operation, "operationName": "AcceptRecommendation", "variables": variables}
            began = time.perf_counter()
            answer = client.post("/graphql", json=body).json()
            taken.append(1_000 * (time.perf_counter() - began))
            if answer.get("errors") or answer["data"]["acceptRecommendation"]["userErrors"]:
                raise RuntimeError(f"not accepted: {answer}")
        cpu_ms = 1_000 * (on.cpu_seconds("api") - before) / len(recommendation_ids)
    return taken, cpu_ms


def _raw(on: Stage, decisions: Sequence[tuple[str, str]], number: int) -> list[float]:
    """The statements of the product's own decision in one transaction, with everything made beforehand."""
    taken: list[float] = []
    lock, record = query("write/lock_for_decision"), query("write/record_decision")
    with on.driver() as driver, driver.session() as session:
        head = session.run(query("read/audit_head")).single(strict=True)
        [[entry, event, slo]] = session.run(_COPY, sequence=1).values()
        for position, (name, recommendation_id) in enumerate(decisions):
            now = datetime.now(UTC)
            own = {"service_id": name, "sequence": head["sequence"] + 1 + position}
            unique = f"raw-{number}-{position}"
            parameters: dict[str, Any] = {
                "entry": {**entry, **own, "audit_id": unique, "recommendation_id": recommendation_id, "at": now},
                "event": {**event, **own, "event_id": unique, "at": now},
                "slo": {**slo, "service_id": name, "slo_id": unique, "recommendation_id": recommendation_id},
                "recommendation_id": recommendation_id,
                "other_events": [],
                "to_tell": None,
                "status": "ACCEPTED",
                "key": None,
                "now": now,
            }
            about = {"service_id": name, "sli_type": "AVAILABILITY", "recommendation_id": recommendation_id}
            began = time.perf_counter()
            session.execute_write(_both, (lock, {**about, "now": now}), (record, parameters))
            taken.append(1_000 * (time.perf_counter() - began))
    return taken


def _both(transaction: neo4j.ManagedTransaction, *statements: tuple[str, dict[str, Any]]) -> None:
    for text, parameters in statements:
        transaction.run(text, parameters).consume()


def _check(on: Stage, names: Sequence[str]) -> None:
    """What was measured has happened: an active SLO each, and two entries."""
    with on.driver() as driver, driver.session() as session:
        [[slos, entries]] = session.run(
            "MATCH (slo:ActiveSlo) WHERE slo.service_id IN $names WITH count(slo) AS slos"
            " MATCH (entry:AuditEvent) WHERE entry.service_id IN $names RETURN slos, count(entry)",
            names=list(names),
        ).values()
    if (slos, entries) != (len(names), ROUNDS * len(names)):
        raise RuntimeError(f"{slos} active SLOs and {entries} audit entries of {len(names)} services")
