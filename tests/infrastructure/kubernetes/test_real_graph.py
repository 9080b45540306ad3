"""From a real kube-apiserver into a real Neo4j, by the use cases as the settings wire them. Slow."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import SecretStr

from sloengine.application.topology.discover_dependencies import DiscoverDependenciesCommand, DiscoveryOutcome
from sloengine.bootstrap.connections import open_use_cases
from sloengine.bootstrap.container import UseCases
from sloengine.bootstrap.database import open_database
from sloengine.bootstrap.settings import Settings
from sloengine.domain.errors import Unavailable
from sloengine.domain.governance.model import Actor, Role
from sloengine.domain.topology.dependency import DependencyCriticality, DiscoverySource
from sloengine.domain.topology.discovery_difference import ChangeKind
from sloengine.domain.topology.service import Criticality
from sloengine.infrastructure.embedded import Neo4jAddress, RedisAddress
from tests.infrastructure.kubernetes.apiserver import STRANGER, RunningApiServer

pytestmark = pytest.mark.slow
ADMIN = Actor("apikey:test", Role.SRE_ADMIN)
STOREFRONT = "/apis/apps/v1/namespaces/shop/deployments/storefront"


@pytest.fixture
def settings(
    clean_neo4j: Neo4jAddress, clean_redis: RedisAddress, cluster: RunningApiServer, tmp_path: Any
) -> Settings:
    return Settings(
        state_dir=tmp_path,
        neo4j_url=clean_neo4j.url,
        neo4j_user=clean_neo4j.user,
        neo4j_password=SecretStr(clean_neo4j.password),
        redis_url=SecretStr(clean_redis.url),
        kubernetes_url=cluster.url,
        kubernetes_token=SecretStr(cluster.token_of("sloengine")),
        kubernetes_ca_file=cluster.ca_file,
        kubernetes_page_size=2,
        kubernetes_team_keys=("team",),
    )


@pytest.fixture
async def migrated(settings: Settings) -> Settings:
    async with open_database(settings) as stores:
        await stores.migrator.up()
    return settings


@pytest.fixture
async def use(migrated: Settings) -> AsyncIterator[UseCases]:
    async with open_use_cases(migrated) as use_cases:
        yield use_cases


async def discover(use: UseCases, *, dry_run: bool = False) -> DiscoveryOutcome:
    command = DiscoverDependenciesCommand(DiscoverySource.K8S, dry_run=dry_run)
    outcome = await use.discover_dependencies(command, actor=ADMIN)
    if outcome.ingestion is not None:
        await use.merge_ingestion(outcome.ingestion.ingestion_id)
    return outcome


async def test_a_cluster_becomes_part_of_the_graph_and_what_it_no_longer_states_is_withdrawn(use, cluster):
    planned = await discover(use, dry_run=True)
    assert planned.difference.count(ChangeKind.ADDED) == 4
    assert await use.read_graph.services(["cart"]) == {}

    await discover(use)

    known = await use.read_graph.services(["storefront", "cart", "cards", "nightly", "api.bank.example"])
    assert len(known) == 5
    assert (known["storefront"].team, known["storefront"].criticality) == ("web", Criticality.CRITICAL)
    assert known["api.bank.example"].external
    assert await edges_of(use, "storefront") == {
        "cart": DependencyCriticality.HARD,
        "search": DependencyCriticality.SOFT,
    }
    assert set(await edges_of(use, "cart")) == {"cards"}
    assert set(await edges_of(use, "cards")) == {"api.bank.example"}

    unchanged = await discover(use, dry_run=True)
    assert not unchanged.difference.dependencies
    assert not unchanged.difference.services

    key = "sloengine.dev/depends-on"
    before = cluster.request("GET", STOREFRONT)
    changed = before | {"metadata": before["metadata"] | {"annotations": {key: "cart"}}}
    stored = cluster.request("PUT", STOREFRONT, changed)
    try:
        await discover(use)
        assert set(await edges_of(use, "storefront")) == {"cart"}
    finally:
        stored["metadata"]["annotations"] = before["metadata"]["annotations"]
        cluster.request("PUT", STOREFRONT, stored)


async def test_a_missing_permission_reaches_who_asked_and_changes_nothing(migrated, cluster):
    async with open_use_cases(migrated.model_copy(update={"kubernetes_token": SecretStr(STRANGER)})) as use:
        with pytest.raises(Unavailable, match=r"verbs: \[list\]"):
            await use.discover_dependencies(DiscoverDependenciesCommand(DiscoverySource.K8S), actor=ADMIN)


async def edges_of(use: UseCases, caller: str) -> dict[str, DependencyCriticality]:
    found = await use.read_graph.dependencies_of([caller])
    return {edge.dependency: edge.criticality for edge in found[caller]}
