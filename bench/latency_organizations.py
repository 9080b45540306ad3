"""Organisations with slow spells of services, zones and a platform, played on from one day many times.

Each service has slow spells of its own (one in about 70 days); three zones and one platform have some too (one in
90 days each), which reach three services in four of theirs, by the same hours and about as far. A world may have
more or fewer of them, longer or shorter, farther or less far, or none that is shared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from bench.latency_trial import DAY, FINE, KINDS, SHARE, START
from sloengine.domain.recommendation.latency_days import percentile_seconds
from sloengine.domain.recommendation.latency_prior import learn_latency_prior
from sloengine.domain.recommendation.recommend_latency import latency_case
from sloengine.domain.recommendation.request import LatencyRequest
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.reliability.panel import LatencyHistory
from sloengine.domain.reliability.window import ComplianceWindow

type Floats = npt.NDArray[np.float64]

SERVICES, ZONES = 30, 3
OWN_DAYS, SHARED_DAYS, REACHED = 70.0, 90.0, 0.75
_HOURS = 24
WINDOWS = {7: ComplianceWindow.ROLLING_7D, 28: ComplianceWindow.ROLLING_28D, 30: ComplianceWindow.ROLLING_30D}


@dataclass(frozen=True)
class SlowWorld:
    """What an organisation's slow spells are like beside the usual: how often, how long, how far; shared or not.

    ``noise``: spread of the day-to-day level beside the usual. ``services``: how many it has.
    """

    rate: float = 1.0
    span: float = 1.0
    size: float = 1.0
    shared: bool = True
    noise: float = 1.0
    services: int = SERVICES

    def text(self) -> str:
        """What is unusual about it."""
        usual = SlowWorld()
        names = self.__dataclass_fields__
        said = [
            f"{name} {getattr(self, name):.3g}" for name in names if getattr(self, name) != getattr(usual, name)
        ]
        return ", ".join(said) or "as the shipped prior expects them"


USUAL = SlowWorld()
OFF_WORLDS = (
    SlowWorld(rate=3.0),
    SlowWorld(rate=1 / 3),
    SlowWorld(span=3.0),
    SlowWorld(span=1 / 3),
    SlowWorld(size=2.0),
    SlowWorld(size=0.5),
    SlowWorld(shared=False),
    SlowWorld(noise=2.0),
)


@dataclass(frozen=True)
class SlowOrganization:
    """What does not change: a service's usual time, spread, traffic, how often it is slow, and its zone."""

    world: SlowWorld
    log_median: Floats
    sigma: Floats
    per_hour: Floats
    own_rate: Floats
    zone: npt.NDArray[np.int64]

    @classmethod
    def drawn(cls, rng: np.random.Generator, world: SlowWorld) -> SlowOrganization:
        """One of them."""
        n = world.services
        return cls(
            world=world,
            log_median=np.log(0.05) + 0.9 * rng.standard_normal(n),
            sigma=rng.uniform(0.4, 0.8, n),
            per_hour=np.exp(rng.normal(np.log(2_000), 1.0, n)),
            own_rate=world.rate * np.exp(0.9 * rng.standard_normal(n)) / OWN_DAYS,
            zone=rng.integers(0, ZONES, n),
        )

    def slow(self, days: int, rng: np.random.Generator) -> Floats:
        """By how much everything takes longer, shape (services, hours)."""
        n = self.world.services
        factors = np.ones((n, days * _HOURS))
        for service in range(n):
            for _ in range(rng.poisson(self.own_rate[service] * days)):
                self._spell(factors, np.array([service]), 4.0, rng)
        for place in range(ZONES + 1) if self.world.shared else ():
            inside = np.arange(n) if place == ZONES else np.flatnonzero(self.zone == place)
            for _ in range(rng.poisson(self.world.rate * days / SHARED_DAYS)):
                self._spell(factors, inside[rng.random(len(inside)) < REACHED], 8.0, rng)
        return factors

    def _spell(
        self, factors: Floats, services: npt.NDArray[np.int64], size: float, rng: np.random.Generator
    ) -> None:
        start = int(rng.uniform(0, factors.shape[1]))
        span = int(3.0 * self.world.span * np.exp(1.2 * rng.standard_normal())) + 1
        factor = 1.5 + self.world.size * size * rng.exponential()
        for service in services:
            factors[service, start : start + span] *= 1 + (factor - 1) * np.exp(0.3 * rng.standard_normal())

    def wander(self, days: int, last: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Level of each day, shape (services, days), and where the slow part of it ends."""
        n = self.world.services
        levels = np.zeros((n, days))
        for day in range(days):
            last = 0.95 * last + 0.02 * self.world.noise * rng.standard_normal(n)
            levels[:, day] = last + 0.03 * self.world.noise * rng.standard_normal(n)
        return levels, last

    def expected(self, service: int, levels: Floats, slow: Floats, bounds: Floats = FINE) -> Floats:
        """Requests by day and bucket."""
        days = len(levels[service])
        share = np.zeros((days, len(bounds)))
        usual = _below(self.log_median[service] + levels[service], self.sigma[service], bounds)
        hours = slow[service].reshape(days, _HOURS)
        share += (hours == 1.0).sum(axis=1)[:, None] * usual
        day, hour = np.nonzero(hours != 1.0)
        middle = self.log_median[service] + levels[service][day] + np.log(hours[day, hour])
        np.add.at(share, day, _below(middle, self.sigma[service], bounds))
        return np.asarray(self.per_hour[service] * np.diff(share, axis=1, prepend=0.0))


def _below(middle: Floats, sigma: float, bounds: Floats) -> Floats:
    """Share of requests not above each bound, shape (len(middle), len(bounds))."""
    with np.errstate(divide="ignore"):
        return np.asarray(ndtr((np.log(bounds)[None, :] - middle[:, None]) / sigma))


@dataclass(frozen=True)
class Played:
    """An organisation's past, and what may come of it.

    ``histories``: by service; ``ahead``: by length of the window in days, requests by bucket, shape
    (services, futures, bounds).
    """

    names: tuple[str, ...]
    histories: Mapping[str, LatencyHistory]
    days: int
    ahead: Mapping[int, Floats]


def play(
    seed: int,
    days: int,
    futures: int,
    *,
    world: SlowWorld = USUAL,
    windows: Sequence[int] = (28,),
    bounds: Floats = FINE,
) -> Played:
    """Draw an organisation with so many days of history and play it on, each time with fresh random numbers."""
    rng = np.random.default_rng([seed, days])
    organization = SlowOrganization.drawn(rng, world)
    levels, last = organization.wander(days, np.zeros(world.services), rng)
    slow = organization.slow(days, rng)
    names = tuple(f"service-{i}" for i in range(world.services))
    histories = {}
    for i, name in enumerate(names):
        counts = rng.poisson(organization.expected(i, levels, slow, bounds)).astype(np.float64)
        histories[name] = LatencyHistory(name, START, bounds, counts)
    longest = max(windows)
    ahead = {length: np.zeros((world.services, futures, len(bounds))) for length in windows}
    for future in range(futures):
        coming, _ = organization.wander(longest, last, rng)
        factors = organization.slow(longest, rng)
        for i in range(world.services):
            daily = organization.expected(i, coming, factors, bounds)
            for length in windows:
                ahead[length][i, future] = daily[:length].sum(axis=0)
    return Played(names, histories, days, ahead)


def levels_of(played: Played, length: int, settings: EngineSettings) -> tuple[Floats, Floats, Floats]:
    """Where outcomes lay in what the model says, shape (services, percentiles, futures); the share of its draws
    not above each bound, shape (services, percentiles, bounds); slow spells a day as it believes them to come
    and the same in spells of usual length, shape (services, 2). NaN where it says nothing.
    """
    as_of = START + DAY * played.days
    prior = learn_latency_prior(played.histories, as_of=as_of)
    bounds = next(iter(played.histories.values())).bounds_seconds
    futures = played.ahead[length].shape[1]
    levels = np.full((len(played.names), len(KINDS), futures), np.nan)
    shares = np.full((len(played.names), len(KINDS), len(bounds)), np.nan)
    rates = np.full((len(played.names), 2), np.nan)
    for i, name in enumerate(played.names):
        request = LatencyRequest(name, WINDOWS[length], as_of, played.histories[name], as_of)
        case = latency_case(request, prior, settings)
        if case is None:
            continue
        rates[i] = case.predictive.facts.rate_per_day, case.predictive.spells_per_day
        for k, kind in enumerate(KINDS):
            draws = case.draws_ms(kind)
            came = percentile_seconds(played.ahead[length][i], bounds, SHARE[kind]) * 1000
            ordered = np.sort(draws)
            levels[i, k] = np.searchsorted(ordered, came, side="right") / len(ordered)
            shares[i, k] = np.searchsorted(ordered, bounds * 1000 * (1 + 1e-9), side="right") / len(ordered)
    return levels, shares, rates
