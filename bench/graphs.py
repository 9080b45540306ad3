"""Benchmark graphs as ingestion documents, of any size, the same for the same seed.

``python bench/graphs.py --services 5000 --edges 50000 [--giant-cycle] [--seed 1] OUT.json``
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

type IntArray = npt.NDArray[np.int64]

LAYERS = 8
LARGEST_COMPONENT = 10
BACK_EDGE_SHARE = 0.01
_LAYER_WEIGHTS = np.array([1, 3, 6, 8, 8, 6, 4, 2])  # few entry points, a wide middle, few shared stores
_ZIPF_EXPONENT = 0.9
_SERVICES_PER_TEAM = 20
_CALLS_PER_REQUEST = 1.2  # of one service, over all its dependencies, so that traffic stays finite


def layered_graph(services: int = 5_000, edges: int = 50_000, seed: int = 1) -> dict[str, Any]:
    """Calls go from layer to later layer; a few hubs have most callers (Zipf); 1 % of the edges go back.

    Strongly connected components have at most 10 services. Raises ValueError for a size that cannot be.
    """
    rng = np.random.default_rng([seed, services, edges])
    layer = _layers(services)
    back = int(BACK_EDGE_SHARE * edges)
    callers, dependencies = _forward_edges(rng, layer, edges - back)
    back_callers, back_dependencies = _back_edges(rng, layer, callers, dependencies, back)
    return _document(
        rng, services, np.concatenate([callers, back_callers]), np.concatenate([dependencies, back_dependencies])
    )


def giant_cycle(services: int = 5_000, edges: int = 50_000, seed: int = 1) -> dict[str, Any]:
    """Every service reaches every other: a ring through all of them, and random calls across it."""
    if edges < services or edges > services * (services - 1):
        raise ValueError(f"a ring of {services} services needs {services} to {services * (services - 1)} edges")
    rng = np.random.default_rng([seed, services, edges])
    ring = rng.permutation(services)
    codes = ring * services + np.roll(ring, -1)
    while codes.size < edges:
        ends = rng.integers(0, services, size=(2, 2 * (edges - codes.size)))
        drawn = ends[0] * services + ends[1]
        drawn = drawn[ends[0] != ends[1]]
        fresh = np.setdiff1d(drawn, codes)
        codes = np.concatenate([codes, rng.permutation(fresh)[: edges - codes.size]])
    return _document(rng, services, codes // services, codes % services)


def component_sizes(services: int, callers: IntArray, dependencies: IntArray) -> IntArray:
    """Size of the strongly connected component that each service is in, shape (services,)."""
    labels = _components(services, callers, dependencies)
    return np.asarray(np.bincount(labels)[labels], dtype=np.int64)


def _layers(services: int) -> IntArray:
    if services < 2 * LAYERS:
        raise ValueError(f"at least {2 * LAYERS} services are needed for {LAYERS} layers")
    shares = np.cumsum(_LAYER_WEIGHTS) / _LAYER_WEIGHTS.sum()
    ends = np.maximum(np.floor(shares * services).astype(np.int64), np.arange(1, LAYERS + 1))
    return np.searchsorted(ends, np.arange(services), side="right").clip(0, LAYERS - 1)


def _forward_edges(rng: np.random.Generator, layer: IntArray, edges: int) -> tuple[IntArray, IntArray]:
    services = layer.size
    starts = np.searchsorted(layer, np.arange(LAYERS + 1))
    possible = sum(int(starts[i + 1] - starts[i]) * (services - int(starts[i + 1])) for i in range(LAYERS))
    callers_in_all = int(starts[LAYERS - 1])
    if edges < callers_in_all or edges > possible // 4:
        raise ValueError(f"{services} services take {callers_in_all} to {possible // 4} forward edges")
    ranks = rng.permutation(services) + 1
    popularity = np.concatenate([[0.0], np.cumsum(ranks**-_ZIPF_EXPONENT)])

    def dependency_of(callers: IntArray) -> IntArray:
        first = starts[layer[callers] + 1]
        low = popularity[first]
        at = low + rng.random(callers.size) * (popularity[-1] - low)
        found = np.searchsorted(popularity, at, side="right") - 1
        return np.asarray(found.clip(first, services - 1), dtype=np.int64)

    callers = np.arange(callers_in_all)
    codes = callers * services + dependency_of(callers)  # nobody above the last layer is without a dependency
    while codes.size < edges:
        more = rng.integers(0, callers_in_all, size=2 * (edges - codes.size))
        fresh = np.setdiff1d(more * services + dependency_of(more), codes)
        codes = np.concatenate([codes, rng.permutation(fresh)[: edges - codes.size]])
    return codes // services, codes % services


def _back_edges(
    rng: np.random.Generator, layer: IntArray, callers: IntArray, dependencies: IntArray, wanted: int
) -> tuple[IntArray, IntArray]:
    """Some calls between neighbouring layers, turned round, as long as no component grows above its limit."""
    services = layer.size
    neighbours = rng.permutation(np.flatnonzero(layer[dependencies] - layer[callers] == 1))
    kept = np.empty(0, dtype=np.int64)
    tried = 0
    while kept.size < wanted and tried < neighbours.size:
        candidates = neighbours[tried : tried + max(8, wanted - kept.size)]
        tried += candidates.size
        kept = np.concatenate([kept, candidates[: wanted - kept.size]])
        while True:
            sizes = component_sizes(
                services,
                np.concatenate([callers, dependencies[kept]]),
                np.concatenate([dependencies, callers[kept]]),
            )
            over = np.flatnonzero(sizes[callers[kept]] > LARGEST_COMPONENT)
            if not over.size:
                break
            kept = np.delete(kept, over[-max(1, over.size // 2) :])  # those added last go first
    if kept.size < wanted:
        raise ValueError(
            f"only {kept.size} of {wanted} back edges fit without a component above {LARGEST_COMPONENT}"
        )
    return dependencies[kept], callers[kept]


def _components(services: int, callers: IntArray, dependencies: IntArray) -> IntArray:
    ones = np.ones(callers.size, dtype=np.int8)
    matrix = csr_array((ones, (callers, dependencies)), shape=(services, services))
    return np.asarray(connected_components(matrix, directed=True, connection="strong")[1], dtype=np.int64)


def _document(
    rng: np.random.Generator, services: int, callers: IntArray, dependencies: IntArray
) -> dict[str, Any]:
    ids = [f"service-{number:05d}" for number in range(services)]
    criticality = rng.choice(["CRITICAL", "HIGH", "MEDIUM", "LOW"], size=services, p=[0.1, 0.3, 0.4, 0.2]).tolist()
    hardness = rng.choice(["HARD", "DEGRADED", "SOFT"], size=callers.size, p=[0.6, 0.2, 0.2]).tolist()
    is_async = (rng.random(callers.size) < 0.15).tolist()
    fan_out = np.bincount(callers, minlength=services)
    weights = rng.exponential(_CALLS_PER_REQUEST / fan_out[callers]).clip(0.001, 20).round(3).tolist()
    order = np.lexsort((dependencies, callers)).tolist()
    from_ids, to_ids = callers.tolist(), dependencies.tolist()
    return {
        "services": [
            {
                "serviceId": service_id,
                "team": f"team-{number // _SERVICES_PER_TEAM:03d}",
                "criticality": criticality[number],
                "entityRef": f"component:default/{service_id}",
            }
            for number, service_id in enumerate(ids)
        ],
        "dependencies": [
            {
                "caller": ids[from_ids[place]],
                "dependency": ids[to_ids[place]],
                "mode": "ASYNC" if is_async[place] else "SYNC",
                "criticality": hardness[place],
                "protocol": "grpc",
                "callWeight": weights[place],
            }
            for place in order
        ],
    }


def main() -> int:
    """Write a graph to a file."""
    parser = argparse.ArgumentParser(description="Write a benchmark graph as an ingestion document.")
    parser.add_argument("out", type=Path)
    parser.add_argument("--services", type=int, default=5_000)
    parser.add_argument("--edges", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--giant-cycle", action="store_true")
    arguments = parser.parse_args()
    build = giant_cycle if arguments.giant_cycle else layered_graph
    arguments.out.write_bytes(orjson.dumps(build(arguments.services, arguments.edges, arguments.seed)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
