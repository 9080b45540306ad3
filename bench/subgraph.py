"""Three calls around a service: the raw query over Bolt, the port, and GraphQL over HTTP."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import httpx
import numpy as np

from bench.graphs import layered_graph
from bench.merging import merged_here
from bench.rows import Goal, Report, Row
from bench.stage import KEY, Stage, stage
from sloengine.bootstrap.container import open_use_cases

SECTION = "subgraph"
DEPTH = 3
SMALL_EDGES = 200
_RAW = """
MATCH (:Service {service_id: $root})-[:DEPENDS_ON*0..3]->(service:Service)
WITH collect(DISTINCT service) AS found
UNWIND found AS caller
MATCH (caller)-[edge:DEPENDS_ON]->(dependency:Service) WHERE dependency IN found
RETURN caller.service_id, dependency.service_id, edge.mode, edge.criticality
"""
_GRAPHQL = """
query Around($root: String!) {
  dependencyGraph(roots: [$root], depth: 3, includeStale: true) {
    dependencies { caller { serviceId } dependency { serviceId } mode criticality }
    truncated
  }
}
"""


def run(report: Report, *, quick: bool) -> None:
    """The same roots in turn, each way; the answers must have as many edges."""
    services, edges, asked = (200, 1_000, 10) if quick else (5_000, 50_000, 60)
    document = layered_graph(services, edges)
    random = np.random.default_rng(3)
    service_ids = [row["serviceId"] for row in document["services"]]
    roots = [str(name) for name in random.choice(service_ids, asked, replace=False)]
    with stage() as on:
        asyncio.run(_merge(on, document))
        raw, counts = _raw(on, roots)
        port, port_counts = asyncio.run(_port(on, roots))
        with on.api() as url:
            http, http_counts = _http(url, roots)
    if not counts == port_counts == http_counts:
        raise RuntimeError(f"the answers differ: {counts[:5]}, {port_counts[:5]}, {http_counts[:5]} edges")
    note = f"answers of {min(counts)} to {max(counts)} edges, median {np.median(counts):.0f}"
    what = f"{DEPTH} calls, {services:,} services, {edges:,} edges"
    base = ("raw query over Bolt", raw)
    report.add(Row(SECTION, f"{what}, at the port", port, "ms", Goal(ratio=1.5), base, note))
    report.add(Row(SECTION, f"{what}, through GraphQL", http, "ms", Goal(ratio=2.5), base))
    small = [taken for taken, count in zip(http, counts, strict=True) if count <= SMALL_EDGES]
    if small:
        what = f"GraphQL answers of up to {SMALL_EDGES} edges"
        report.add(Row(SECTION, what, small, "ms", Goal(25.0, quantile=0.95)))


async def _merge(on: Stage, document: dict[str, list[dict[str, Any]]]) -> None:
    async with open_use_cases(on.settings) as use_cases:
        await merged_here(use_cases, document)


def _raw(on: Stage, roots: Sequence[str]) -> tuple[list[float], list[int]]:
    with on.driver() as driver, driver.session() as session:
        session.run(_RAW, root=roots[0]).consume()
        taken, counts = [], []
        for root in roots:
            began = time.perf_counter()
            counts.append(len(session.run(_RAW, root=root).values()))
            taken.append(1_000 * (time.perf_counter() - began))
    return taken, counts


async def _port(on: Stage, roots: Sequence[str]) -> tuple[list[float], list[int]]:
    async with open_use_cases(on.settings) as use_cases:
        graph = use_cases.recommend.graph
        await graph.snapshot()
        taken, counts = [], []
        for root in roots:
            began = time.perf_counter()
            found = await graph.neighbourhood(
                [root], depth=DEPTH, towards_callers=False, include_stale=True, limit=10_000
            )
            taken.append(1_000 * (time.perf_counter() - began))
            counts.append(len(found.dependencies))
    return taken, counts


def _http(url: str, roots: Sequence[str]) -> tuple[list[float], list[int]]:
    taken, counts = [], []
    with httpx.Client(base_url=url, headers={"X-API-Key": KEY}, timeout=60, trust_env=False) as client:
        for position, root in enumerate([roots[0], roots[0], *roots]):
            began = time.perf_counter()
            answer = client.post("/graphql", json={"query": _GRAPHQL, "variables": {"root": root}}).json()
            if "errors" in answer:
                raise RuntimeError(answer["errors"][0]["message"])
            # The first two open connections and load the snapshot.
            if position > 1:
                taken.append(1_000 * (time.perf_counter() - began))
                counts.append(len(answer["data"]["dependencyGraph"]["dependencies"]))
    return taken, counts
