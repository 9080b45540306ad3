"""Small organisations for tests: daily panels with incidents where the test wants them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np

from sloengine.domain.recommendation.request import AvailabilityRequest
from sloengine.domain.reliability.panel import LatencyHistory, SliPanel
from sloengine.domain.reliability.window import ComplianceWindow

START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
BOUNDS = np.array([0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, np.inf])


def organization(services: int = 20, days: int = 90, *, seed: int = 0, traffic: float = 1e5) -> SliPanel:
    """Services with a few failures every day and an incident about every 40 days."""
    rng = np.random.default_rng(seed)
    valid = rng.poisson(traffic, (services, days)).astype(float)
    down = np.where(rng.random((services, days)) < 1 / 40, 0.02 * np.exp(rng.standard_normal((services, days))), 0)
    bad = rng.binomial(valid.astype(int), np.minimum(1.0, down + 3e-5)).astype(float)
    return SliPanel(tuple(f"service-{i}" for i in range(services)), START, DAY, valid - bad, valid)


def with_row(panel: SliPanel, service_id: str, bad: np.ndarray, valid: np.ndarray) -> SliPanel:
    """The panel with one service's row replaced or added."""
    names = [*dict.fromkeys([*panel.service_ids, service_id])]
    picked = panel.select(names)
    picked.good[names.index(service_id)] = valid - bad
    picked.total[names.index(service_id)] = valid
    return picked


def availability_request(panel: SliPanel, service_id: str = "service-0", **changes: object) -> AvailabilityRequest:
    """A request as of the panel's end."""
    values: dict[str, object] = {
        "service_id": service_id,
        "window": ComplianceWindow.ROLLING_28D,
        "as_of": panel.ends_at,
        "panel": panel,
        "now": panel.ends_at,
    } | changes
    return AvailabilityRequest(**values)  # type: ignore[arg-type]


def latency_history(
    days: int = 90,
    *,
    seed: int = 0,
    median_seconds: float = 0.04,
    slow_days: tuple[int, ...] = (),
    per_day: int = 4_000,
    bounds: np.ndarray = BOUNDS,
    service_id: str = "service-0",
) -> LatencyHistory:
    """Lognormal latencies whose level wobbles by 5 % a day and is six times higher on slow days."""
    rng = np.random.default_rng(seed)
    counts = np.zeros((days, len(bounds)))
    for day in range(days):
        level = median_seconds * np.exp(0.05 * rng.standard_normal()) * (6.0 if day in slow_days else 1.0)
        seconds = level * np.exp(0.6 * rng.standard_normal(per_day))
        counts[day] = np.bincount(np.searchsorted(bounds, seconds), minlength=len(bounds))
    return LatencyHistory(service_id, START, bounds, counts)
