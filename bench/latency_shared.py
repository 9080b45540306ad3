"""Do latency targets hold where slow spells are shared by a platform or a zone? Beside an oracle.

python -m bench.latency_shared --organizations 24 --days 14 30 90

Thirty services, each with slow spells of its own (one in about 70 days) and three zones and one platform whose
slow spells (one in 90 days each) reach all that is in them, three services in four, by the same hours and about
as far. The same organisation is played on from its as-of day many times, with fresh random numbers. A target's
hold rate is the share of these futures in which it is met; the oracle knows all but the random numbers: its
targets are those bucket bounds that held in three quarters of the futures as often as the tier asks, judged on
the rest. Intervals are 95 % and count whole organisations.
"""

from __future__ import annotations

import argparse
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from bench.latency_trial import DAY, FINE, KINDS, SHARE, START
from sloengine.cli.accuracy_text import spread_text
from sloengine.domain.accuracy.clustered import clustered_mean
from sloengine.domain.recommendation.latency_prior import learn_latency_prior
from sloengine.domain.recommendation.model import Recommendation, TierName
from sloengine.domain.recommendation.recommend_latency import recommend_latency
from sloengine.domain.recommendation.request import LatencyRequest
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.reliability.panel import LatencyHistory
from sloengine.domain.reliability.window import ComplianceWindow

type Floats = npt.NDArray[np.float64]

TIERS = tuple(TierName)
SERVICES, ZONES, HORIZON = 30, 3, 28
OWN_DAYS, SHARED_DAYS, REACHED = 70.0, 90.0, 0.75
_FOLDS = 4
_HOURS = 24


@dataclass(frozen=True)
class SlowOrganization:
    """What does not change: a service's usual time, spread, traffic, how often it is slow, and its zone."""

    log_median: Floats
    sigma: Floats
    per_hour: Floats
    own_rate: Floats
    zone: npt.NDArray[np.int64]

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> SlowOrganization:
        """One of them."""
        n = SERVICES
        return cls(
            log_median=np.log(0.05) + 0.9 * rng.standard_normal(n),
            sigma=rng.uniform(0.4, 0.8, n),
            per_hour=np.exp(rng.normal(np.log(2_000), 1.0, n)),
            own_rate=np.exp(0.9 * rng.standard_normal(n)) / OWN_DAYS,
            zone=rng.integers(0, ZONES, n),
        )

    def slow(self, days: int, rng: np.random.Generator, *, shared: bool) -> Floats:
        """By how much everything takes longer, shape (services, hours)."""
        factors = np.ones((SERVICES, days * _HOURS))
        for service in range(SERVICES):
            for _ in range(rng.poisson(self.own_rate[service] * days)):
                self._spell(factors, np.array([service]), 4.0, rng)
        for place in range(ZONES + 1) if shared else ():
            inside = np.arange(SERVICES) if place == ZONES else np.flatnonzero(self.zone == place)
            for _ in range(rng.poisson(days / SHARED_DAYS)):
                self._spell(factors, inside[rng.random(len(inside)) < REACHED], 8.0, rng)
        return factors

    @staticmethod
    def _spell(factors: Floats, services: npt.NDArray[np.int64], size: float, rng: np.random.Generator) -> None:
        start = int(rng.uniform(0, factors.shape[1]))
        span = int(3.0 * np.exp(1.2 * rng.standard_normal())) + 1
        factor = 1.5 + size * rng.exponential()
        for service in services:
            factors[service, start : start + span] *= 1 + (factor - 1) * np.exp(0.3 * rng.standard_normal())

    def wander(self, days: int, last: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Level of each day, shape (services, days), and where the slow part of it ends."""
        levels = np.zeros((SERVICES, days))
        for day in range(days):
            last = 0.95 * last + 0.02 * rng.standard_normal(SERVICES)
            levels[:, day] = last + 0.03 * rng.standard_normal(SERVICES)
        return levels, last

    def expected(self, service: int, levels: Floats, slow: Floats) -> Floats:
        """Requests by hour and bucket."""
        middle = self.log_median[service] + np.repeat(levels[service], _HOURS) + np.log(slow[service])
        with np.errstate(divide="ignore"):
            below = ndtr((np.log(FINE)[None, :] - middle[:, None]) / self.sigma[service])
        return np.asarray(self.per_hour[service] * np.diff(below, axis=1, prepend=0.0))


@dataclass(frozen=True)
class Judged:
    """Per service, percentile and tier; NaN where there is no target. ``price``: threshold over the oracle's."""

    promised: Floats
    held: Floats
    oracle_held: Floats
    price: Floats


def judge(seed: int, days: int, futures: int, *, shared: bool = True) -> Judged:
    """Draw an organisation, recommend, and look at what may come."""
    rng = np.random.default_rng([seed, days, shared])
    organization = SlowOrganization.drawn(rng)
    levels, last = organization.wander(days, np.zeros(SERVICES), rng)
    slow = organization.slow(days, rng, shared=shared)
    names = [f"service-{i}" for i in range(SERVICES)]
    histories = {}
    for i, name in enumerate(names):
        hourly = rng.poisson(organization.expected(i, levels, slow))
        counts = hourly.reshape(days, _HOURS, -1).sum(axis=1).astype(np.float64)
        histories[name] = LatencyHistory(name, START, FINE, counts)
    below = np.zeros((SERVICES, futures, len(FINE)))
    for future in range(futures):
        ahead, _ = organization.wander(HORIZON, last, rng)
        factors = organization.slow(HORIZON, rng, shared=shared)
        for i in range(SERVICES):
            total = np.cumsum(organization.expected(i, ahead, factors).sum(axis=0))
            below[i, future] = total / total[-1]
    return _judged(names, histories, days, below)


def _judged(names: list[str], histories: dict[str, LatencyHistory], days: int, below: Floats) -> Judged:
    as_of, settings = START + DAY * days, EngineSettings()
    prior = learn_latency_prior(histories, as_of=as_of)
    promised, held, oracle_held, price = (np.full((len(names), len(KINDS), 3), np.nan) for _ in range(4))
    fold = np.arange(below.shape[1]) % _FOLDS
    for i, name in enumerate(names):
        request = LatencyRequest(name, ComplianceWindow.ROLLING_28D, as_of, histories[name], as_of)
        answer = recommend_latency(request, prior, settings)
        if not isinstance(answer, Recommendation):
            continue
        for t, tier in enumerate(TIERS):
            for target in answer.tier(tier).targets:
                k = KINDS.index(target.kind)
                met = below[i] >= SHARE[target.kind] - 1e-12  # (futures, bounds), never falls with the bound
                at = int(np.argmin(np.abs(FINE[:-1] * 1000 - (target.threshold_ms or np.nan))))
                nominal = settings.nominal_probability[tier]
                crossed = [
                    float(met[fold == one, _least(met[fold != one], nominal)].mean()) for one in range(_FOLDS)
                ]
                promised[i, k, t], held[i, k, t] = target.probability_met, met[:, at].mean()
                oracle_held[i, k, t] = np.mean(crossed)
                price[i, k, t] = FINE[at] / FINE[_least(met, nominal)]
    return Judged(promised, held, oracle_held, price)


def _least(met: npt.NDArray[np.bool_], nominal: float) -> int:
    """The lowest bound that is met as often as that; the last one always is."""
    return int(np.argmax(met.mean(axis=0) >= nominal))


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--organizations", type=int, default=24)
    parser.add_argument("--days", type=int, nargs="+", default=[14, 30, 90])
    parser.add_argument("--first-seed", type=int, default=0, help="number of the first organisation")
    parser.add_argument("--futures", type=int, default=40)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--apart", action="store_true", help="no spell is shared")
    asked = parser.parse_args()
    for days in asked.days:
        job = partial(judge, days=days, futures=asked.futures, shared=not asked.apart)
        with ProcessPoolExecutor(asked.workers) as pool:
            judged = list(pool.map(job, range(asked.first_seed, asked.first_seed + asked.organizations)))
        print(f"{days} days of history, {len(judged)} organisations, {asked.futures} futures each", flush=True)
        labels = np.repeat(np.arange(len(judged)), SERVICES)
        for k, kind in enumerate(KINDS):
            for t, tier in enumerate(TIERS):
                promised, held, oracle, price = (
                    np.concatenate([getattr(one, name)[:, k, t] for one in judged])
                    for name in ("promised", "held", "oracle_held", "price")
                )
                print(
                    f"  {kind[-3:].lower()} {tier:<12} holds {np.nanmean(held):6.1%}"
                    f"  oracle {np.nanmean(oracle):6.1%}"
                    f"  difference {spread_text(clustered_mean(held - oracle, [labels]))}"
                    f"  P(met) less held {spread_text(clustered_mean(promised - held, [labels]))}"
                    f"  threshold {np.nanmedian(price):.2f} x the oracle's",
                    flush=True,
                )


if __name__ == "__main__":
    main()
