"""Cut a page out of a sorted list."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

from sloengine.application.ports.paging import MAX_PAGE_SIZE, Page, PageRequest
from sloengine.domain.errors import Invalid

type SortKey = tuple[str | int | float, ...]


def cut[Row](rows: Iterable[Row], key: Callable[[Row], SortKey], page: PageRequest) -> Page[Row]:
    """The rows behind the cursor in the order of ``key``. Raises ``Invalid`` for a bad size or cursor."""
    if not 1 <= page.first <= MAX_PAGE_SIZE:
        raise Invalid(f"first must be 1 to {MAX_PAGE_SIZE}", path=("first",))
    ordered = sorted(rows, key=key)
    total = len(ordered)
    if page.after is not None:
        try:
            after: SortKey = tuple(json.loads(page.after))
            ordered = [row for row in ordered if key(row) > after]
        except (ValueError, TypeError) as error:
            raise Invalid("this cursor was not given out here", path=("after",)) from error
    shown = ordered[: page.first]
    return Page(shown, [json.dumps(key(row)) for row in shown], len(ordered) > len(shown), total)
