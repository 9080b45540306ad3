"""Opaque cursors: the sort key of a list's last row."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from sloengine.application.ports.paging import MAX_PAGE_SIZE, Page, PageRequest
from sloengine.domain.errors import Invalid


def cursor_of(*key: Any) -> str:
    """The cursor of a row with this sort key (numbers and strings)."""
    return base64.urlsafe_b64encode(orjson.dumps(key)).decode().rstrip("=")


def key_of(cursor: str | None, *kinds: type | tuple[type, ...]) -> list[Any] | None:
    """The sort key in a cursor, its parts of these kinds; None for no cursor.

    Raises: Invalid, when it is none that this list gave out.
    """
    if cursor is None:
        return None
    try:
        key = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError) as error:
        raise Invalid("this cursor is not one that the list gave out", path=("after",)) from error
    fits = isinstance(key, list) and len(key) == len(kinds)
    if not fits or not all(isinstance(part, kind) for part, kind in zip(key, kinds, strict=True)):
        raise Invalid("this cursor is not one that the list gave out", path=("after",))
    return list(key)


def rows_to_read(page: PageRequest) -> int:
    """One more than asked for: whether it is there tells if there is a next page. Raises ``Invalid``."""
    if not 1 <= page.first <= MAX_PAGE_SIZE:
        raise Invalid(f"first must be 1 to {MAX_PAGE_SIZE}, not {page.first}", path=("first",))
    return page.first + 1


def page_of[Row](
    read: Sequence[Row], page: PageRequest, total_count: int, key: Callable[[Row], tuple[Any, ...]]
) -> Page[Row]:
    """The page of the rows read."""
    rows = list(read[: page.first])
    return Page(rows, [cursor_of(*key(row)) for row in rows], len(read) > page.first, total_count)
