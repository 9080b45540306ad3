from __future__ import annotations

import asyncio

import numpy as np

from sloengine.application.topology.graph_measures import measure
from sloengine.domain.topology.dependency import Dependency
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.topology.service import Service
from tests.application.organisation import Engine, edges


async def test_each_graph_version_is_analysed_once():
    engine = Engine()
    await engine.ingest(
        services=[{"serviceId": "web", "criticality": "CRITICAL"}], dependencies=edges("web>cart", "cart>db")
    )
    version = await engine.graph.version()

    first, again = await engine.use.analyse_graph(), await engine.use.analyse_graph()
    found = await engine.use.read_centrality(["web", "cart", "db", "nobody"])
    await engine.ingest(dependencies=edges("app>cart"))
    moved = await engine.use.analyse_graph()
    later = await engine.use.read_centrality(["db"])

    assert (first, again) == (version, None)
    assert {key: (one.blast_radius, one.depth, one.single_point_of_failure) for key, one in found.items()} == {
        "web": (0, 0, False),
        "cart": (1, 1, True),
        "db": (2, 2, True),
    }
    assert sum(one.page_rank for one in found.values()) == 1.0 or np.isclose(
        sum(one.page_rank for one in found.values()), 1.0
    )
    assert found["cart"].betweenness == 0.5  # web to db, of two ordered pairs of others
    assert moved == await engine.graph.version()
    assert later["db"].blast_radius == 3
    assert await engine.graph.version() == moved


async def test_several_workers_at_once_do_it_once():
    engine = Engine()
    await engine.ingest(dependencies=edges("web>cart"))

    found = await asyncio.gather(*(engine.use.analyse_graph() for _ in range(4)))

    assert sorted(one is None for one in found) == [False, True, True, True]


def test_a_large_graph_is_sampled_and_says_so():
    random = np.random.default_rng(5)
    pairs = {(int(a), int(b)) for a, b in random.integers(0, 300, (1_500, 2)) if a < b}
    services = tuple(Service(f"s{i}") for i in range(300))
    graph = DependencyGraph(services, tuple(Dependency(f"s{a}", f"s{b}") for a, b in sorted(pairs)), 3)

    exact, sampled = measure(graph), measure(graph, exact_up_to=100, pivots=128)

    assert all(one.betweenness_error == 0.0 for one in exact.values())
    held = [
        abs(sampled[key].betweenness - one.betweenness) <= sampled[key].betweenness_error + 1e-15
        for key, one in exact.items()
    ]
    assert np.mean(held) >= 0.95
    assert any(one.betweenness_error > 0.0 for one in sampled.values())
    assert sampled == measure(graph, exact_up_to=100, pivots=128)
