from __future__ import annotations

import json

import pytest

from sloengine.domain.topology.centrality import Centrality
from tests.api.door import NOW, Door

DRAW = """query ($format: GraphDrawingFormat!, $direction: GraphDirection) {
  graphDrawing(roots: ["a"], format: $format, direction: $direction) {
    format content serviceCount dependencyCount graphVersion truncated } }"""


async def test_a_part_of_the_graph_is_drawn(door: Door):
    await door.draw("a->b", "b->c", "x->a")

    dot = (await door.ask(DRAW, format="DOT"))["graphDrawing"]
    mermaid = (await door.ask(DRAW, format="MERMAID", direction="CALLERS"))["graphDrawing"]
    cytoscape = (await door.ask(DRAW, format="CYTOSCAPE_JSON"))["graphDrawing"]

    assert (dot["serviceCount"], dot["dependencyCount"], dot["truncated"]) == (3, 2, False)
    assert dot["content"].startswith("digraph")
    assert (mermaid["serviceCount"], mermaid["dependencyCount"]) == (2, 1)
    assert len(json.loads(cytoscape["content"])["elements"]["edges"]) == 2
    assert dot["graphVersion"] == await door.graph.version()


async def test_a_root_that_is_not_there_is_an_error_that_says_so(door: Door):
    (error,) = await door.errors(DRAW, format="DOT")

    assert error["extensions"]["code"] == "NOT_FOUND"


@pytest.mark.parametrize("count", [1, 30])
async def test_centrality_is_read_once_for_all_services_and_null_until_worked_out(door: Door, count: int):
    await door.add_services("z", *(f"s{i}" for i in range(count)))
    found = {f"s{i}": Centrality(0.1, 0.2, 0.01, i, 0, i == 0, 1, 7) for i in range(count)}
    await door.centrality.save(found, graph_version=7, now=NOW)
    door.counts.clear()

    answer = await door.ask(
        """{ services(first: 100, orderBy: BLAST_RADIUS) { nodes { serviceId centrality {
          pageRank betweenness betweennessError blastRadius community singlePointOfFailure depth graphVersion
        } } } }"""
    )

    nodes = answer["services"]["nodes"]
    assert [node["serviceId"] for node in nodes] == [*(f"s{i}" for i in reversed(range(count))), "z"]
    assert nodes[-1]["centrality"] is None
    assert nodes[0]["centrality"]["blastRadius"] == count - 1
    assert nodes[0]["centrality"]["graphVersion"] == 7
    assert door.counts["MemoryCentralityStore.of"] == 1
