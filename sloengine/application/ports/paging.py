"""A page of a list that can grow, cut in the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MAX_PAGE_SIZE = 200


@dataclass(frozen=True, slots=True)
class PageRequest:
    """``first``: 1 to 200 rows. ``after``: an opaque cursor that the store gave out (its last row's sort key)."""

    first: int = 50
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Page[Row]:
    """Rows in order, a cursor for each, and how many there are in all."""

    rows: Sequence[Row]
    cursors: Sequence[str]
    has_next: bool
    total_count: int
