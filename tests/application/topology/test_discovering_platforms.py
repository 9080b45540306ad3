"""From a catalogue and a cluster into one graph, by the whole use case."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from sloengine.application.topology.discover_dependencies import DiscoverDependenciesCommand
from sloengine.domain.topology.dependency import DependencyMode, DiscoverySource
from sloengine.domain.topology.service import Criticality
from sloengine.domain.topology.team_authority import TeamAuthority
from sloengine.infrastructure.backstage.client import BackstageClient
from sloengine.infrastructure.backstage.discovery import BackstageDiscovery
from sloengine.infrastructure.backstage.reading import CatalogueRules
from sloengine.infrastructure.kubernetes.reading import read_cluster
from sloengine.infrastructure.memory.dependency_discovery import MemoryDependencyDiscovery
from tests.application.organisation import ADMIN, Engine
from tests.infrastructure.backstage.replay import Replay, serving
from tests.infrastructure.kubernetes.objects_by_hand import service, workload

ENTITIES = Path(__file__).parents[2] / "infrastructure" / "backstage" / "entities.json"
# Without a mapping no group is a team.
TEAMS = CatalogueRules(teams={"group:default/web": "web"})
K8S, BACKSTAGE = DiscoverySource.K8S, DiscoverySource.BACKSTAGE
MAPPED = TeamAuthority({BACKSTAGE: frozenset({"web"})})


@pytest.fixture
def replay() -> Iterator[Replay]:
    with serving(Replay(json.loads(ENTITIES.read_text()))) as running:
        yield running


async def take_in(engine: Engine, source: DiscoverySource) -> None:
    engine.clock.advance(timedelta(hours=1))
    outcome = await engine.use.discover_dependencies(DiscoverDependenciesCommand(source), actor=ADMIN)
    assert outcome.ingestion is not None
    await engine.use.merge_ingestion(outcome.ingestion.ingestion_id)


def pairs(engine: Engine) -> set[str]:
    return {f"{caller}>{dependency}" for caller, dependency in engine.db.merged}


async def test_a_catalogue_becomes_part_of_the_graph_and_what_it_drops_is_withdrawn(replay):
    client = BackstageClient(replay.url, page_size=4)
    engine = Engine(discoveries=[BackstageDiscovery(client, TEAMS)], teams=MAPPED)

    await take_in(engine, BACKSTAGE)

    assert pairs(engine) == {
        "Storefront>cart",
        "Storefront>session-cache",
        "Storefront>orders",
        "orders>card",
        "invoice>orders",
        "invoice>cart",
    }
    shop = engine.db.services["Storefront"]
    assert (shop.entity_ref, shop.team, shop.discovered) == ("component:default/storefront", "web", False)
    assert engine.db.merged["invoice", "cart"].mode is DependencyMode.ASYNC
    version = engine.db.version

    await take_in(engine, BACKSTAGE)
    assert engine.db.version == version

    for entity in replay.entities:
        if entity["metadata"]["name"] in {"Storefront", "cart"}:
            entity["spec"].pop("dependsOn", None)
            entity["relations"] = [
                r for r in entity["relations"] if not r["targetRef"].endswith(("/cart", "/storefront"))
            ]
    await take_in(engine, BACKSTAGE)

    assert "Storefront>cart" not in pairs(engine)
    assert "Storefront>orders" in pairs(engine)
    await client.close()


async def test_a_cluster_and_a_catalogue_speak_of_the_same_services(replay):
    found = read_cluster(
        [
            workload(
                "cart",
                labels={"team": "basket"},
                annotations={"sloengine.dev/depends-on": "bank", "sloengine.dev/criticality": "low"},
            ),
            workload("nightly", annotations={"sloengine.dev/criticality": "medium"}),
        ],
        [service("cart"), service("bank", external="api.bank.example")],
    )
    client = BackstageClient(replay.url)
    discoveries = [MemoryDependencyDiscovery(K8S, "k8s", found), BackstageDiscovery(client, TEAMS)]
    engine = Engine(discoveries=discoveries, teams=MAPPED)

    await take_in(engine, BACKSTAGE)
    await take_in(engine, K8S)

    cart = engine.db.services["cart"]
    # The catalogue was there first and stands; the cluster adds what it leaves out.
    assert (cart.team, cart.criticality) == ("web", Criticality.HIGH)
    assert cart.metadata.keys() == {"backstage", "kubernetes"}
    assert engine.db.services["nightly"].criticality is Criticality.MEDIUM
    assert engine.db.services["api.bank.example"].external
    assert {"cart>api.bank.example", "Storefront>cart"} <= pairs(engine)
    version = engine.db.version
    await take_in(engine, BACKSTAGE)
    await take_in(engine, K8S)
    assert engine.db.version == version
    await client.close()
