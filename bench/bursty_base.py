"""Are targets kept where the failures outside incidents come in bursts? Simulated with known truth.

    python -m bench.bursty_base [--organizations 24] [--first-seed 0] [--sizes 1 3 10]

Thirty services an organisation with 300 to 30,000 requests a day and no outages: failures come in bursts (Poisson,
sizes geometric), one in 12,500 requests in the middle. Each service in turn is known for 7, 30 or 90 days, the
others for 180. Printed per mean size of a burst, history and traffic: P(met) less the share of 1,000 windows to
come that the target holds in, in points with its standard error, for Conservative, Balanced and Aggressive; what
is above 0 is promised too much. Some 90 s of CPU.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

from sloengine.domain.recommendation.model import Recommendation
from sloengine.domain.recommendation.organization_prior import learn_prior
from sloengine.domain.recommendation.recommend_availability import recommend_availability
from sloengine.domain.recommendation.request import AvailabilityRequest
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.reliability.panel import SliPanel
from sloengine.domain.reliability.window import ComplianceWindow

type Floats = npt.NDArray[np.float64]

START, DAY = datetime(2026, 1, 1, tzinfo=UTC), timedelta(days=1)
TRAFFIC = (300.0, 1_000.0, 3_000.0, 10_000.0, 30_000.0)
BURSTS, HISTORIES = (1.0, 3.0, 10.0), (7, 30, 90)
SERVICES, PAST, HORIZON, WINDOWS = 30, 180, 28, 1_000


def burst_failures(rng: np.random.Generator, expected: Floats, size: float, shape: tuple[int, int]) -> Floats:
    """Failures of so many in the mean, in bursts of geometric sizes.

    >>> many = burst_failures(np.random.default_rng(1), np.array([[30.0]]), 3.0, (1, 20_000))
    >>> round(float(many.mean())), round(float(many.var() / many.mean()))
    (30, 5)
    """
    bursts = rng.poisson(expected / size, shape)
    if size <= 1.0:
        return bursts.astype(np.float64)
    more = rng.negative_binomial(np.maximum(bursts, 1), 1.0 / size)
    return np.asarray(bursts + np.where(bursts > 0, more, 0), dtype=np.float64)


def promised_less_held(seed: int, size: float, days: int, settings: EngineSettings) -> dict[float, list[Floats]]:
    """P(met) less hold of every tier, NaN where there is no target, by the daily traffic of the service asked."""
    rng = np.random.default_rng([seed, int(size)])
    traffic = np.repeat(np.array(TRAFFIC), SERVICES // len(TRAFFIC))
    expected = (traffic * 8e-5 * np.exp(rng.standard_normal(SERVICES)))[:, None]
    valid = np.repeat(traffic[:, None], PAST, axis=1)
    bad = np.minimum(burst_failures(rng, expected, size, (SERVICES, PAST)), valid)
    coming = burst_failures(rng, HORIZON * expected, size, (SERVICES, WINDOWS)) / (HORIZON * traffic[:, None])
    names = tuple(f"service-{row}" for row in range(SERVICES))
    found: dict[float, list[Floats]] = defaultdict(list)
    for row in range(seed % 2, SERVICES, 2):
        total, good = valid.copy(), valid - bad
        total[row, : PAST - days], good[row, : PAST - days] = np.nan, np.nan
        panel = SliPanel(names, START, DAY, good, total)
        as_of = panel.ends_at
        request = AvailabilityRequest(names[row], ComplianceWindow.ROLLING_28D, as_of, panel, as_of)
        answer = recommend_availability(request, learn_prior(panel, as_of=as_of), settings)
        if isinstance(answer, Recommendation):
            over = np.full(len(answer.tiers), np.nan)
            for place, tier in enumerate(answer.tiers):
                for target in tier.targets:
                    budget = 1.0 - (target.availability_ratio or 0.0)
                    over[place] = target.probability_met - (coming[row] <= budget + 1e-12).mean()
            found[float(traffic[row])].append(over)
    return found


def main() -> None:
    """Draw, recommend, count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--organizations", type=int, default=24)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--sizes", type=float, nargs="+", default=BURSTS, help="mean failures of a burst")
    asked = parser.parse_args()
    settings = EngineSettings(n_draws=1_000)
    for size in asked.sizes:
        for days in HISTORIES:
            every: dict[float, list[Floats]] = defaultdict(list)
            for seed in range(asked.first_seed, asked.first_seed + asked.organizations):
                for traffic, over in promised_less_held(seed, size, days, settings).items():
                    every[traffic] += over
            for traffic, rows in sorted(every.items()):
                points = 100.0 * np.array(rows)
                error = np.nanstd(points, axis=0) / np.sqrt(len(points))
                cells = zip(np.nanmean(points, axis=0), error, strict=True)
                said = " / ".join(f"{over:+.1f} ± {about:.1f}" for over, about in cells)
                print(f"bursts of {size:g}, {days} d, {traffic:,.0f} a day: {said}", flush=True)


if __name__ == "__main__":
    main()
