from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pytest

from sloengine.application.topology.analyse_graph import ROUNDS
from sloengine.application.topology.graph_measures import measure
from sloengine.domain.topology.betweenness import EndedEarly
from sloengine.domain.topology.centrality import Centrality
from sloengine.domain.topology.dependency import Dependency
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.topology.service import Service
from tests.application.organisation import Engine, edges
from tests.patience import LONG_SECONDS


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


@pytest.mark.parametrize("changes", [1, 10])
async def test_an_outdated_version_is_left_and_the_newest_analysed_also_while_the_graph_never_rests(changes: int):
    """Whoever asked for the newest was sent away while the first one was measured."""
    engine = Engine()
    loop = asyncio.get_running_loop()
    await engine.ingest(dependencies=edges("web>cart"))
    begun, ended_early = list[int](), list[int]()

    def slowly(graph: DependencyGraph, is_outdated: Callable[[], bool]) -> Mapping[str, Centrality]:
        """Until it is outdated; the graph changes in the middle of each of the first measurements."""
        begun.append(graph.version)
        if len(begun) <= changes:
            change = engine.ingest(dependencies=edges(f"web>s{len(begun)}"))
            asyncio.run_coroutine_threadsafe(change, loop).result(LONG_SECONDS)
            deadline = time.monotonic() + (LONG_SECONDS if len(begun) < ROUNDS else 0)
            while not is_outdated() and time.monotonic() < deadline:
                time.sleep(0.001)
        try:
            return measure(graph, is_outdated)
        except EndedEarly:
            ended_early.append(graph.version)
            raise

    analyse = replace(engine.use.analyse_graph, measure=slowly, look_every_seconds=0.005)
    analysed = await analyse()

    assert ended_early == begun[:-1]
    assert len(begun) == min(changes + 1, ROUNDS)
    assert analysed == begun[-1] == await engine.stores.centrality.analysed_version()
    if changes == 1:
        assert analysed == await engine.graph.version()


async def test_nobody_measures_on_for_a_run_that_was_cancelled():
    engine = Engine()
    await engine.ingest(dependencies=edges("web>cart"))
    begun, left = threading.Event(), threading.Event()

    def until_outdated(graph: DependencyGraph, is_outdated: Callable[[], bool]) -> Mapping[str, Centrality]:
        begun.set()
        deadline = time.monotonic() + LONG_SECONDS
        while time.monotonic() < deadline:
            if is_outdated():
                left.set()
                raise EndedEarly
            time.sleep(0.001)
        return {}

    run = asyncio.create_task(replace(engine.use.analyse_graph, measure=until_outdated)())
    assert await asyncio.to_thread(begun.wait, LONG_SECONDS)
    run.cancel()

    with pytest.raises(asyncio.CancelledError):
        await run
    assert await asyncio.to_thread(left.wait, LONG_SECONDS)


def test_measuring_ends_before_its_parts_and_every_few_starting_points_once_it_is_outdated():
    services = tuple(Service(f"s{i}") for i in range(40))
    graph = DependencyGraph(services, tuple(Dependency(f"s{i}", f"s{i + 1}") for i in range(39)), 3)
    asked = 0

    def from_then_on(at: int) -> Callable[[], bool]:
        def is_outdated() -> bool:
            nonlocal asked
            asked += 1
            return asked >= at

        return is_outdated

    whole = measure(graph, from_then_on(10_000), exact_up_to=10, pivots=35)
    times, asked = asked, 0

    assert times == 4 + 3  # between five parts, and once for every 16 of 35 starting points
    assert whole == measure(graph, exact_up_to=10, pivots=35)
    for at in range(1, times + 1):
        asked = 0
        with pytest.raises(EndedEarly):
            measure(graph, from_then_on(at), exact_up_to=10, pivots=35)
        assert asked == at


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
