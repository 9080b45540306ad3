from __future__ import annotations

from dataclasses import replace

from sloengine.application.ports.paging import PageRequest
from sloengine.application.ports.service_graph import ServiceFilter, ServiceOrder
from sloengine.domain.topology.centrality import Centrality
from tests.contracts.conftest import Stores
from tests.contracts.graph_samples import NOW, draw

HUB = Centrality(0.5, 0.25, 0.01, 2, 0, True, 1, 7)
LEAF = Centrality(0.25, 0.0, 0.0, 0, 1, False, 0, 7)


async def test_an_analysis_comes_back_with_its_version_and_moves_no_graph_version(stores: Stores):
    await draw(stores.graph, "a->b", "c->b")
    before = await stores.graph.version()
    none, nothing = await stores.centrality.analysed_version(), await stores.centrality.of(["a", "b"])

    stored = await stores.centrality.save({"a": LEAF, "b": HUB, "gone": LEAF}, graph_version=7, now=NOW)

    assert (none, nothing, stored) == (None, {}, True)
    assert await stores.centrality.of(["b", "a", "c", "gone"]) == {"a": LEAF, "b": HUB}
    assert await stores.centrality.analysed_version() == 7
    assert await stores.graph.version() == before


async def test_a_newer_analysis_stands_and_the_same_one_may_come_twice(stores: Stores):
    await draw(stores.graph, "a->b")
    newer = replace(HUB, graph_version=8)
    await stores.centrality.save({"b": newer}, graph_version=8, now=NOW)

    older = await stores.centrality.save({"b": HUB}, graph_version=7, now=NOW)
    again = await stores.centrality.save({"b": newer}, graph_version=8, now=NOW)

    assert (older, again) == (False, True)
    assert await stores.centrality.of(["b"]) == {"b": newer}
    assert await stores.centrality.analysed_version() == 8


async def test_services_are_listed_by_what_they_can_hurt_unknown_ones_last(stores: Stores):
    await draw(stores.graph, "a->b", "c->b")
    await stores.centrality.save({"a": LEAF, "b": HUB}, graph_version=7, now=NOW)

    async def page(after: str | None = None):
        request = PageRequest(first=2, after=after)
        return await stores.graph.page_of_services(ServiceFilter(), ServiceOrder.BLAST_RADIUS, request)

    first = await page()
    second = await page(first.cursors[-1])

    assert [service.service_id for service in (*first.rows, *second.rows)] == ["b", "a", "c"]
