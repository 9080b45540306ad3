"""Lists that can grow, as Relay connections."""

from __future__ import annotations

import base64
import binascii
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Generic, Self, TypeVar

import strawberry
from strawberry import relay

from sloengine.application.ports.paging import Page, PageRequest
from sloengine.domain.errors import Invalid

NodeType = TypeVar("NodeType")


@strawberry.type(description="One row of a page.")
class Edge(Generic[NodeType]):  # noqa: UP046  (strawberry finds type parameters in module scope only)
    """A row and its cursor."""

    cursor: str = strawberry.field(description="Pass as `after` to get what follows this row.")
    node: NodeType = strawberry.field(description="The row.")


@strawberry.type(description="One page of a list.")
class Connection(Generic[NodeType]):  # noqa: UP046
    """A page that the store cut."""

    cursors: strawberry.Private[Sequence[str]]
    nodes: list[NodeType] = strawberry.field(description="The rows of this page, in order.")
    page_info: relay.PageInfo = strawberry.field(description="How to page on.")
    total_count: int = strawberry.field(description="Rows in the whole list, all pages together.")

    @strawberry.field(description="The rows of this page with their cursors.")
    def edges(self) -> list[Edge[NodeType]]:
        """Pairs of cursor and row."""
        return [Edge(cursor=cursor, node=node) for cursor, node in zip(self.cursors, self.nodes, strict=True)]

    @classmethod
    def of[Row](cls, page: Page[Row] | None, request: PageRequest, convert: Callable[[Row], NodeType]) -> Self:
        """The page with its rows converted; None is an empty list."""
        if page is None:
            page = Page(rows=(), cursors=(), has_next=False, total_count=0)
        cursors = page.cursors
        return cls(
            cursors=cursors,
            nodes=[convert(row) for row in page.rows],
            page_info=relay.PageInfo(
                has_next_page=page.has_next,
                has_previous_page=request.after is not None,
                start_cursor=cursors[0] if cursors else None,
                end_cursor=cursors[-1] if cursors else None,
            ),
            total_count=page.total_count,
        )


def cut[Row](rows: Sequence[Row], request: PageRequest, key: Callable[[Row], str]) -> Page[Row]:
    """A page of rows that are already here because one query read them for many parents; sorted by ``key``."""
    ordered = sorted(rows, key=key)
    start = bisect_right(ordered, _decoded(request.after), key=key) if request.after is not None else 0
    shown = ordered[start : start + request.first]
    return Page(
        rows=shown,
        cursors=[base64.urlsafe_b64encode(key(row).encode()).decode() for row in shown],
        has_next=start + len(shown) < len(ordered),
        total_count=len(ordered),
    )


def _decoded(cursor: str) -> str:
    try:
        return base64.b64decode(cursor.encode(), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError) as error:
        raise Invalid(f"after: {cursor!r} is not a cursor of this list", path=("after",)) from error
