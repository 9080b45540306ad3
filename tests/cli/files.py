"""Small files as a person would have them."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import numpy as np

from tests.application.organisation import hourly_latency, hourly_panel

UNTIL = datetime(2026, 3, 1, tzinfo=UTC)
SERVICES = ("front", "cart", "db")


def edges_file(folder: Path) -> str:
    file = folder / "edges.csv"
    file.write_text("caller,dependency,mode,criticality\nfront,cart,SYNC,HARD\ncart,db,,\n")
    return str(file)


def sli_file(folder: Path) -> str:
    file = folder / "sli.csv"
    file.write_text(_sli())
    return str(file)


def latency_file(folder: Path) -> str:
    file = folder / "latency.csv"
    file.write_text(_latency())
    return str(file)


@cache
def _sli() -> str:
    panel = hourly_panel(*SERVICES, days=40, until=UNTIL, volume=500)
    failed = np.cumsum(panel.bad[::-1], axis=0)[::-1]  # each fails with what it calls
    total = panel.total.max(axis=0)
    good = np.clip(total - failed, 0, None)
    lines = ["timestamp,service,good,total"]
    for row, service in enumerate(panel.service_ids):
        for hour in range(panel.total.shape[1]):
            at = panel.start_at + hour * panel.step
            lines.append(f"{at.isoformat()},{service},{good[row, hour]:g},{total[hour]:g}")
    return "\n".join(lines) + "\n"


@cache
def _latency() -> str:
    history = hourly_latency("front", hourly_panel("front", days=35, until=UNTIL, volume=200))
    lines = ["timestamp,service,le,count"]
    for hour, counts in enumerate(history.counts):
        at = history.start_at.timestamp() + 3600 * hour
        for bound, count in zip(history.bounds_seconds, counts.cumsum(), strict=True):
            lines.append(f"{at:.0f},front,{'+Inf' if bound == float('inf') else f'{bound:g}'},{count:g}")
    return "\n".join(lines) + "\n"
