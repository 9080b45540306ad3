"""What the API answers where everything calls everything: ``python -m bench.cycle_answers [SERVICES EDGES]``.

One cycle, 28 days by the hour, objectives of two services in three. Of every question whose answer could grow with
the cycle: how long the client waits, how large the answer is, and what memory the API has taken by then.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import orjson

from bench.graphs import giant_cycle
from bench.growth_steps import load_past
from bench.merging import merged_here, portions
from bench.rows import Goal, Report, Row, header
from bench.stage import KEY, Stage, stage
from sloengine.bootstrap.connections import open_use_cases

SECTION = "cycle answers"
HEAP_MB = 2_048
GOAL_SECONDS = 10.0
GOAL_MB = 1.0
_OPERATIONS = Path(__file__).resolve().parents[1] / "graphql" / "operations"
_WAIT_SECONDS = 900.0
_MB = 2**20

type Question = tuple[str, str, Mapping[str, Any]]


def ask_all(report: Report, on: Stage, names: Sequence[str], edges: int) -> None:
    """Each question twice: right after the start, or after the one before it, and again."""
    what = f"one cycle of {len(names):,} services, {edges:,} edges"
    with on.api() as url:
        client = httpx.Client(base_url=url, headers={"X-API-Key": KEY}, timeout=_WAIT_SECONDS, trust_env=False)
        with client:
            for name, query, variables in _questions(names):
                body = {"query": query, "variables": dict(variables)}
                taken, note, size = [], "", 0
                before = on.cpu_seconds("api")
                for _ in range(2):
                    began = time.perf_counter()
                    response = client.post("/graphql", json=body)
                    taken.append(time.perf_counter() - began)
                    size = max(size, len(response.content))
                    note = _said(response)
                cpu = (on.cpu_seconds("api") - before) / 2
                note = (
                    f"first {taken[0]:.2f}, again {taken[1]:.2f} s; {cpu:.2f} s CPU each; "
                    f"API {_resident_mb(on):,.0f} MB{note}"
                )
                goal = Goal(GOAL_SECONDS, quantile=1.0)
                report.add(Row(SECTION, f"{what}: {name}", taken, "s", goal, note=note))
                report.add(Row(SECTION, f"{what}: {name}, size", [size / _MB], "MB", Goal(GOAL_MB)))
            report.add(Row(SECTION, f"{what}: peak memory, API", [_peak_mb(on)], "MB"))


def _questions(names: Sequence[str]) -> Iterator[Question]:
    some, other = names[0], names[1]
    yield (
        "200 services with their cycle",
        "{ services(first: 200) { nodes { serviceId supernode { memberCount cyclePath } } } }",
        {},
    )
    yield (
        "200 members of the cycle",
        """query ($id: String!) { service(by: {serviceId: $id}) { supernode {
             memberCount members(first: 200) { serviceId name team } } } }""",
        {"id": some},
    )
    yield "alerts", _shipped("10_circular_dependencies"), {}
    yield "graph, three calls", _shipped("03_dependency_graph"), {"roots": [some]}
    for kind in ("DOT", "MERMAID", "CYTOSCAPE_JSON"):
        yield (
            f"drawing, {kind}",
            """query ($roots: [String!]!, $format: GraphDrawingFormat!) {
                 graphDrawing(roots: $roots, format: $format) {
                   content serviceCount dependencyCount truncated } }""",
            {"roots": [some], "format": kind},
        )
    change = [{"serviceId": other, "kind": "AVAILABILITY", "availabilityPercent": 97}]
    yield (
        "impact, 200 rows",
        """query ($changes: [SloChangeInput!]!) { impactAnalysis(changes: $changes) {
             rows(first: 200) { nodes { service { serviceId } path reason boundAfterPercent } totalCount }
             teams summary notes } }""",
        {"changes": change},
    )
    yield "recommendation, made", _shipped("05_generate_recommendations"), {"serviceIds": [some]}
    yield "recommendation, read", _shipped("02_recommendation"), {"serviceId": some}
    yield (
        "what-if",
        """query ($edits: [GraphEditInput!]!, $focus: [String!]!) { whatIf(edits: $edits, focus: $focus) {
             focus { service { serviceId } tier before after note }
             edits { edit budgetMinutesGained } summary notes } }""",
        {"edits": [{"improve": {"serviceId": other, "availabilityPercent": 99.99}}], "focus": [some]},
    )
    yield (
        "objective set, with who it may hurt",
        """mutation ($input: SetSloInput!) { setSlo(input: $input)
           { slo { id } warnings userErrors { code message } } }""",
        {
            "input": {
                "serviceId": some,
                "sliType": "AVAILABILITY",
                "targets": [{"kind": "AVAILABILITY", "availabilityPercent": 97}],
                "rationale": "measured",
            }
        },
    )
    yield (
        "journey, saved",
        "mutation ($input: JourneyInput!) { saveJourney(input: $input) { userErrors { code message } } }",
        {"input": {"name": "all", "entryPoints": [some]}},
    )
    tiers = "{ ... on Recommendation { summary tiers { targets { availabilityPercent } } } }"
    yield (
        "journey, recommended for",
        f"""{{ journey(name: "all") {{ availability {tiers}
             weakestLinks {{ service {{ serviceId }} sharePercent budgetMinutes }} }} }}""",
        {},
    )


def _shipped(name: str) -> str:
    return (_OPERATIONS / f"{name}.graphql").read_text(encoding="utf-8")


def _said(response: httpx.Response) -> str:
    """What went wrong, if anything did: an answer that failed is short and says nothing of sizes."""
    try:
        answer = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return f"; FAILED: HTTP {response.status_code}"
    errors = [str(one.get("message")) for one in answer.get("errors") or ()]
    for part in (answer.get("data") or {}).values():
        if isinstance(part, dict):
            errors += [str(one.get("message")) for one in part.get("userErrors") or ()]
    return f"; FAILED: {errors[0][:200]}" if errors else ""


def _resident_mb(on: Stage) -> float:
    return float(on.processes["api"].memory_info().rss) / _MB


def _peak_mb(on: Stage) -> float:
    text = Path(f"/proc/{on.processes['api'].pid}/status").read_text(encoding="utf-8")
    return float(next(line.split()[1] for line in text.splitlines() if line.startswith("VmHWM"))) / 1024


async def _prepared(on: Stage, document: Mapping[str, Any], names: Sequence[str]) -> None:
    async with open_use_cases(on.settings) as use:
        for part in portions(document):
            await merged_here(use, part)
        await load_past(use, on.settings, names)


def main() -> int:
    """Alone, on stores of its own."""
    services, edges = (int(sys.argv[1]), int(sys.argv[2])) if len(sys.argv) > 2 else (10_000, 100_000)
    document = giant_cycle(services, edges)
    names = [str(row["serviceId"]) for row in document["services"]]
    report = Report(say=lambda text: print(text, flush=True))
    with stage(heap_mb=HEAP_MB) as on:
        began = time.monotonic()
        asyncio.run(_prepared(on, document, names))
        print(f"stored in {time.monotonic() - began:.0f} s\n{header()}", flush=True)
        ask_all(report, on, names, edges)
    return 1 if report.missed else 0


if __name__ == "__main__":
    sys.exit(main())
