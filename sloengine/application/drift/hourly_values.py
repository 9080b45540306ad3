"""The hourly series of many services, read with few queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from sloengine.application.ports.drift_store import SeriesKey
from sloengine.application.ports.sli_history import SliHistory
from sloengine.domain.drift.model import HourlySeries, start_of
from sloengine.domain.drift.values import FEWEST_REQUESTS_P95, FEWEST_REQUESTS_P99, log_latencies
from sloengine.domain.recommendation.model import ObjectiveKind
from sloengine.domain.reliability.panel import FloatArray, SliPanel

_HOUR = timedelta(hours=1)
_LATENCY_NOISE = 0.01
"""A latency that moves by a hundredth has not moved."""


@dataclass(frozen=True, slots=True)
class HourlyValues:
    """Availability, p95 and p99 of services by the hour; a series without any value is left out."""

    history: SliHistory

    async def __call__(
        self, service_ids: Sequence[str], first_hour: int, end_hour: int
    ) -> Mapping[SeriesKey, HourlySeries]:
        """The hours in [first_hour, end_hour), counted from 1970 UTC."""
        found = await self._availability(service_ids, first_hour, end_hour)
        hours = await self.history.read_latency_hours(service_ids, start_of(first_hour), start_of(end_hour))
        kinds = (
            (ObjectiveKind.LATENCY_P95, hours.p95_ms, FEWEST_REQUESTS_P95),
            (ObjectiveKind.LATENCY_P99, hours.p99_ms, FEWEST_REQUESTS_P99),
        )
        for kind, percentile, fewest in kinds:
            values = log_latencies(percentile, hours.requests, fewest)
            for row in np.flatnonzero(~np.isnan(values).all(axis=1)):
                series = HourlySeries(first_hour, values[row], None, _LATENCY_NOISE)
                found[hours.service_ids[row], kind] = series
        return found

    async def _availability(
        self, service_ids: Sequence[str], first_hour: int, end_hour: int
    ) -> dict[SeriesKey, HourlySeries]:
        panel = await self.history.read(service_ids, start_of(first_hour), start_of(end_hour))
        if panel.step > _HOUR or _HOUR % panel.step:
            # One service with coarser values makes the whole panel coarse: it is found by halving.
            if len(service_ids) <= 1:
                return {}
            half = len(service_ids) // 2
            first = await self._availability(service_ids[:half], first_hour, end_hour)
            return {**first, **await self._availability(service_ids[half:], first_hour, end_hour)}
        bad, total = _by_hour(panel, panel.bad), _by_hour(panel, panel.total)
        known = (total > 0).any(axis=1)
        return {
            (panel.service_ids[row], ObjectiveKind.AVAILABILITY): HourlySeries(first_hour, bad[row], total[row])
            for row in np.flatnonzero(known)
        }


def _by_hour(panel: SliPanel, values: FloatArray) -> FloatArray:
    """Sums of each hour's intervals, NaN where none has data; the panel begins on the hour."""
    times = _HOUR // panel.step
    whole = values[:, : values.shape[1] // times * times].reshape(len(values), -1, times)
    summed: FloatArray = np.where(np.isnan(whole).all(axis=2), np.nan, np.nansum(whole, axis=2))
    return summed
