"""Organisations with known truth, and an oracle that knows it: independent of the estimator's formulas.

Outages are drawn as spans of time with a failed share, laid over days, and requests are drawn from them; nothing
of the engine is used. Parameters follow the trial that the choice of estimator rests on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

type Floats = npt.NDArray[np.float64]
HORIZON = 28
ZONES = 3


@dataclass(frozen=True)
class World:
    """How an organisation is drawn; factors of 1 are the usual world.

    ``kind_log_sd``: spread of the logarithm of the incident rate between its four kinds of services.
    """

    services: int = 50
    rate_factor: float = 1.0
    severity_factor: float = 1.0
    zone_every_days: float = 60.0
    kind_log_sd: float = 0.4


@dataclass(frozen=True)
class Organization:
    """Daily requests and failures up to the as-of day and over the horizon, with the truth behind them."""

    valid: Floats  # (services, days + horizon)
    bad: Floats
    days: int
    rate: Floats  # at as-of, per day
    severity: Floats  # service factor
    base: Floats  # at as-of
    zone: npt.NDArray[np.int64]
    traffic: Floats
    shift_hazard: float
    world: World
    kind: npt.NDArray[np.int64]
    horizon: int = HORIZON

    def truth(self) -> Floats:
        """Unavailability of the window after as-of, shape (services,)."""
        ahead = slice(self.days, self.days + self.horizon)
        return np.asarray(self.bad[:, ahead].sum(1) / self.valid[:, ahead].sum(1))


def sizes(rng: np.random.Generator, n: int) -> Floats:
    """Sizes of incidents in days of full outage before the service's own factor."""
    size = 0.008 * np.exp(rng.standard_normal(n))
    heavy = rng.random(n) < 0.1
    return np.where(heavy, size * (1 + rng.pareto(1.5, n)), size)


def _lay(down: Floats, start: float, size: float, rng: np.random.Generator) -> None:
    """Spread one incident over the days it touches: a span of time and a failed share of it."""
    span = max(size, 0.04 * float(np.exp(rng.standard_normal())))
    share = min(1.0, size / span)
    day, left = int(start), span
    at = start
    while left > 0 and day < len(down):
        inside = min(left, day + 1 - at)
        down[day] = min(1.0, down[day] + share * inside)
        left -= inside
        day += 1
        at = float(day)


def draw(rng: np.random.Generator, days: int, world: World, horizon: int = HORIZON) -> Organization:
    """Draw one organisation with ``days`` of history and a window of ``horizon`` days to come."""
    n, length = world.services, days + horizon
    spread = rng.uniform(0.6, 1.3)
    of_kind = rng.normal(0, world.kind_log_sd, 4)
    kind = rng.integers(0, 4, n)
    middle = np.log(world.rate_factor / 40) + rng.normal(0, 0.5)
    rate = np.minimum(0.5, np.exp(middle + of_kind[kind] + spread * rng.standard_normal(n)))
    severity = world.severity_factor * np.exp(0.6 * rng.standard_normal(n))
    base = 2e-5 * np.exp(rng.standard_normal(n))
    zone = rng.integers(0, ZONES, n)
    low = rng.random(n) < 0.2
    traffic = np.exp(np.where(low, rng.uniform(np.log(30), np.log(1000), n), rng.normal(np.log(2e5), 1.2, n)))
    hazard = 0.15 / (180 + 28)
    shift_at = np.where(rng.random(n) < hazard * length, rng.uniform(0, length, n), np.inf)
    worse = rng.random(n) < 0.5
    rate_after = np.minimum(0.9, np.where(worse, 5.0, 0.2) * rate)
    base_after = np.where(worse, 10.0, 1.0) * base
    down = np.zeros((n, length))
    for i in range(n):
        for first, last, r in (
            (0.0, min(shift_at[i], length), rate[i]),
            (min(shift_at[i], length), length, rate_after[i]),
        ):
            starts = rng.uniform(first, last, rng.poisson(r * (last - first)))
            for start, size in zip(starts, sizes(rng, len(starts)), strict=True):
                _lay(down[i], float(start), float(size * severity[i]), rng)
    for z in range(ZONES):
        starts = rng.uniform(0, length, rng.poisson(length / world.zone_every_days))
        for start, size in zip(starts, sizes(rng, len(starts)), strict=True):
            for hit in np.flatnonzero((zone == z) & (rng.random(n) < 0.7)):
                _lay(down[hit], float(start), float(size * world.severity_factor), rng)
    wobble = np.zeros((n, length))
    state = 0.4 * rng.standard_normal(n)
    for d in range(length):
        state = 0.8 * state + 0.24 * rng.standard_normal(n)
        wobble[:, d] = state
    after = np.arange(length)[None, :] >= shift_at[:, None]
    errors = np.where(after, base_after[:, None], base[:, None]) * np.exp(wobble - 0.08)
    weekday = np.where(np.arange(length) % 7 < 5, 1.1, 0.75)
    valid = np.maximum(1, rng.poisson(traffic[:, None] * weekday * np.exp(0.1 * rng.standard_normal((n, length)))))
    bad = rng.binomial(valid, np.minimum(1.0, down + errors))
    shifted = shift_at < days
    return Organization(
        valid.astype(float),
        bad.astype(float),
        days,
        np.where(shifted, rate_after, rate),
        severity,
        np.where(shifted, base_after, base),
        zone,
        traffic,
        hazard,
        world,
        kind,
        horizon,
    )


def oracle_draws(rng: np.random.Generator, org: Organization, n_draws: int = 600) -> Floats:
    """Windows drawn from the true parameters at as-of, shape (services, n_draws); coming shifts included."""
    n, horizon = len(org.rate), org.horizon
    shift_share = np.where(rng.random((n, n_draws)) < org.shift_hazard * horizon, rng.random((n, n_draws)), 0.0)
    worse = rng.random((n, n_draws)) < 0.5
    rate = org.rate[:, None] * (1 - shift_share + shift_share * np.where(worse, 5.0, 0.2))
    base = org.base[:, None] * (1 - shift_share + shift_share * np.where(worse, 10.0, 1.0))
    base = base * np.exp(0.13 * rng.standard_normal((n, n_draws)))
    own = rng.poisson(rate * horizon)
    shared = rng.poisson(0.7 * horizon / org.world.zone_every_days, (n, n_draws))
    total = np.zeros((n, n_draws))
    for count, factor in ((own, org.severity[:, None]), (shared, np.full((n, 1), org.world.severity_factor))):
        cell = np.repeat(np.arange(n * n_draws), count.ravel())
        sums = np.bincount(cell, weights=sizes(rng, len(cell)), minlength=n * n_draws).reshape(n, n_draws)
        total += sums * factor
    requests = org.traffic[:, None] * horizon
    mean = np.minimum(1.0, base + total / horizon) * requests
    return np.asarray(rng.poisson(mean) / requests)
