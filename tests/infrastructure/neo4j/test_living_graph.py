"""Random statements, and random edits of cycles, in a real database."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from sloengine.application.ports.paging import PageRequest
from sloengine.application.ports.service_graph import ClaimCounts
from sloengine.application.topology.condensing import Condensing
from sloengine.application.topology.ingest_dependencies import IngestDependencies, IngestDependenciesCommand
from sloengine.application.topology.mark_stale import MarkStale
from sloengine.application.topology.merge_ingestion import MergeIngestion
from sloengine.domain.topology.alerts import reconcile_alerts
from sloengine.domain.topology.condensation import condense
from sloengine.domain.topology.dependency import Dependency, DependencyClaim, DiscoverySource
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.topology.ingestion import AlertStatus, JobStatus
from sloengine.domain.topology.merging import merge_claims
from sloengine.domain.topology.service import Service
from sloengine.infrastructure.memory.small_stores import (
    MemoryJobQueue,
    MemoryLocks,
    MemoryRecommendationCache,
    SetClock,
)
from sloengine.infrastructure.neo4j import Neo4jStores
from sloengine.infrastructure.neo4j.service_rows import seen_again
from sloengine.infrastructure.plain_json import dump_json, load_json
from tests.application.organisation import ADMIN, NOW
from tests.application.topology.statements import Statement, drawn, expected
from tests.contracts.graph_samples import draw, merged

FADED = 0.0101
PAGE = PageRequest(200)


async def told(
    stores: Neo4jStores, said: Sequence[Statement], waited: float, now: datetime = NOW
) -> DependencyGraph:
    """The graph after all of this was said, and so many days have passed."""
    clock, locks, cache = SetClock(now), MemoryLocks(), MemoryRecommendationCache()
    condensing = Condensing(stores.graph, clock)
    ingest = IngestDependencies(stores.ingestions, MemoryJobQueue(), clock, dump_json)
    queue = MemoryJobQueue()
    merge = MergeIngestion(stores.ingestions, stores.graph, cache, locks, condensing, clock, load_json, queue)
    for statement in said:
        queued = await ingest(IngestDependenciesCommand(**statement.given(now)), actor=ADMIN)
        assert (await merge(queued.ingestion_id)).status is JobStatus.SUCCEEDED
    clock.advance(timedelta(days=waited))
    await MarkStale(stores.graph, cache, locks, condensing, clock)()
    return await stores.graph.snapshot()


@pytest.mark.parametrize("seed", [3, 14, 159])
async def test_statements_give_the_same_graph_in_any_order(stores: Neo4jStores, seed: int):
    said = drawn(seed, 8)
    waited = [0.0, 5.0, 23.0][seed % 3]
    shuffled = [*said, *said[:3]]
    random.Random(seed).shuffle(shuffled)

    graph = await told(stores, shuffled, waited)

    truth = expected(said, waited)
    assert truth
    stored = await stored_dependencies(stores)
    claims = await stores.graph.claims_between(list(stored))
    assert set(stored) == set(truth)
    for pair, edge in truth.items():
        assert (stored[pair].criticality.value, stored[pair].call_weight, stored[pair].is_stale) == (
            edge.criticality,
            edge.call_weight,
            edge.is_stale,
        )
        assert stored[pair].confidence == pytest.approx(edge.confidence, abs=FADED)
        assert {claim.source for claim in claims[pair]} == edge.sources
    version = graph.version

    again = await told(stores, sorted(said, key=lambda one: -one.age), waited, NOW)

    assert await stored_dependencies(stores) == stored
    assert again.version == version


@pytest.mark.parametrize("seed", [5, 8])
async def test_a_graph_whose_repetitions_were_written_short_is_the_one_in_which_all_was_written_whole(
    stores: Neo4jStores, monkeypatch: pytest.MonkeyPatch, seed: int
):
    said = drawn(seed, 5)
    newer = [replace(one, age=one.age / 2) for one in said]  # the same, seen since
    short = await everything_after(stores, [*said, *newer])
    await emptied(stores)
    graph = stores.graph
    asked: list[int] = []

    async def write_whole(**batch: Any) -> ClaimCounts:
        asked.append(len(batch.pop("repeated", ())))
        return await type(graph).write_batch(graph, **batch)

    monkeypatch.setattr(graph, "write_batch", write_whole)
    whole = await everything_after(stores, [*said, *newer])

    assert sum(asked) > 0
    assert short == whole


async def test_sightings_of_edges_that_are_as_they_were_known_are_all_taken(stores: Neo4jStores):
    pairs = [("a", "b"), ("a", "c"), ("b", "c")]
    later = NOW + timedelta(hours=2)
    claims = [DependencyClaim(*pair, DiscoverySource.MANUAL, 0.9, NOW - timedelta(days=9), NOW) for pair in pairs]
    edges = [edge for claim in claims if (edge := merge_claims([claim], NOW)) is not None]
    nothing: dict[str, Any] = {"services": (), "withdrawn": (), "removed": (), "now": NOW}
    await stores.graph.write_batch(ingestion_id="first", claims=claims, merged=edges, **nothing)
    seen = {pair: [replace(claim, last_seen_at=later)] for pair, claim in zip(pairs, claims, strict=True)}
    by_pair = {edge.pair: replace(edge, last_observed_at=later) for edge in edges}

    [(touched,)] = await stores.connection.write(
        "see_dependencies_again", **seen_again(pairs, by_pair, seen, dict.fromkeys(pairs, NOW))
    )
    [(late,)] = await stores.connection.write(
        "see_dependencies_again", **seen_again(pairs, by_pair, seen, dict.fromkeys(pairs, NOW))
    )

    assert sorted(map(tuple, touched)) == pairs
    assert late == []  # they have been seen at another time since
    found = await stores.graph.claims_between(pairs)
    assert {pair: list(said) for pair, said in found.items()} == seen


async def everything_after(stores: Neo4jStores, said: Sequence[Statement]) -> Any:
    """All nodes and relationships that ingestions leave behind, told apart by what they say."""
    graph = await told(stores, said, 0.0)
    stored = await stores.graph.dependencies_of(list("abcd"), include_stale=True)
    return graph.services, stored, graph.supernodes, graph.version


async def emptied(stores: Neo4jStores) -> None:
    async with stores.connection.session("WRITE") as session:
        await (await session.run("MATCH (n) WHERE NOT n:SchemaMigration DETACH DELETE n")).consume()


async def test_the_stored_condensation_is_that_of_a_run_from_scratch_after_any_edit(stores: Neo4jStores):
    chosen = random.Random(26)
    ids = [f"s{number}" for number in range(7)]
    every = [(a, b) for a in ids for b in ids if a != b]
    clock = SetClock(NOW)
    condensing = Condensing(stores.graph, clock)
    pairs: set[tuple[str, str]] = set()
    heads: dict[str, tuple[str, ...]] = {}
    cycles = set()
    for step in range(40):
        among = sorted(pairs) if len(pairs) > 10 else every  # dense graphs are one cycle
        toggled = set(chosen.sample(among, chosen.randint(1, 3)))
        clock.advance(timedelta(hours=1))
        await stores.graph.write_batch(
            ingestion_id=f"step-{step}",
            services=(),
            claims=(),
            merged=[merged(*pair) for pair in toggled - pairs],
            withdrawn=(),
            removed=sorted(toggled & pairs),
            now=clock.now(),
        )
        pairs ^= toggled
        count, version = await condensing(changed=True)

        scratch = condense(ids, sorted(pairs))
        graph = await stores.graph.snapshot()
        assert (graph.version, count) == (version, len(scratch.supernodes))
        assert {(n.members, n.cycle_path) for n in graph.supernodes} == {
            (n.members, n.cycle_path) for n in scratch.supernodes
        }
        assert await stored_edges(stores, graph) == named_by_members(scratch.edges, scratch.supernodes)
        alerts = [alert for status in AlertStatus for alert in (await stores.graph.alerts(status, PAGE)).rows]
        assert reconcile_alerts(alerts, graph.supernodes, clock.now()).all == ()
        for alert in alerts:
            texts = tuple(line.text for line in alert.history)
            assert texts[: len(heads.get(alert.alert_id, ()))] == heads.get(alert.alert_id, ())
            heads[alert.alert_id] = texts
        cycles |= {node.members for node in graph.supernodes}
    assert len(cycles) > 8  # the walk has met enough of them


def named_by_members(edges, supernodes) -> set[tuple[tuple[str, ...], tuple[str, ...]]]:
    members = {node.supernode_id: node.members for node in supernodes}
    return {(members.get(a, (a,)), members.get(b, (b,))) for a, b in edges}


async def stored_dependencies(stores: Neo4jStores) -> dict[tuple[str, str], Dependency]:
    found = await stores.graph.dependencies_of(list("abcd"), include_stale=True)
    return {edge.pair: replace(edge, claims=()) for edges in found.values() for edge in edges}


async def stored_edges(
    stores: Neo4jStores, graph: DependencyGraph
) -> set[tuple[tuple[str, ...], tuple[str, ...]]]:
    rows = await stores.connection.read("condensation")
    return named_by_members(
        [(component, dependency) for component, _, dependencies in rows for dependency in dependencies],
        graph.supernodes,
    )


async def test_merges_that_write_the_same_new_edges_at_once_create_each_once(stores: Neo4jStores):
    pairs = [(f"s{number % 7}", f"t{number}") for number in range(200)]
    ends = sorted({end for pair in pairs for end in pair})
    graph = stores.graph
    await graph.register([Service(end) for end in ends], now=NOW)

    async def written(ingestion_id: str) -> int:
        claims = [DependencyClaim(*pair, DiscoverySource.OTEL, 0.9, NOW, NOW) for pair in pairs]
        counts = await graph.write_batch(
            ingestion_id=ingestion_id,
            services=(),
            claims=claims,
            merged=[edge for claim in claims if (edge := merge_claims([claim], NOW)) is not None],
            withdrawn=(),
            removed=(),
            now=NOW,
        )
        return counts.edges_created

    created = await asyncio.gather(*(written(f"ingestion-{number}") for number in range(4)))

    assert sum(created) == len(pairs)
    found = await graph.claims_between(pairs)
    assert [len(found[pair]) for pair in pairs] == [1] * len(pairs)
    stored = await graph.dependencies_of(ends)
    assert sorted(edge.pair for edges in stored.values() for edge in edges) == sorted(pairs)


async def test_a_snapshot_comes_with_what_a_walk_looks_up_so_that_the_first_walk_holds_nobody_up(
    stores: Neo4jStores,
):
    await draw(stores.graph, "a->b", "b->c")

    snapshot = await stores.graph.snapshot()

    assert {"index", "edges_by_caller", "edges_by_dependency", "supernode_by_member"} <= vars(snapshot).keys()
