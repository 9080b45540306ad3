"""Do latency targets hold what they promise? Simulated organisations with slow spells nobody told the engine of.

python -m bench.latency_trial --organizations 40 --days 14 30 90
"""

from __future__ import annotations

import argparse
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from sloengine.domain.recommendation.latency_days import percentile_seconds
from sloengine.domain.recommendation.latency_prior import learn_latency_prior
from sloengine.domain.recommendation.model import ObjectiveKind, Recommendation, TierName
from sloengine.domain.recommendation.recommend_latency import latency_draws, recommend_latency
from sloengine.domain.recommendation.request import LatencyRequest
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.reliability.panel import LatencyHistory
from sloengine.domain.reliability.window import ComplianceWindow

type Floats = npt.NDArray[np.float64]

START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
FINE: Floats = np.r_[np.exp(np.linspace(np.log(0.002), np.log(60), 90)), np.inf]
OTEL: Floats = np.array([0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, np.inf])
KINDS = (ObjectiveKind.LATENCY_P95, ObjectiveKind.LATENCY_P99)
SHARE = {ObjectiveKind.LATENCY_P95: 0.95, ObjectiveKind.LATENCY_P99: 0.99}


@dataclass(frozen=True)
class LatencyTrial:
    """Per service, kind and tier; shape (services, 2, 3), NaN where there is no target.

    ``excess``: threshold over what would have been needed. ``levels``: share of the model's draws not above what
    came, shape (services, 2).
    """

    held: Floats
    promised: Floats
    excess: Floats
    levels: Floats


def histograms(rng: np.random.Generator, days: int, services: int, bounds: Floats) -> Floats:
    """Requests per service, day and bucket: a level that wanders, and slow spells of hours to days."""
    counts = np.zeros((services, days, len(bounds)))
    hours = days * 24
    for i in range(services):
        median, sigma = 0.05 * np.exp(0.9 * rng.standard_normal()), rng.uniform(0.4, 0.8)
        rate = np.exp(0.9 * rng.standard_normal()) / 45.0
        level, wander = np.zeros(days), 0.0
        for d in range(days):
            wander = 0.95 * wander + 0.02 * rng.standard_normal()
            level[d] = wander + 0.03 * rng.standard_normal()
        slow = np.ones(hours)
        for start in rng.uniform(0, hours, rng.poisson(rate * days)):
            span = 3.0 * np.exp(1.2 * rng.standard_normal())
            factor = 1.5 + 4 * rng.exponential()
            slow[int(start) : int(start + span) + 1] *= factor
        per_hour = np.exp(rng.normal(np.log(2_000), 1.0))
        middle = np.log(median) + np.repeat(level, 24) + np.log(slow)
        # Exact shares per bucket of a lognormal, then counts.
        with np.errstate(divide="ignore"):
            cumulative = ndtr((np.log(bounds)[None, :] - middle[:, None]) / sigma)
        shares = np.diff(np.c_[np.zeros(hours), cumulative], axis=1)
        hourly = rng.multinomial(rng.poisson(per_hour, hours), shares / shares.sum(axis=1, keepdims=True))
        counts[i] = hourly.reshape(days, 24, -1).sum(axis=1)
    return counts


def run_trial(
    seed: int,
    days: int,
    *,
    services: int = 30,
    fine: bool = True,
    window: ComplianceWindow = ComplianceWindow.ROLLING_28D,
    settings: EngineSettings | None = None,
) -> LatencyTrial:
    """Draw an organisation, recommend, and judge by the window that came."""
    rng = np.random.default_rng([seed, days])
    bounds, settings = (FINE if fine else OTEL), settings or EngineSettings()
    counts = histograms(rng, days + window.length // DAY, services, bounds)
    names = [f"service-{i}" for i in range(services)]
    histories = {name: LatencyHistory(name, START, bounds, counts[i, :days]) for i, name in enumerate(names)}
    as_of = START + DAY * days
    prior = learn_latency_prior(histories, as_of=as_of)
    held, promised, excess = (np.full((services, 2, 3), np.nan) for _ in range(3))
    levels = np.full((services, 2), np.nan)
    for i, name in enumerate(names):
        result = recommend_latency(LatencyRequest(name, window, as_of, histories[name], as_of), prior, settings)
        if not isinstance(result, Recommendation):
            continue
        ahead = counts[i, days:].sum(axis=0)
        cumulative = np.cumsum(ahead) / ahead.sum()
        request = LatencyRequest(name, window, as_of, histories[name], as_of)
        for k, (kind, draws) in enumerate((latency_draws(request, prior, settings) or {}).items()):
            came = percentile_seconds(ahead[None, :], bounds, SHARE[kind])[0] * 1000
            levels[i, k] = float((draws <= came).mean())
        for t, tier_name in enumerate(TierName):
            for target in result.tier(tier_name).targets:
                k = KINDS.index(target.kind)
                threshold = target.threshold_ms or np.nan
                bucket = int(np.argmin(np.abs(bounds[:-1] * 1000 - threshold)))
                held[i, k, t] = cumulative[bucket] >= SHARE[target.kind] - 1e-12
                promised[i, k, t] = target.probability_met
                needed = int(np.argmax(cumulative >= SHARE[target.kind]))
                excess[i, k, t] = threshold / (bounds[needed] * 1000)
    return LatencyTrial(held, promised, excess, levels)


def report(label: str, trials: list[LatencyTrial]) -> None:
    """Print promise, what held, and how far thresholds lie above what was needed."""
    print(f"{label}: {len(trials)} organisations")
    for k, kind in enumerate(KINDS):
        for t, name in enumerate(TierName):
            over = [100 * float(np.nanmean(x.promised[:, k, t] - x.held[:, k, t])) for x in trials]
            hold = 100 * float(np.nanmean(np.concatenate([x.held[:, k, t] for x in trials])))
            excess = float(np.nanmedian(np.concatenate([x.excess[:, k, t] for x in trials])))
            error = float(np.std(over, ddof=1) / np.sqrt(len(over)))
            print(
                f"  {kind[-3:]} {name:<12} hold {hold:5.1f}  P(met)-hold {np.mean(over):+.1f} +- {2 * error:.1f}"
                f"  threshold over needed x{excess:.2f}"
            )


def _job(arguments: tuple[int, int, bool]) -> LatencyTrial:
    seed, days, fine = arguments
    return run_trial(seed, days, fine=fine)


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--organizations", type=int, default=20)
    parser.add_argument("--days", type=int, nargs="+", default=[14, 30, 90])
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args()
    for fine in (True, False):
        for days in asked.days:
            with ProcessPoolExecutor(asked.workers) as pool:
                trials = list(pool.map(_job, [(seed, days, fine) for seed in range(asked.organizations)]))
            report(f"{days} days, {'fine buckets' if fine else 'OTel buckets'}", trials)


if __name__ == "__main__":
    main()
