from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from sloengine.application.ports.idempotency import KeyedRequest
from sloengine.application.ports.recommendation_store import Answering
from sloengine.application.ports.service_graph import RegisteredServices
from sloengine.domain.recommendation.model import RecommendationResult
from sloengine.domain.topology.service import Service
from sloengine.infrastructure.embedded import Neo4jAddress
from sloengine.infrastructure.neo4j import Neo4jStores, open_neo4j
from sloengine.infrastructure.neo4j.connection import Transaction
from tests.contracts.recommendation_samples import availability

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


class CutOff(RuntimeError):
    """The process ended here."""


async def both(
    stores: Neo4jStores, answering: Answering, registering: KeyedRequest
) -> tuple[Sequence[RecommendationResult], RegisteredServices]:
    saved = await stores.recommendations.save_once([availability("a")], answering, now=NOW)
    stated = RegisteredServices((Service("a"),))
    return saved, await stores.graph.register_once(stated, registering, now=NOW)


@pytest.mark.parametrize("at", ["write/save_recommendations", "write/register_services", "after the last write"])
async def test_a_crash_before_the_commit_leaves_neither_the_work_nor_the_key(
    clean_neo4j: Neo4jAddress, monkeypatch: pytest.MonkeyPatch, at: str
):
    answering = Answering(KeyedRequest("user:ada", "generateRecommendations", "k", "body"), (), is_stale=False)
    registering = KeyedRequest("user:ada", "registerServices", "k", "body")
    real = Transaction.rows

    async def rows(self: Transaction, name: str, /, **parameters: Any) -> list[list[Any]]:
        found = await real(self, name, **parameters)
        last = name == "write/answer_idempotency_key" and parameters["mutation"] == "registerServices"
        if name == at or (last and at == "after the last write"):
            raise CutOff
        return found

    async with open_neo4j(clean_neo4j.url, clean_neo4j.user, clean_neo4j.password) as stores:
        await stores.migrator.up()
        with monkeypatch.context() as patched:
            patched.setattr(Transaction, "rows", rows)
            with pytest.raises(CutOff):
                await both(stores, answering, registering)
        left = await stores.graph.services(["a"])

        saved, registered = await both(stores, answering, registering)

        assert left == {}
        assert [one.service_id for one in saved] == ["a"]
        assert [one.service_id for one in registered.services] == ["a"]
        counted, _, _ = await stores.connection.driver.execute_query("MATCH (r:Recommendation) RETURN count(r)")
        assert counted[0][0] == 1
