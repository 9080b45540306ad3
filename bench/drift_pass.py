"""The drift pass over every service: availability, p95 and p99 by the hour, state and history in Neo4j.

Plain synthetic counts and percentiles, made here. One service in a hundred loses a nine in the measured hour's
neighbourhood, so that events are written as well. What is measured: a first pass that learns everything, the pass
of a new hour, and one that finds nothing new; by the clock, and the engine's own processor time beside it. Another
size than the section's: ``python -m bench.drift_pass --services 1250``.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from bench.rows import Goal, Report, Row, header, machine
from bench.stage import Stage, stage
from sloengine.application.drift.detect_drift import DriftReport
from sloengine.application.ports.sli_history import Watermark
from sloengine.bootstrap.connections import open_use_cases
from sloengine.bootstrap.container import UseCases
from sloengine.domain.reliability.latency_hours import LatencyHours
from sloengine.domain.reliability.panel import LatencyHistory, SliPanel
from sloengine.domain.topology.service import Service
from sloengine.infrastructure.neo4j import Neo4jStores, open_neo4j

SECTION = "drift"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
DAYS, NEW_HOURS = 35, 3
BOUNDS = np.array([0.1, 0.25, 0.5, np.inf])
_SERVICES_AT_ONCE = 500
_FALLS_EVERY = 100


@dataclass(frozen=True)
class Telemetry:
    """Hourly values of some services, shape (n_services, n_hours)."""

    service_ids: tuple[str, ...]
    bad: np.ndarray[tuple[int, int], np.dtype[np.float64]]
    total: np.ndarray[tuple[int, int], np.dtype[np.float64]]
    p95_ms: np.ndarray[tuple[int, int], np.dtype[np.float64]]


def run(report: Report, *, quick: bool) -> None:
    """Three passes in one process."""
    measure(report, 100 if quick else 5_000)


def measure(report: Report, services: int) -> None:
    """The same with so many services."""
    with stage(heap_mb=3_072) as on:
        asyncio.run(_measure(on, services, report))


async def _measure(on: Stage, services: int, report: Report) -> None:
    url, user, password = on.settings.required_neo4j()
    async with open_neo4j(url, user, password) as stores, open_use_cases(on.settings) as use_cases:
        start = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - DAYS * DAY
        hours = DAYS * 24
        parts = [_made(first, services) for first in range(0, services, _SERVICES_AT_ONCE)]
        for part in parts:
            await stores.graph.register([Service(key) for key in part.service_ids], now=start)
            await _write(stores, part, start, hours - NEW_HOURS)
        what = f"{services:,} services × 3 SLIs"
        first, seconds, own = await _pass(use_cases, stores, start, hours - NEW_HOURS)
        note = f"{_said(first)}; {own:.0f} s CPU of the engine"
        report.add(Row(SECTION, f"first pass, {what}, {DAYS} d", [seconds], "s", note=note))
        taken, spent, seen = [], 0.0, 0
        for hour in range(hours - NEW_HOURS + 1, hours + 1):
            for part in parts:
                await _write(stores, part, start, hour)
            found, seconds, own = await _pass(use_cases, stores, start, hour)
            taken.append(seconds)
            spent = max(spent, own)
            seen += len(found.events)
        falls = sum(len(part.service_ids[::_FALLS_EVERY]) for part in parts)
        note = (
            f"{seen} events; {falls} services lost a nine two hours ago; worst of {NEW_HOURS}; {spent:.1f} s CPU"
        )
        report.add(Row(SECTION, f"pass of a new hour, {what}", taken, "s", Goal(180.0, quantile=1.0), note=note))
        _, idle, _ = await _pass(use_cases, stores, start, hours)
        report.add(Row(SECTION, f"pass without a new hour, {what}", [1_000 * idle], "ms"))


def _made(first: int, services: int) -> Telemetry:
    random = np.random.default_rng(first)
    ids = tuple(f"service-{number:05}" for number in range(first, min(first + _SERVICES_AT_ONCE, services)))
    shape = (len(ids), DAYS * 24)
    wave = 1 + 0.7 * np.sin(2 * np.pi * np.arange(shape[1]) / 24)
    total = random.poisson(random.lognormal(9, 1, (shape[0], 1)) * wave).astype(np.float64)
    ratio = random.lognormal(-7, 0.5, (shape[0], 1)) * random.gamma(25.0, 1 / 25.0, shape)
    ratio[::_FALLS_EVERY, -2:] *= 10
    bad = random.binomial(total.astype(int), np.minimum(ratio, 0.5)).astype(np.float64)
    p95 = random.lognormal(5, 0.5, (shape[0], 1)) * np.exp(0.1 * random.standard_normal(shape)) * wave**0.2
    return Telemetry(ids, bad, total, p95)


async def _write(stores: Neo4jStores, part: Telemetry, start: datetime, hours: int) -> None:
    """Everything at first, later the day that is running."""
    first = 0 if hours == DAYS * 24 - NEW_HOURS else (hours - 1) // 24 * 24
    begin, some = start + first * HOUR, slice(first, hours)
    total, p95 = part.total[:, some], part.p95_ms[:, some]
    await stores.sli_history.write(SliPanel(part.service_ids, begin, HOUR, total - part.bad[:, some], total))
    days = np.tile(np.array([5e4, 4e4, 1e3, 0.0]), (-(-(hours - first) // 24), 1))
    await stores.sli_history.write_latency([LatencyHistory(key, begin, BOUNDS, days) for key in part.service_ids])
    await stores.sli_history.write_latency_hours(
        LatencyHours(part.service_ids, begin, p95 / 2, p95, p95 * 1.7, total)
    )


async def _pass(
    use_cases: UseCases, stores: Neo4jStores, start: datetime, hours: int
) -> tuple[DriftReport, float, float]:
    """What it found, seconds by the clock, and of this process."""
    await stores.sli_history.set_watermark(Watermark(start + hours * HOUR, start + hours * HOUR))
    began, used = time.monotonic(), time.process_time()
    found = await use_cases.detect_drift()
    return found, time.monotonic() - began, time.process_time() - used


def _said(found: DriftReport) -> str:
    return f"{found.series:,} series moved on, {len(found.events)} events"


def main(arguments: list[str] | None = None) -> int:
    """Print the rows for one size."""
    parser = argparse.ArgumentParser(prog="python -m bench.drift_pass", description=__doc__)
    parser.add_argument("--services", type=int, default=1_250)
    asked = parser.parse_args(arguments)
    report = Report(say=lambda text: print(text, flush=True))
    print(f"{machine()}\n{header()}", flush=True)
    measure(report, asked.services)
    return 1 if report.missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
