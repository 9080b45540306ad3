"""Times on their way to and from Neo4j.

Neo4j keeps them as native ``datetime`` values, good to read in ad-hoc Cypher. Over Bolt, bulk queries carry them
as microseconds since 1970: the driver takes longer over a single datetime object than over a whole row of numbers.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_DAY = timedelta(days=1)


def microseconds(at: datetime) -> int:
    """Microseconds since 1970, exact."""
    return (at - _EPOCH) // _MICROSECOND


def instant(since_epoch: int) -> datetime:
    """The time that ``microseconds`` stands for, in UTC."""
    return _EPOCH + timedelta(microseconds=since_epoch)


def optional_instant(since_epoch: int | None) -> datetime | None:
    """As ``instant``; None stays None."""
    return None if since_epoch is None else instant(since_epoch)


def day_number(at: datetime) -> int:
    """Days since 1970 of the UTC day that this lies in."""
    return (at - _EPOCH) // _DAY


def day_start(number: int) -> datetime:
    """Midnight, UTC, at which the day of this number begins."""
    return _EPOCH + number * _DAY
