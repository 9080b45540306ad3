"""A day of Online Boutique under faults, as edges, SLIs and latency: ``python -m tools.nezha OUT_DIR``."""

from __future__ import annotations

import csv
import gzip
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from sloengine.domain.reliability.panel import SliPanel
from sloengine.infrastructure.files.cells import unix_seconds
from sloengine.infrastructure.files.edges_csv import write_edges
from sloengine.infrastructure.files.output import open_for_writing
from sloengine.infrastructure.files.sli_csv import write_sli
from tools.real_data import convert_from_command_line

CREDIT = (
    "Data: Nezha, IntelligentDDS/Nezha at d8140101, MIT licence; converted: total = operations per second x 60, "
    "good = total x success rate as exported (0 on every pod: a broken exporter)."
)
_PREFIX = "online-boutique_2022-08-22_"
_MINUTE = 60
_DIGITS = 6
_FRONT = "frontend"
_SERVER_PERCENTILES = {"p90": "server_p90_s", "p95": "server_p95_s", "p99": "server_p99_s"}


def convert(source: Path, out_dir: Path) -> list[Path]:
    """Write ``edges.csv``, ``sli.csv`` and ``latency.csv`` (percentiles only).

    The pods' success rates come out as they were exported, 0 throughout, for the engine to refuse; the front's is
    the one that its own file states.
    """
    written = [out_dir / name for name in ("edges.csv", "sli.csv", "latency.csv")]
    write_edges(written[0], {"services": [], "dependencies": edges(source)})
    metrics = list(_rows(source / f"{_PREFIX}metrics.csv.gz"))
    success = {
        _minute_of(row["TimeStamp"]): float(row["SuccessRate(%)"])
        for row in _rows(source / f"{_PREFIX}frontend.csv.gz")
        if row["SuccessRate(%)"]
    }
    write_sli(written[1], availability_panel(metrics, success))
    with open_for_writing(written[2]) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("timestamp", "service", *_SERVER_PERCENTILES))
        for row in metrics:
            at = datetime.fromtimestamp(_minute_of(row["time_utc"]), UTC).isoformat().replace("+00:00", "Z")
            writer.writerow((at, row["service"], *(row[name] for name in _SERVER_PERCENTILES.values())))
    return written


def edges(source: Path) -> list[dict[str, str]]:
    """The calls that Istio saw, from the column names caller_dependency."""
    pairs = set()
    for reporter in ("source", "destination"):
        header = next(_rows(source / f"{_PREFIX}edge_{reporter}_50.csv.gz"))
        pairs |= {tuple(name.split("_")) for name in header if "_" in name}
    return [{"caller": caller, "dependency": dependency} for caller, dependency in sorted(pairs)]


def availability_panel(metrics: list[dict[str, str]], front_success: dict[int, float]) -> SliPanel:
    """Per minute: the pods' exported success rate, the front's real one; no data where either is missing."""
    services = tuple(sorted({row["service"] for row in metrics}))
    minutes = [_minute_of(row["time_utc"]) for row in metrics]
    start = min(minutes)
    total = np.full((len(services), (max(minutes) - start) // _MINUTE + 1), np.nan)
    good = total.copy()
    for row, minute in zip(metrics, minutes, strict=True):
        place = services.index(row["service"]), (minute - start) // _MINUTE
        percent = front_success.get(minute) if row["service"] == _FRONT else _number(row["success_rate_pct"])
        operations = _number(row["workload_ops"])
        if percent is not None and operations is not None:
            total[place] = round(operations * _MINUTE, _DIGITS)
            good[place] = min(total[place], round(total[place] * percent / 100, _DIGITS))
    return SliPanel(services, datetime.fromtimestamp(start, UTC), timedelta(seconds=_MINUTE), good, total)


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _minute_of(text: str) -> int:
    return unix_seconds(text) // _MINUTE * _MINUTE


def _number(text: str) -> float | None:
    return float(text) if text else None


def main() -> int:
    """Convert from the command line."""
    return convert_from_command_line("nezha", "nezha-online-boutique", CREDIT, convert)


if __name__ == "__main__":
    sys.exit(main())
