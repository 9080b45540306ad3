"""Rows in portions that a server takes at once: bounded by their number and by their size."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

#: A statement holds its parameters, what it writes and its log entry in the server's memory at the same time.
PORTION_BYTES = 4 * 2**20
PORTION_ROWS = 200


def in_portions[Row](
    rows: Sequence[Row],
    size_of: Callable[[Row], int],
    *,
    most_bytes: int = PORTION_BYTES,
    most_rows: int = PORTION_ROWS,
) -> Iterator[list[Row]]:
    """The rows in their order; a row that alone is larger than a portion makes one.

    ``size_of``: bytes of a row.

    >>> list(in_portions(["aa", "b", "cccc", "d"], len, most_bytes=3, most_rows=2))
    [['aa', 'b'], ['cccc'], ['d']]
    """
    portion: list[Row] = []
    size = 0
    for row in rows:
        adds = size_of(row)
        if portion and (size + adds > most_bytes or len(portion) == most_rows):
            yield portion
            portion, size = [], 0
        portion.append(row)
        size += adds
    if portion:
        yield portion
