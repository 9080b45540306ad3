"""What is a young service best compared with? A trial on organisations with known truth, beside an oracle.

    python -m bench.cold_start_trial --organizations 24
    python -m bench.cold_start_trial --organizations 24 --kinds 0      (kinds that do not differ)
    python -m bench.cold_start_trial --organizations 24 --kinds 1      (kinds that differ much)

Each service in turn, in five folds, is known for its last 0, 3, 7 or 14 days only, while the others have 180. The
archetypes are found by the engine's own grouping from a drawn graph, in which one service in ten looks like any
other kind. ``organisation``: all other services alike; ``shipped``: no other service at all; ``nearest``: the
days of the single most similar service, resampled. Intervals resample whole organisations.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

import numpy as np
import numpy.typing as npt

from bench.calibration_organizations import HORIZON, Organization, World, draw, oracle_draws
from sloengine.application.recommendation.learn_archetypes import learn_archetypes
from sloengine.domain.recommendation.archetype_features import Features, features_of
from sloengine.domain.recommendation.archetypes import Archetypes
from sloengine.domain.recommendation.organization_prior import OrganizationPrior, learn_prior
from sloengine.domain.recommendation.predictive import predict
from sloengine.domain.reliability.daily import daily_sums
from sloengine.domain.reliability.panel import SliPanel
from sloengine.domain.topology.dependency import Dependency, DependencyMode
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.topology.service import Criticality, Service
from sloengine.infrastructure.learning.archetype_groups import SilhouetteGroups

type Floats = npt.NDArray[np.float64]

START, DAY = datetime(2026, 1, 1, tzinfo=UTC), timedelta(days=1)
HISTORY_DAYS, FOLDS, DRAWS = 180, 5, 2_048
LEVELS = (0.98, 0.92, 0.80)
VARIANTS = ("archetypes", "organisation", "shipped", "nearest")
YOUNG_DAYS = (0, 3, 7, 14)
_ODD_ONES = 0.1
_CRITICALITY = (Criticality.CRITICAL, Criticality.HIGH, Criticality.MEDIUM, Criticality.LOW)


@dataclass(frozen=True)
class Trial:
    """One organisation: quantiles per variant (the oracle last), shape (services, variants + 1, levels).

    ``truth``: unavailability of the window that came, shape (services,); ``share``: of the prior that is the
    archetype's own, by days known; ``found``: archetypes in each fold.
    """

    quantiles: Mapping[int, Floats]
    truth: Floats
    share: Mapping[int, Floats]
    found: Floats


def graph_of(org: Organization, rng: np.random.Generator) -> DependencyGraph:
    """Entry points that call gRPC services, which call data stores and send messages to consumers."""
    n = len(org.kind)
    looks = np.where(rng.random(n) < _ODD_ONES, rng.integers(0, 4, n), org.kind)
    names = [f"service-{i}" for i in range(n)]
    services = tuple(
        Service(name, criticality=_CRITICALITY[int(min(3, max(0, look + rng.integers(-1, 2))))])
        for name, look in zip(names, looks, strict=True)
    )
    edges: dict[tuple[str, str], Dependency] = {}

    def call(callers: int, dependencies: int, protocol: str, mode: DependencyMode = DependencyMode.SYNC) -> None:
        ones, others = np.flatnonzero(looks == callers), np.flatnonzero(looks == dependencies)
        for one in ones if len(others) else ():
            for other in rng.choice(others, min(len(others), int(rng.integers(2, 6))), replace=False):
                pair = names[one], names[other]
                edges[pair] = Dependency(*pair, protocol=protocol, mode=mode)

    call(0, 1, "grpc")
    call(1, 2, "postgresql")
    call(1, 3, "kafka", DependencyMode.ASYNC)
    return DependencyGraph(services, tuple(edges.values()))


def run_trial(seed: int, kinds: float, services: int) -> Trial:
    """Draw an organisation and ask every variant about each of its services as if it were young."""
    rng = np.random.default_rng([seed, 77])
    org = draw(rng, HISTORY_DAYS, World(services=services, kind_log_sd=kinds))
    oracle, graph = oracle_draws(rng, org, DRAWS), graph_of(org, rng)
    fold = rng.permutation(services) % FOLDS
    quantiles = {days: np.zeros((services, len(VARIANTS) + 1, len(LEVELS))) for days in YOUNG_DAYS}
    share, found = {days: np.zeros(services) for days in YOUNG_DAYS}, np.zeros(FOLDS)
    for part in range(FOLDS):
        young = fold == part
        for days in YOUNG_DAYS:
            panel, bad, valid = _panel(org, young, days)
            as_of = panel.ends_at
            learnt = learn_archetypes(graph, panel, {}, SilhouetteGroups(), as_of=as_of)
            plain = learn_prior(panel, as_of=as_of)
            priors = (plain.with_archetypes(learnt), plain, OrganizationPrior.shipped())
            found[part] = len(learnt)
            traffic = dict(zip(panel.service_ids, np.nanmean(valid, axis=1), strict=True)) if days else {}
            features = features_of(graph, {name: float(value) for name, value in traffic.items()})
            history = daily_sums(panel, as_of=as_of, lookback_days=90)
            for row in np.flatnonzero(young):
                name = panel.service_ids[row]
                share[days][row] = priors[0].archetype_share(name)
                drawn = [
                    predict(
                        history.row(name),
                        prior,
                        window_days=HORIZON,
                        expected_daily_traffic=float(org.traffic[row]),
                        rng=np.random.default_rng([seed, int(row)]),
                        n_draws=DRAWS,
                    ).unavailability
                    for prior in priors
                ]
                like = _nearest_teacher(learnt, features, int(row), young)
                picked = rng.integers(0, HISTORY_DAYS, (DRAWS, HORIZON))
                drawn.append(bad[like][picked].sum(axis=1) / valid[like][picked].sum(axis=1))
                drawn.append(oracle[row])
                quantiles[days][row] = [np.quantile(draws, LEVELS) for draws in drawn]
    return Trial(quantiles, org.truth(), share, found)


def _panel(org: Organization, young: npt.NDArray[np.bool_], days: int) -> tuple[SliPanel, Floats, Floats]:
    past = slice(0, org.days)
    bad, valid = org.bad[:, past].copy(), org.valid[:, past].copy()
    bad[young, : org.days - days], valid[young, : org.days - days] = np.nan, np.nan
    names = tuple(f"service-{i}" for i in range(len(org.rate)))
    return SliPanel(names, START, DAY, valid - bad, valid), bad, valid


def _nearest_teacher(learnt: Archetypes, features: Features, row: int, young: npt.NDArray[np.bool_]) -> int:
    """The one service with a history whose features are most alike."""
    values = features.of(learnt.features) if len(learnt) else features.values
    values = (values - learnt.mean) / learnt.scale if len(learnt) else values
    gap = np.nansum((values - values[row]) ** 2, axis=1)
    return int(np.where(young, np.inf, gap).argmin())


def report(trials: Sequence[Trial]) -> None:
    """Per history and variant: how often each level held, its error against the oracle's, and its price."""
    rng = np.random.default_rng(1)
    shares = np.concatenate([trial.share[0] for trial in trials])
    found = np.concatenate([trial.found for trial in trials])
    truth = np.stack([trial.truth for trial in trials])
    print(
        f"{truth.size} services of {len(trials)} organisations; {found.mean():.1f} archetypes found on average; "
        f"their share of the prior: {shares.mean():.2f} on average, 0 for {(shares == 0).mean():.0%}"
    )
    heads = "".join(f"{f'p = {level:.2f}: held, error, budget':>36}" for level in LEVELS)
    print(f"{'days known, compared with':28}{heads}")
    for days in YOUNG_DAYS:
        quantiles = np.stack(
            [trial.quantiles[days] for trial in trials]
        )  # organisations, services, variants, levels
        held = truth[:, :, None, None] <= quantiles + 1e-12
        log = np.log(np.maximum(quantiles, 1e-7))
        error = log[:, :, :-1] - log[:, :, -1:]
        for position, name in enumerate((*VARIANTS, "oracle")):
            cells = []
            for level in range(len(LEVELS)):
                cell = f"{held[:, :, position, level].mean():.1%}"
                if position < len(VARIANTS):
                    off = error[:, :, position, level]
                    price = float(np.exp(np.median(off)))
                    cell += f", x{np.exp(np.abs(off).mean()):.2f}, x{price:.2f}"
                cells.append(f"{cell:>36}")
            print(f"{f'{days} d, {name}':28}{''.join(cells)}")
        gain = np.abs(error[:, :, 0]) - np.abs(error[:, :, 1])
        more = 100.0 * (held[:, :, 0].astype(float) - held[:, :, 1])
        weighs = np.stack([trial.share[days] > 0 for trial in trials])
        for said, asked in (("archetypes - organisation", np.ones_like(weighs)), ("where these weigh", weighs)):
            cells = [
                f"{_interval(rng, more[:, :, level], asked, 1)} pt, error "
                f"{_interval(rng, gain[:, :, level], asked, 3)}"
                for level in range(len(LEVELS))
            ]
            print(f"{f'  {said}':28}{''.join(f'{cell:>36}' for cell in cells)}")


def _interval(rng: np.random.Generator, values: Floats, asked: npt.NDArray[np.bool_], digits: int) -> str:
    """Mean over the services asked, with 95 % by whole organisations; shape (organisations, services)."""
    if not asked.any():
        return "none"
    sums, counts = np.where(asked, values, 0.0).sum(axis=1), asked.sum(axis=1)
    drawn = rng.integers(0, len(sums), (2_000, len(sums)))
    means = sums[drawn].sum(axis=1) / np.maximum(counts[drawn].sum(axis=1), 1)
    low, high = np.quantile(means, [0.025, 0.975])
    return f"{sums.sum() / counts.sum():+.{digits}f} [{low:+.{digits}f}, {high:+.{digits}f}]"


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description="What is a young service best compared with?")
    parser.add_argument("--organizations", type=int, default=24)
    parser.add_argument("--services", type=int, default=50)
    parser.add_argument("--kinds", type=float, default=0.4, help="spread of ln(incident rate) between kinds")
    parser.add_argument("--workers", type=int, default=1)
    asked = parser.parse_args()
    run = partial(run_trial, kinds=asked.kinds, services=asked.services)
    with ProcessPoolExecutor(asked.workers) as pool:
        report(list(pool.map(run, range(asked.organizations))))


if __name__ == "__main__":
    main()
