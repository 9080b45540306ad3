"""Drift for people: events as a table, and hourly values drawn with where they changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise

import numpy as np
from rich.table import Table

from sloengine.cli import output
from sloengine.domain.drift.alarm import WHAT, DriftEvent, shown
from sloengine.domain.drift.model import Change, start_of
from sloengine.domain.drift.together import SharedCause
from sloengine.domain.recommendation.model import TierName
from sloengine.domain.reliability.panel import FloatArray

_EIGHTHS = " ▁▂▃▄▅▆▇█"
_COLUMNS, _ROWS = 84, 6
_ROOM_FOR_VOTES = 115
_LABELS = 11
"""Columns that the figures beside a plot take at most, with a blank."""


def events_table(events: Sequence[DriftEvent], width: int) -> Table:
    """One row an event, newest first; times and moves on two lines each, so that 80 columns hold them.

    ``width``: of the terminal; who voted is shown where there is room.
    """
    table = output.table("Confirmed changes of behaviour")
    table.add_column("service", overflow="fold")
    table.add_column("what")
    for column in ("since", "seen", "level", "balanced"):
        table.add_column(column, no_wrap=True)
    if width >= _ROOM_FOR_VOTES:
        table.add_column("by")
    for event in events:
        cells = [
            event.service_id,
            WHAT[event.kind],
            _time(event.started_at).replace(" ", "\n"),
            _time(event.detected_at).replace(" ", "\n"),
            f"{shown(event.kind, event.before)}\n→ {shown(event.kind, event.after)}",
            _move(event),
        ]
        table.add_row(*cells, *([_names(event.votes)] if width >= _ROOM_FOR_VOTES else []))
    return table


def together(events: Sequence[DriftEvent], causes: Mapping[str, SharedCause]) -> list[tuple[str, str]]:
    """Which events began with others, to be said below the table. ``causes``: by event id."""
    return [
        (f"{event.service_id}, {_time(event.started_at)}", causes[event.event_id].in_words(event.service_id))
        for event in events
        if event.event_id in causes
    ]


def changes_table(changes: Sequence[Change]) -> Table:
    """One row a change of a series in a file, oldest first."""
    table = output.table("Changes")
    for column in ("since", "seen", "before", "after", "by"):
        table.add_column(column)
    for change in changes:
        table.add_row(
            _time(start_of(change.started_hour)),
            _time(start_of(change.detected_hour)),
            _figure(change.before),
            _figure(change.after),
            _names(change.votes),
        )
    return table


def plot(
    values: FloatArray,
    first_hour: int,
    marks: Sequence[tuple[int, int]],
    title: str,
    width: int = _COLUMNS + _LABELS,
) -> str:
    """Hourly values as columns of blocks; gaps are no data.

    ``marks``: (hour a change began, hour it was seen); the former is marked ^, the latter !
    (^ alone where both fall into one column). ``width``: of the terminal.
    """
    if np.isnan(values).all():
        return f"{title}: no hourly value on record"
    columns = max(1, min(_COLUMNS, width - _LABELS, len(values)))
    edges = np.linspace(0, len(values), columns + 1).astype(int)
    parts = [values[a:b] for a, b in pairwise(edges)]
    means = np.array([np.nan if np.isnan(part).all() else float(np.nanmean(part)) for part in parts])
    low, high = float(np.nanmin(means)), float(np.nanmax(means))
    span = high - low if high > low else 1.0
    eighths = np.where(np.isnan(means), -1, 1 + np.round((means - low) / span * (8 * _ROWS - 1))).astype(int)
    labels = {0: _figure(high), _ROWS - 1: _figure(low)}
    margin = max(len(label) for label in labels.values())
    lines = [title]
    for row in range(_ROWS):
        floor = 8 * (_ROWS - 1 - row)
        cells = "".join(_EIGHTHS[min(8, max(0, level - floor))] for level in eighths)
        lines.append(f"{labels.get(row, ''):>{margin}} {cells}")
    line = [" "] * columns
    for began, seen in marks:
        for hour, sign in ((seen, "!"), (began, "^")):
            if 0 <= hour - first_hour < len(values):
                line[int(np.searchsorted(edges, hour - first_hour, "right")) - 1] = sign
    begin, end = _time(start_of(first_hour)), _time(start_of(first_hour + len(values)))
    gap = max(1, columns - len(begin) - len(end))
    lines.append(f"{'':{margin}} {''.join(line)}".rstrip())
    lines.append(f"{'':{margin}} {begin}{'':{gap}}{end}")
    if "".join(line).strip():
        lines.append(f"{'':{margin}} ^ likely since, ! seen (^ alone: both in one column)")
    return "\n".join(lines)


def _move(event: DriftEvent) -> str:
    if event.reevaluated_at is None:
        return "being\nlooked at"
    for move in event.targets:
        if move.tier is TierName.BALANCED and move.kind is event.kind:
            before = "none" if move.before is None else shown(move.kind, move.before)
            after = "none" if move.after is None else shown(move.kind, move.after)
            return f"{before}\n→ {after}"
    return "–"


def _names(votes: Sequence[str]) -> str:
    return ", ".join(vote.lower().replace("_", "-") for vote in votes)


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.5g}"


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"
