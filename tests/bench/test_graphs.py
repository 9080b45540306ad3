"""The benchmark graphs have the shape that the goals are stated for."""

from __future__ import annotations

import numpy as np
import orjson
import pytest

from bench.graphs import LAYERS, _layers, component_sizes, giant_cycle, layered_graph
from sloengine.infrastructure.files.documents import MAX_DOCUMENT_BYTES


def ends(document):
    index = {row["serviceId"]: place for place, row in enumerate(document["services"])}
    rows = document["dependencies"]
    return (
        np.array([index[row["caller"]] for row in rows]),
        np.array([index[row["dependency"]] for row in rows]),
    )


@pytest.mark.parametrize(("services", "edges"), [(100, 400), (1_000, 10_000), (5_000, 50_000)])
def test_the_layered_graph_has_hubs_back_edges_and_only_small_cycles(services, edges):
    document = layered_graph(services, edges, seed=3)

    callers, dependencies = ends(document)
    assert len(document["services"]) == services
    assert len(set(zip(callers.tolist(), dependencies.tolist(), strict=True))) == edges
    assert (callers != dependencies).all()
    layer = _layers(services)
    assert set(layer.tolist()) == set(range(LAYERS))
    assert (layer[callers] >= layer[dependencies]).sum() == edges // 100
    sizes = component_sizes(services, callers, dependencies)
    assert 2 <= sizes.max() <= 10
    in_degree = np.sort(np.bincount(dependencies, minlength=services))[::-1]
    assert in_degree[: services // 20].sum() > 0.3 * edges
    assert in_degree[0] > 5 * edges / services
    assert len(orjson.dumps(document)) < MAX_DOCUMENT_BYTES


def test_the_other_graph_is_one_giant_cycle():
    document = giant_cycle(2_000, 20_000, seed=3)

    callers, dependencies = ends(document)
    assert len(set(zip(callers.tolist(), dependencies.tolist(), strict=True))) == 20_000
    assert component_sizes(2_000, callers, dependencies).min() == 2_000


@pytest.mark.parametrize("build", [layered_graph, giant_cycle])
def test_the_same_seed_gives_the_same_graph(build):
    assert build(100, 400, 5) == build(100, 400, 5)
    assert build(100, 400, 5) != build(100, 400, 6)


@pytest.mark.parametrize(("services", "edges"), [(10, 20), (100, 10), (100, 9_000)])
def test_a_size_that_cannot_be_is_refused(services, edges):
    with pytest.raises(ValueError, match=r"needed|take"):
        layered_graph(services, edges)
