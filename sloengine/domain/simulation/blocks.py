"""Time is played in blocks of one week, each by itself, so that how a range is cut changes no number."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

type FloatArray = npt.NDArray[np.float64]
type IntArray = npt.NDArray[np.int64]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
BLOCK_HOURS = 168


@dataclass(frozen=True, slots=True)
class Block:
    """Week ``number`` since 1970-01-01, in slots of 1 / ``slots_per_hour`` h."""

    number: int
    slots_per_hour: int

    @property
    def first_hour(self) -> int:
        """Hours since 1970 at its start."""
        return self.number * BLOCK_HOURS

    @property
    def slots(self) -> int:
        """How many slots it has."""
        return BLOCK_HOURS * self.slots_per_hour

    @property
    def hours(self) -> FloatArray:
        """Start of each slot in hours since 1970, shape (slots,)."""
        return self.first_hour + np.arange(self.slots) / self.slots_per_hour


def blocks_of(from_hour: int, to_hour: int, slots_per_hour: int) -> tuple[Block, ...]:
    """The blocks that [from_hour, to_hour) touches."""
    if to_hour <= from_hour:
        raise ValueError("the range must have at least one hour")
    return tuple(
        Block(number, slots_per_hour) for number in range(from_hour // BLOCK_HOURS, -(-to_hour // BLOCK_HOURS))
    )


def hour_of(at: datetime) -> int:
    """Whole hours since 1970.

    >>> hour_of(datetime(1970, 1, 2, 1, 59, tzinfo=UTC))
    25
    """
    return int((at - EPOCH) // timedelta(hours=1))


def time_of(hour: int) -> datetime:
    """The UTC time so many hours after 1970."""
    return EPOCH + timedelta(hours=hour)
