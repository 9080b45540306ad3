"""How often a request goes to Neo4j and back: what it waits for, wherever the server is."""

from __future__ import annotations

from itertools import pairwise

import pytest

from sloengine.domain.recommendation.model import Recommendation
from sloengine.domain.topology.graph import Supernode
from sloengine.infrastructure.embedded import Neo4jAddress
from sloengine.infrastructure.neo4j import Neo4jStores, stores_on
from tests.contracts.graph_samples import NOW, draw
from tests.contracts.recommendation_samples import availability, slo
from tests.contracts.test_slo_ledger import accept, decide
from tests.infrastructure.neo4j.wire import between, open_through

pytestmark = [pytest.mark.neo4j]


async def test_the_graph_around_a_service_takes_one_round_trip_while_its_version_stands(
    stores: Neo4jStores, neo4j_server: Neo4jAddress
):
    await draw(stores.graph, "a->b", "b->c", "c->b")
    async with between(neo4j_server) as wire, open_through(wire, neo4j_server) as connection:
        graph = stores_on(connection).graph
        await graph.snapshot()
        wire.sent = 0

        found = await graph.neighbourhood(["a"], depth=3, towards_callers=False, include_stale=True, limit=100)

        assert len(found.dependencies) == 3
        assert wire.sent == 1


async def test_members_of_a_cycle_are_sent_once_not_once_a_member(stores: Neo4jStores, neo4j_server: Neo4jAddress):
    ids = [f"service-{n:03}" for n in range(200)]
    await draw(stores.graph, *(f"{one}->{other}" for one, other in pairwise([*ids, ids[0]])))
    node = Supernode("scc-1", tuple(ids), (*ids, ids[0]))
    await stores.graph.write_condensation(supernodes=[node], edges=(), alerts=(), changed=True, now=NOW)
    async with between(neo4j_server) as wire, open_through(wire, neo4j_server) as connection:
        graph = stores_on(connection).graph
        await graph.supernodes_of(["opens the connection"])
        wire.received = 0

        found = await graph.supernodes_of([*ids, "unknown"])

        assert found == dict.fromkeys(ids, node)
        # Members, a path through all of them, and which were asked for: each id three times.
        assert wire.received < 5 * sum(map(len, ids))


async def test_a_decision_takes_one_round_trip_to_look_and_four_to_write(
    stores: Neo4jStores, neo4j_server: Neo4jAddress
):
    await draw(stores.graph, "a->b")
    [stored] = await stores.recommendations.save([availability("a")], now=NOW)
    assert isinstance(stored, Recommendation)
    recommendation_id = str(stored.recommendation_id)
    async with between(neo4j_server) as wire, open_through(wire, neo4j_server) as connection:
        ledger = stores_on(connection).ledger
        await ledger.verify()  # opens the connection
        wire.sent = 0

        seen = await ledger.standing(recommendation_id)
        looked = wire.sent
        await decide(ledger, accept(slo("slo-1")), recommendation_id=recommendation_id, seen=seen)

        # Begin; lock and read; write; commit.
        assert (looked, wire.sent - looked) == (1, 4)
