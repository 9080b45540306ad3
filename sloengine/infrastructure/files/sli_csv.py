"""``timestamp,service,good,total``: good and valid events per interval."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sloengine.domain.reliability.panel import SliPanel
from sloengine.infrastructure.files.cells import Identities, Times, number_column
from sloengine.infrastructure.files.grid import duration, find_step, when
from sloengine.infrastructure.files.output import number_text, open_for_writing
from sloengine.infrastructure.files.problems import Complaints
from sloengine.infrastructure.files.table import open_table, require_columns

SLI_COLUMNS = ("timestamp", "service", "good", "total")
MAX_CELLS = 100_000_000
_ROUNDING = 1e-9  # good may exceed total by what floating point makes of equal numbers


def read_sli(path: Path) -> SliPanel:
    """Good and valid events of a CSV file, services sorted, rows in any order.

    ``timestamp`` starts its interval (ISO 8601, naive = UTC, or unix seconds); any step from 1 min to 1 d, told
    from the timestamps. An empty cell or an absent row is no data (NaN). Raises ``FileProblem`` with line numbers.
    """
    complaints = Complaints(path)
    times, identities = Times(), Identities()
    parts: list[tuple[npt.NDArray[np.int64], ...]] = []
    values: list[tuple[npt.NDArray[np.float64], ...]] = []
    with open_table(path, complaints) as table:
        require_columns(table, SLI_COLUMNS, complaints)
        for chunk in table.chunks:
            columns = chunk.columns
            seconds = times.column(columns["timestamp"], chunk.lines, complaints)
            services = identities.column(columns["service"], chunk.lines, complaints)
            good = number_column(columns["good"], chunk.lines, "good", complaints)
            total = number_column(columns["total"], chunk.lines, "total", complaints)
            for position in np.flatnonzero(good > total * (1 + _ROUNDING)).tolist():
                complaints.add(int(chunk.lines[position]), f"good {good[position]:g} > total {total[position]:g}")
            parts.append((seconds, services, chunk.lines))
            values.append((np.minimum(good, total), total))
    complaints.raise_if_any()
    if not parts:
        raise complaints.fail(2, "there are no rows below the header")
    seconds, services, lines = (np.concatenate(part) for part in zip(*parts, strict=True))
    good, total = (np.concatenate(part) for part in zip(*values, strict=True))
    order = np.lexsort((lines, seconds, services))
    seconds, services, lines = seconds[order], services[order], lines[order]
    _report_doubles(seconds, services, lines, identities.names, complaints)
    complaints.raise_if_any()
    step = find_step(services, seconds, lines, complaints)
    complaints.raise_if_any()
    return _panel(identities.names, seconds, services, good[order], total[order], step, complaints)


def write_sli(path: Path, panel: SliPanel) -> None:
    """Write a panel; cells without data stay empty. ``.gz`` at the end of the name packs the file."""
    with open_for_writing(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(SLI_COLUMNS)
        writer.writerows(_rows(panel))


def _rows(panel: SliPanel) -> Iterator[Sequence[str]]:
    for interval in range(panel.total.shape[1]):
        at = (panel.start_at + panel.step * interval).astimezone(UTC).isoformat().replace("+00:00", "Z")
        good, total = panel.good[:, interval].tolist(), panel.total[:, interval].tolist()
        for row, service_id in enumerate(panel.service_ids):
            yield at, service_id, number_text(good[row]), number_text(total[row])


def _report_doubles(
    seconds: npt.NDArray[np.int64],
    services: npt.NDArray[np.int64],
    lines: npt.NDArray[np.int64],
    names: Sequence[str],
    complaints: Complaints,
) -> None:
    doubled = (seconds[1:] == seconds[:-1]) & (services[1:] == services[:-1])
    for position in np.flatnonzero(doubled).tolist():
        complaints.add(
            int(lines[position + 1]),
            f"{names[services[position]]} at {when(int(seconds[position]))} was on line {lines[position]} already",
        )


def _panel(
    names: Sequence[str],
    seconds: npt.NDArray[np.int64],
    services: npt.NDArray[np.int64],
    good: npt.NDArray[np.float64],
    total: npt.NDArray[np.float64],
    step: int,
    complaints: Complaints,
) -> SliPanel:
    start = int(seconds.min())
    intervals = (int(seconds.max()) - start) // step + 1
    if intervals * len(names) > MAX_CELLS:
        raise complaints.fail(
            None,
            f"{len(names)} services over {intervals} intervals of {duration(step)} "
            f"are more than {MAX_CELLS:,} cells; use a coarser step or fewer services",
        )
    by_name = np.argsort(np.argsort(np.array(names, dtype=object)))
    rows, columns = by_name[services], (seconds - start) // step
    panel_good = np.full((len(names), intervals), np.nan)
    panel_total = panel_good.copy()
    no_data = np.isnan(good) | np.isnan(total)
    panel_good[rows, columns] = np.where(no_data, np.nan, good)
    panel_total[rows, columns] = np.where(no_data, np.nan, total)
    return SliPanel(
        service_ids=tuple(sorted(names)),
        start_at=datetime.fromtimestamp(start, UTC),
        step=timedelta(seconds=step),
        good=panel_good,
        total=panel_total,
    )
