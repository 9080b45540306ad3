"""Read what services did. Every role may."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sloengine.domain.recommendation.model import SliType


class SliWindow(StrEnum):
    """Look-back of an SLI, ending at the newest aggregated hour."""

    LAST_1H = "LAST_1H"
    LAST_1D = "LAST_1D"
    LAST_7D = "LAST_7D"
    LAST_28D = "LAST_28D"
    LAST_90D = "LAST_90D"


class SliStep(StrEnum):
    """Step of a series."""

    HOUR = "HOUR"
    DAY = "DAY"


@dataclass(frozen=True, slots=True)
class SliValue:
    """Sums over a window. ``completeness``: intervals with data over all of them, in [0, 1]."""

    from_at: datetime
    to_at: datetime
    completeness: float
    good: float | None = None
    total: float | None = None
    ratio: float | None = None
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None


@dataclass(frozen=True, slots=True)
class SliPoint:
    """One interval; None is *no data*."""

    at: datetime
    good: float | None = None
    total: float | None = None
    ratio: float | None = None
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None


@dataclass(frozen=True, slots=True)
class ReadSli:
    """Sums of stored good and valid events and of histogram counts; ratios and percentiles are never averaged."""

    async def sli(
        self, service_ids: Sequence[str], sli_type: SliType, window: SliWindow
    ) -> Mapping[str, SliValue]:
        """Value over the window; services without any data are absent."""
        raise NotImplementedError

    async def series(
        self, service_id: str, sli_type: SliType, from_at: datetime, to_at: datetime, step: SliStep
    ) -> Sequence[SliPoint]:
        """Points oldest first; latency has daily points only. Raises ``Invalid`` above 5,000 points."""
        raise NotImplementedError

    async def series_of(
        self, service_ids: Sequence[str], sli_type: SliType, from_at: datetime, to_at: datetime, step: SliStep
    ) -> Mapping[str, Sequence[SliPoint]]:
        """The same for several services, in one query; every service has an entry."""
        raise NotImplementedError
