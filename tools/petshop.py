"""PetShop, 49 hours of a real AWS application, as edges, SLIs and latency: ``python -m tools.petshop OUT_DIR``."""

from __future__ import annotations

import csv
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from sloengine.domain.reliability.panel import SliPanel
from sloengine.infrastructure.files.edges_csv import write_edges
from sloengine.infrastructure.files.output import open_for_writing
from sloengine.infrastructure.files.sli_csv import write_sli
from tools.real_data import convert_from_command_line

CREDIT = (
    "Data: PetShop, amazon-science/petshop-root-cause-analysis (dataset/low_traffic), by Amazon, CC-BY-4.0; "
    "converted: good = availability x requests."
)
_STEP = timedelta(minutes=5)
_PERCENTILES = ("p50", "p90", "p95", "p99")
_HEADER_ROWS = 4
_DIGITS = 9  # counts were whole; percent and back leaves crumbs


def convert(source: Path, out_dir: Path) -> list[Path]:
    """Write ``edges.csv``, ``sli.csv`` and ``latency.csv`` (percentiles only) from the published files."""
    written = [out_dir / name for name in ("edges.csv", "sli.csv", "latency.csv")]
    write_edges(written[0], {"services": [], "dependencies": read_graph(source / "graph.csv")})
    with (source / "metrics.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    columns = {key: place for place, key in enumerate(zip(*rows[:3], strict=True)) if place}
    body = rows[_HEADER_ROWS:]
    write_sli(written[1], availability_panel(columns, body))
    _write_percentiles(written[2], columns, body)
    return written


def read_graph(path: Path) -> list[dict[str, str]]:
    """The adjacency matrix as edges: the row calls the column."""
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = list(csv.reader(file))
    return [
        {"caller": row[0], "dependency": name}
        for row in rows
        for name, cell in zip(header[1:], row[1:], strict=True)
        if float(cell or 0) != 0
    ]


def availability_panel(columns: dict[tuple[str, ...], int], body: list[list[str]]) -> SliPanel:
    """Good = availability percent x requests / 100; an empty cell is no data. Intervals without a row too."""
    services = sorted({key[0] for key in columns if key[1] == "requests"})
    seconds = [int(float(row[0])) for row in body]
    intervals = (max(seconds) - min(seconds)) // int(_STEP.total_seconds()) + 1
    good = np.full((len(services), intervals), np.nan)
    total = good.copy()
    for row, at in zip(body, seconds, strict=True):
        interval = (at - min(seconds)) // int(_STEP.total_seconds())
        for place, service in enumerate(services):
            requests = row[columns[service, "requests", "Sum"]]
            percent = row[columns[service, "availability", "Average"]]
            if requests and percent:
                total[place, interval] = float(requests)
                good[place, interval] = min(
                    float(requests), round(float(requests) * float(percent) / 100, _DIGITS)
                )
    return SliPanel(tuple(services), datetime.fromtimestamp(min(seconds), UTC), _STEP, good, total)


def _write_percentiles(path: Path, columns: dict[tuple[str, ...], int], body: list[list[str]]) -> None:
    services = sorted({key[0] for key in columns if key[1] == "latency"})
    with open_for_writing(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("timestamp", "service", *_PERCENTILES))
        for row in body:
            at = datetime.fromtimestamp(int(float(row[0])), UTC).isoformat().replace("+00:00", "Z")
            for service in services:
                writer.writerow((at, service, *(row[columns[service, "latency", name]] for name in _PERCENTILES)))


def main() -> int:
    """Convert from the command line."""
    return convert_from_command_line("petshop", "petshop-low", CREDIT, convert)


if __name__ == "__main__":
    sys.exit(main())
