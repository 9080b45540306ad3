"""Three calls around a service: the raw query over Bolt, the port, and GraphQL over HTTP."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import numpy as np

from bench.graphs import layered_graph
from bench.merging import merged_here
from bench.rows import Goal, Report, Row
from bench.stage import KEY, Stage, stage
from sloengine.bootstrap.connections import open_use_cases

SECTION = "subgraph"
DEPTH = 3
SMALL_EDGES = 200
MAX_EDGES = 10_000
# The same services and edges with the same values as the GraphQL operation below.
_RAW = """
MATCH (:Service {service_id: $root})-[:DEPENDS_ON*0..3]->(service:Service)
WITH collect(DISTINCT service) AS found
CALL (found) {
  UNWIND found AS caller
  MATCH (caller)-[edge:DEPENDS_ON]->(dependency:Service) WHERE dependency IN found
  RETURN collect([caller.service_id, dependency.service_id, edge.mode, edge.criticality, edge.call_weight,
                  edge.confidence, edge.is_stale]) AS edges
}
RETURN [service IN found | [service.service_id, service.team, service.criticality]] AS services, edges
"""
_GRAPHQL = """
query Around($root: String!) {
  dependencyGraph(roots: [$root], depth: 3, includeStale: true) {
    services { id serviceId team criticality }
    dependencies {
      caller { serviceId } dependency { serviceId } mode criticality callWeight confidence isStale
    }
    graphVersion
    truncated
  }
}
"""


@dataclass
class Taken:
    """Milliseconds of each question and edges of its answer."""

    ms: list[float] = field(default_factory=list)
    edges: list[int] = field(default_factory=list)


def run(report: Report, *, quick: bool) -> None:
    """The same roots in turn, each way; the answers must have as many edges."""
    services, edges, asked, small_asked = (200, 1_000, 10, 10) if quick else (5_000, 50_000, 60, 100)
    document = layered_graph(services, edges)
    random = np.random.default_rng(3)
    names = [str(name) for name in random.permutation([row["serviceId"] for row in document["services"]])]
    with stage() as on:
        asyncio.run(_merge(on, document))
        roots = names[:asked]
        small = asyncio.run(_with_small_answers(on, names, small_asked))
        raw, raw_small = _raw(on, roots), _raw(on, small)
        port = asyncio.run(_port(on, roots))
        with on.api() as url:
            http, _ = _http(on, url, roots)
            http_small, cpu_ms = _http(on, url, small)
    if not (raw.edges == port.edges == http.edges and raw_small.edges == http_small.edges):
        raise RuntimeError(f"the answers differ: {raw.edges[:5]}, {port.edges[:5]}, {http.edges[:5]} edges")
    what = f"{DEPTH} calls, {services:,} services, {edges:,} edges"
    name = "raw query over Bolt"
    report.add(
        Row(SECTION, f"{what}, at the port", port.ms, "ms", Goal(ratio=1.5), (name, raw.ms), _sizes(raw.edges))
    )
    report.add(Row(SECTION, f"{what}, through GraphQL", http.ms, "ms", Goal(ratio=2.5), (name, raw.ms)))
    what = f"GraphQL answers of up to {SMALL_EDGES} edges"
    goal, base = Goal(25.0, quantile=0.95), (name, raw_small.ms)
    report.add(Row(SECTION, what, http_small.ms, "ms", goal, base, _sizes(http_small.edges)))
    report.add(Row(SECTION, "processor time of the API per such answer", [cpu_ms], "ms"))


def _sizes(edges: Sequence[int]) -> str:
    return f"answers of {min(edges)} to {max(edges)} edges, median {np.median(edges):.0f}"


async def _merge(on: Stage, document: dict[str, list[dict[str, Any]]]) -> None:
    async with open_use_cases(on.settings) as use_cases:
        await merged_here(use_cases, document)


async def _with_small_answers(on: Stage, names: Sequence[str], wanted: int) -> list[str]:
    """Services around which there are 1 to 200 edges, in the order given."""
    async with open_use_cases(on.settings) as use_cases:
        graph = use_cases.recommend.graph
        await graph.snapshot()
        found: list[str] = []
        for name in names:
            around = await graph.neighbourhood(
                [name], depth=DEPTH, towards_callers=False, include_stale=True, limit=MAX_EDGES
            )
            found += [name] if 1 <= len(around.dependencies) <= SMALL_EDGES else []
            if len(found) == wanted:
                break
        return found


def _raw(on: Stage, roots: Sequence[str]) -> Taken:
    taken = Taken()
    with on.driver() as driver, driver.session() as session:
        for position, root in enumerate([*roots[:2], *roots]):
            began = time.perf_counter()
            [[_, edges]] = session.run(_RAW, root=root).values()
            if position > 1:  # the first two open the connection and plan the query
                taken.ms.append(1_000 * (time.perf_counter() - began))
                taken.edges.append(len(edges))
    return taken


async def _port(on: Stage, roots: Sequence[str]) -> Taken:
    taken = Taken()
    async with open_use_cases(on.settings) as use_cases:
        graph = use_cases.recommend.graph
        await graph.snapshot()
        for root in roots:
            began = time.perf_counter()
            found = await graph.neighbourhood(
                [root], depth=DEPTH, towards_callers=False, include_stale=True, limit=MAX_EDGES
            )
            taken.ms.append(1_000 * (time.perf_counter() - began))
            taken.edges.append(len(found.dependencies))
    return taken


def _http(on: Stage, url: str, roots: Sequence[str]) -> tuple[Taken, float]:
    """What the client waits for, and the processor time of the API an answer, in milliseconds."""
    taken = Taken()
    with httpx.Client(base_url=url, headers={"X-API-Key": KEY}, timeout=60, trust_env=False) as client:
        _warm_up(client, roots[0])
        before = on.cpu_seconds("api")
        for root in roots:
            began = time.perf_counter()
            answer = client.post("/graphql", json={"query": _GRAPHQL, "variables": {"root": root}})
            taken.ms.append(1_000 * (time.perf_counter() - began))
            taken.edges.append(len(_data(answer)["dependencies"]))
        cpu_ms = 1_000 * (on.cpu_seconds("api") - before) / len(roots)
    return taken, cpu_ms


def _warm_up(client: httpx.Client, root: str) -> None:
    """Until the snapshot is there: before that each answer is walked in the database, and takes about as long."""
    until = time.monotonic() + 3
    while time.monotonic() < until:
        _data(client.post("/graphql", json={"query": _GRAPHQL, "variables": {"root": root}}))


def _data(answer: httpx.Response) -> dict[str, Any]:
    decoded = answer.json()
    if "errors" in decoded:
        raise RuntimeError(decoded["errors"][0]["message"])
    found: dict[str, Any] = decoded["data"]["dependencyGraph"]
    return found
