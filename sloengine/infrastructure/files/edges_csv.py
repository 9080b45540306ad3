"""``caller,dependency`` and what is known of each edge, as an ingestion document."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sloengine.domain.topology.dependency import DependencyCriticality, DependencyMode
from sloengine.domain.topology.validation import check_rows
from sloengine.infrastructure.files.output import number_text, open_for_writing
from sloengine.infrastructure.files.problems import Complaints
from sloengine.infrastructure.files.table import open_table, require_columns

EDGE_COLUMNS = (
    "caller",
    "dependency",
    "mode",
    "criticality",
    "protocol",
    "timeout_ms",
    "call_weight",
    "redundancy_group",
    "required",
    "confidence",
)
_ENDS = ("caller", "dependency")
_NUMBERS = ("timeout_ms", "call_weight", "required", "confidence")
_ALIASES = {
    "source": "caller",
    "target": "dependency",
    **{name.replace("_", ""): name for name in EDGE_COLUMNS if "_" in name},
}
_DROPPED_KINDS = ("telemetry", "start-order")
_ASYNC_KINDS = ("messaging",)
_CALL_KINDS = ("", "call", "db", "cache")


@dataclass(frozen=True)
class EdgeFile:
    """An edge list as the plain JSON that an ingestion takes.

    ``document``: ``{"services": [], "dependencies": [row, …]}``, rows in the names of the API's
    ``DependencyInput``. ``lines``: the line of each dependency row. ``dropped``: rows left out, by kind
    (telemetry and start-order rows are no calls). ``collapsed``: rows that said the same pair again with another
    kind; the strongest kind stayed.
    """

    document: Mapping[str, Any]
    lines: tuple[int, ...]
    dropped: Mapping[str, int]
    collapsed: int
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Row:
    line: int
    kind: str
    values: dict[str, Any]

    @property
    def pair(self) -> tuple[Any, Any]:
        return self.values.get("caller"), self.values.get("dependency")

    @property
    def is_async(self) -> bool:
        return str(self.values.get("mode", "")).upper() == DependencyMode.ASYNC


def read_edges(path: Path, *, strict: bool = True) -> EdgeFile:
    """Read an edge list (``source,target`` are understood as caller, dependency).

    strict: wrong values (enums, numbers, ids) end the reading with their lines; otherwise they are passed on as
    they stand, for the ingestion to reject row by row. Raises ``FileProblem``.
    """
    complaints = Complaints(path)
    rows: list[_Row] = []
    dropped: dict[str, int] = {}
    other_kinds: dict[str, int] = {}
    with open_table(path, complaints, _ALIASES) as table:
        require_columns(table, ("caller", "dependency"), complaints)
        for chunk in table.chunks:
            names = list(chunk.columns)
            cells = zip(*chunk.columns.values(), strict=True)
            for line, row in zip(chunk.lines.tolist(), cells, strict=True):
                stripped = {name: cell.strip() for name, cell in zip(names, row, strict=True)}
                kind = stripped.get("kind", "").lower().replace("_", "-").replace(" ", "-")
                if kind in _DROPPED_KINDS:
                    dropped[kind] = dropped.get(kind, 0) + 1
                    continue
                if kind not in _CALL_KINDS and kind not in _ASYNC_KINDS:
                    other_kinds[kind] = other_kinds.get(kind, 0) + 1
                rows.append(_row(line, kind, stripped))
    if strict:
        _report_rejected(rows, complaints)
    complaints.raise_if_any()
    if not rows and not dropped:
        raise complaints.fail(2, "there are no rows below the header")
    kept = _strongest_kind_of_each_pair(rows)
    return EdgeFile(
        document={"services": [], "dependencies": [row.values for row in kept]},
        lines=tuple(row.line for row in kept),
        dropped=dropped,
        collapsed=len(rows) - len(kept),
        warnings=tuple(
            f"kind {kind!r} is not known ({count} rows) and counts as a call"
            for kind, count in other_kinds.items()
        ),
    )


def write_edges(path: Path, document: Mapping[str, Any]) -> None:
    """Write the dependencies of an ingestion document as an edge list: the columns that any of them needs.

    Retry settings have no column.
    """
    rows = document["dependencies"]
    columns = [
        column
        for column in EDGE_COLUMNS
        if column in _ENDS or any(row.get(_json_name(column)) is not None for row in rows)
    ]
    with open_for_writing(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([_text(row.get(_json_name(column))) for column in columns] for row in rows)


def _json_name(column: str) -> str:
    first, *rest = column.split("_")
    return first + "".join(word.capitalize() for word in rest)


_COLUMN_OF = {_json_name(column): column for column in EDGE_COLUMNS}


def _text(value: Any) -> str:
    if value is None:
        return ""
    return number_text(float(value)) if isinstance(value, int | float) else str(value)


def _row(line: int, kind: str, cells: Mapping[str, str]) -> _Row:
    values: dict[str, Any] = {}
    for column in EDGE_COLUMNS:
        text = cells.get(column, "")
        if text or column in _ENDS:
            values[_json_name(column)] = _number_or_text(text) if column in _NUMBERS else text
    for name, allowed in (("mode", DependencyMode), ("criticality", DependencyCriticality)):
        if values.get(name, "").upper() in set(allowed):
            values[name] = values[name].upper()
    if kind in _ASYNC_KINDS:
        values.setdefault("mode", DependencyMode.ASYNC.value)
    return _Row(line, kind, values)


def _number_or_text(text: str) -> int | float | str:
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return text


def _report_rejected(rows: Sequence[_Row], complaints: Complaints) -> None:
    """The rules are those of an ingestion; only the place is told as a file's reader knows it."""
    for item in check_rows((), [row.values for row in rows]).rejected:
        field = item.path.rpartition(".")[2]
        complaints.add(rows[item.index].line, f"{_COLUMN_OF.get(field, field)}: {item.message}")


def _strongest_kind_of_each_pair(rows: Sequence[_Row]) -> list[_Row]:
    """Calls win over messages; rows that say exactly the same are one. Other differences are left to the merge."""
    has_call = {row.pair for row in rows if not row.is_async}
    kept: list[_Row] = []
    seen: set[tuple[Any, ...]] = set()
    for row in rows:
        if row.is_async and row.kind in _ASYNC_KINDS and row.pair in has_call:
            continue
        said = tuple(sorted((name, repr(value)) for name, value in row.values.items()))
        if said not in seen:
            seen.add(said)
            kept.append(row)
    return kept
