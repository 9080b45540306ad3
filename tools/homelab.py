"""A year of daily downtime in three sites, as SLIs: ``python -m tools.homelab OUT_DIR``."""

from __future__ import annotations

import csv
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np

from sloengine.domain.reliability.panel import SliPanel
from sloengine.infrastructure.files.sli_csv import write_sli
from tools.real_data import convert_from_command_line

CREDIT = (
    "Data: uptime history of thomasmerz/upptime, Open Database License 1.0 (ODbL): attribute, share alike; "
    "converted: each minute of a monitored day is one event."
)
_DAY = timedelta(days=1)
_MINUTES = 1440


def convert(source: Path, out_dir: Path) -> list[Path]:
    """Write ``sli.csv``, daily: 1,440 events minus the minutes down, from the day a service is monitored."""
    with (source / "services.csv").open(encoding="utf-8", newline="") as file:
        since = {
            row["service"]: date.fromisoformat(row["monitored_since_estimate"]) for row in csv.DictReader(file)
        }
    with (source / "daily_downtime.csv").open(encoding="utf-8", newline="") as file:
        down = {
            (row["service"], date.fromisoformat(row["date"])): float(row["minutes_down"])
            for row in csv.DictReader(file)
        }
    for service, day in down:
        since[service] = min(since[service], day)  # the estimate may be late; downtime was seen all the same
    first, last = min(since.values()), max(day for _, day in down)
    days = (last - first).days + 1
    services = tuple(sorted(since))
    total = np.full((len(services), days), float(_MINUTES))
    good = total.copy()
    for row, service in enumerate(services):
        unmonitored = (since[service] - first).days
        total[row, :unmonitored] = good[row, :unmonitored] = np.nan
    for (service, day), minutes in down.items():
        good[services.index(service), (day - first).days] -= min(minutes, _MINUTES)
    start_at = datetime(first.year, first.month, first.day, tzinfo=UTC)
    path = out_dir / "sli.csv"
    write_sli(path, SliPanel(services, start_at, _DAY, good, total))
    return [path]


def main() -> int:
    """Convert from the command line."""
    return convert_from_command_line("homelab", "uptime-homelab", CREDIT, convert)


if __name__ == "__main__":
    sys.exit(main())
