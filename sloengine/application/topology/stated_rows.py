"""What one ingestion states, read from its payload, and what is noted while it is merged."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import batched
from typing import Any

from sloengine.domain.topology.dependency import DiscoverySource
from sloengine.domain.topology.name_decisions import cut
from sloengine.domain.topology.validation import CheckedRows, check_rows

ROW_LISTS = ("services", "dependencies")
_ROWS_PER_LINE = 500

type Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class StatedRows:
    """The payload, read."""

    source: DiscoverySource
    observed_at: datetime
    complete: bool
    rows: CheckedRows
    named_callers: tuple[str, ...]
    listed: frozenset[Pair]
    warnings: tuple[str, ...] = ()


@dataclass(slots=True)
class Noted:
    """``callers`` of which anything was said; rows that a later complete list of their source does not have.

    ``teams``: what the source said of teams that stay as they are. ``progress_at``: when progress was last stored.
    """

    progress_at: datetime
    callers: set[str] = field(default_factory=set)
    teams: list[str] = field(default_factory=list)
    count: int = 0
    first: Pair | None = None

    def add_outdated(self, pair: Pair) -> None:
        """A row that came too late."""
        self.count += 1
        self.first = self.first or pair

    def warnings(self) -> tuple[str, ...]:
        """In words."""
        teams = cut(self.teams, "more services would have another team")
        if self.first is None:
            return teams
        return (
            *teams,
            f"{self.count} rows were observed before a complete list of this source that does not have them, and"
            f" were not taken, such as {self.first[0]} → {self.first[1]}.",
        )


def to_lines(statement: Mapping[str, Any], dump: Callable[[object], bytes]) -> bytes:
    """What is stored of a statement: one JSON object a line, its rows in portions.

    Nothing else in a process runs while one object is parsed; between the lines others have their turn.
    """
    lines = [dump({name: value for name, value in statement.items() if name not in ROW_LISTS})]
    lines += [dump({name: rows}) for name in ROW_LISTS for rows in batched(statement[name], _ROWS_PER_LINE)]
    return b"\n".join(lines)


def from_lines(payload: bytes, load: Callable[[bytes], Any]) -> dict[str, Any]:
    """The statement of which ``to_lines`` made this; also one that stands in a single line."""
    statement: dict[str, Any] = {name: [] for name in ROW_LISTS}
    for line in payload.split(b"\n"):
        for name, value in load(line).items():
            if name in ROW_LISTS:
                statement[name].extend(value)
            else:
                statement[name] = value
    return statement


def read_statement(document: Mapping[str, Any], submitted_at: datetime) -> StatedRows:
    """The payload as ``IngestDependencies`` stored it, its rows checked."""
    services, dependencies = document["services"], document["dependencies"]
    observed_at = document["observedAt"]
    return StatedRows(
        source=DiscoverySource(document["source"]),
        observed_at=submitted_at if observed_at is None else datetime.fromisoformat(observed_at),
        complete=document["complete"],
        rows=check_rows(services, dependencies),
        named_callers=tuple(_texts(services, "serviceId")),
        # A row that was refused is still listed: a typing mistake must not withdraw a dependency.
        listed=frozenset(
            (row["caller"], row["dependency"])
            for row in (dependencies if document["complete"] else ())
            if isinstance(row, Mapping)
            and isinstance(row.get("caller"), str)
            and isinstance(row.get("dependency"), str)
        ),
        warnings=tuple(document.get("warnings", ())),
    )


def _texts(rows: Sequence[Any], name: str) -> list[str]:
    return [row[name] for row in rows if isinstance(row, Mapping) and isinstance(row.get(name), str)]
