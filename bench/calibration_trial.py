"""Do availability targets hold what they promise? A trial on organisations with known truth, beside an oracle.

    python -m bench.calibration_trial --organizations 140 --days 7 14 30 90
    python -m bench.calibration_trial --organizations 45 --days 7 30 --wrong-prior
    python -m bench.calibration_trial --real-data      (uptime-homelab, found through SLOENGINE_REAL_DATA)

``own`` is the bootstrap of a service's own days, for comparison; intervals resample whole organisations.
"""

from __future__ import annotations

import argparse
import csv
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench.calibration_organizations import HORIZON, Organization, World, draw, oracle_draws
from sloengine.domain.recommendation.model import Recommendation, TierName
from sloengine.domain.recommendation.organization_prior import OrganizationPrior, learn_prior
from sloengine.domain.recommendation.recommend_availability import recommend_availability
from sloengine.domain.recommendation.request import AvailabilityRequest
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.reliability.panel import SliPanel
from sloengine.domain.reliability.rounding import round_availability_down, tightest_availability
from sloengine.domain.reliability.window import ComplianceWindow

type Floats = npt.NDArray[np.float64]

START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
TIERS = tuple(TierName)


@dataclass(frozen=True)
class Trial:
    """One organisation's windows: per service and tier.

    ``held``, ``oracle_held``, ``own_held``, ``promised``, ``budget``, ``oracle_budget``: shape (services, 3), NaN
    where there is no target. ``expected``: share of the windows that the truth allows, as the oracle draws them,
    in which the engine's target is met.
    """

    held: Floats
    oracle_held: Floats
    own_held: Floats
    promised: Floats
    budget: Floats
    oracle_budget: Floats
    expected: Floats
    days: int = 0


COLUMNS = ("held", "oracle_held", "own_held", "promised", "budget", "oracle_budget", "expected")


def panel_of(org: Organization) -> SliPanel:
    """The history up to as-of, one interval a day."""
    past = slice(0, org.days)
    names = tuple(f"service-{i}" for i in range(len(org.rate)))
    return SliPanel(names, START, DAY, org.valid[:, past] - org.bad[:, past], org.valid[:, past])


def run_trial(seed: int, days: int, world: World, settings: EngineSettings | None = None) -> Trial:
    """Draw one organisation, recommend for each of its services, and look at what came."""
    settings = settings or EngineSettings()
    rng = np.random.default_rng([seed, days])
    org = draw(rng, days, world)
    panel, truth = panel_of(org), org.truth()
    oracle = oracle_draws(rng, org)
    as_of = START + DAY * days
    prior = learn_prior(panel, as_of=as_of)
    columns: dict[str, list[list[float]]] = {name: [] for name in COLUMNS}
    own_rng = np.random.default_rng(seed)
    for row, service_id in enumerate(panel.service_ids):
        result = recommend_availability(
            AvailabilityRequest(service_id, ComplianceWindow.ROLLING_28D, as_of, panel, as_of), prior, settings
        )
        own = own_bootstrap(org.bad[row, :days], org.valid[row, :days], own_rng)
        traffic = float(org.traffic[row]) * HORIZON
        cells = _cells(result, truth[row], oracle[row], own, traffic, settings)
        for name, values in cells.items():
            columns[name].append(values)
    return _trial(columns, days)


def _trial(columns: dict[str, list[list[float]]], days: int) -> Trial:
    return Trial(**{name: np.array(columns[name], dtype=np.float64) for name in COLUMNS}, days=days)


def own_bootstrap(bad: Floats, valid: Floats, rng: np.random.Generator, replicates: int = 1_000) -> Floats:
    """Unavailability of 28 days resampled from a service's own: the estimator that breaks its promise."""
    days = rng.integers(0, len(bad), (replicates, HORIZON))
    return np.asarray(bad[days].sum(axis=1) / valid[days].sum(axis=1))


def _cells(
    result: object, truth: float, oracle: Floats, own: Floats, traffic: float, settings: EngineSettings
) -> dict[str, list[float]]:
    names = COLUMNS
    if not isinstance(result, Recommendation):
        return {name: [np.nan] * 3 for name in names}
    cells: dict[str, list[float]] = {name: [] for name in names}
    for name in TIERS:
        tier, nominal = result.tier(name), settings.nominal_probability[name]
        target = tier.targets[0].availability_ratio if tier.targets else None
        known = published(oracle, nominal, traffic, settings)
        if target is None or known is None:
            for values in cells.values():
                values.append(np.nan)
            continue
        resampled = published(own, nominal, traffic, settings)
        cells["held"].append(truth <= 1 - target + 1e-12)
        cells["oracle_held"].append(truth <= 1 - known + 1e-12)
        cells["own_held"].append(np.nan if resampled is None else truth <= 1 - resampled + 1e-12)
        cells["promised"].append(tier.targets[0].probability_met)
        cells["budget"].append(1 - target)
        cells["oracle_budget"].append(1 - known)
        cells["expected"].append(float((oracle <= 1 - target + 1e-12).mean()))
    return cells


def published(draws: Floats, nominal: float, traffic: float, settings: EngineSettings) -> float | None:
    """What another estimator would publish from its draws: the same caps and rounding."""
    wanted = 1 - float(np.quantile(draws, nominal, method="higher"))
    rounded = round_availability_down(
        min(wanted, tightest_availability(traffic, settings.testable_failures)), traffic
    )
    return rounded if rounded is not None and rounded >= settings.lowest_target_ratio else None


def report(label: str, trials: Sequence[Trial], beside: str = "oracle") -> None:
    """Print hold rates, paired difference to the oracle (or what else stands in its columns), honesty, price."""
    rng = np.random.default_rng(0)
    print(f"{label}: {len(trials)} organisations, {sum(len(t.held) for t in trials)} windows")
    for position, name in enumerate(TIERS):
        per = [
            np.array(
                [t.held[:, position], t.oracle_held[:, position], t.own_held[:, position], t.promised[:, position]]
            )
            for t in trials
        ]
        hold, known, own, said = np.nanmean(np.concatenate(per, axis=1), axis=1) * 100
        low, high = _clustered([p[0] - p[1] for p in per], rng)
        low_said, high_said = _clustered([p[3] - p[0] for p in per], rng)
        budget = np.concatenate([t.budget[:, position] for t in trials])
        oracle_budget = np.concatenate([t.oracle_budget[:, position] for t in trials])
        none = float(np.isnan(budget).mean())
        print(
            f"  {name:<12} hold {hold:5.1f}  {beside} {known:5.1f}"
            f"  diff {hold - known:+.1f} [{low:+.1f}, {high:+.1f}]"
            f"  P(met)-hold {said - hold:+.1f} [{low_said:+.1f}, {high_said:+.1f}]  own {own:5.1f}"
            f"  target {100 * (1 - np.nanmedian(budget)):.3f} price x{np.nanmedian(budget / oracle_budget):.2f}"
            f"  none {none:.1%}"
        )


def _clustered(parts: Sequence[Floats], rng: np.random.Generator) -> tuple[float, float]:
    """95 % interval in points of a mean over all windows, whole organisations resampled."""
    sums = np.array([np.nansum(part) for part in parts])
    sizes = np.array([(~np.isnan(part)).sum() for part in parts])
    drawn = rng.integers(0, len(parts), (2_000, len(parts)))
    means = 100 * sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def homelab_panel(folder: Path) -> SliPanel:
    """A year of daily uptime minutes of 12 services; each minute counts as one event."""
    with (folder / "services.csv").open() as file:
        starts = {row["service"]: row["monitored_since_estimate"] for row in csv.DictReader(file)}
    with (folder / "daily_downtime.csv").open() as file:
        rows = [(row["date"], row["service"], float(row["minutes_down"])) for row in csv.DictReader(file)]
    first = date.fromisoformat(min(*starts.values(), *(row[0] for row in rows)))
    last = date.fromisoformat(max(row[0] for row in rows))
    names = tuple(sorted(starts))
    total = np.full((len(names), (last - first).days + 1), np.nan)
    for row, name in enumerate(names):
        total[row, (date.fromisoformat(starts[name]) - first).days :] = 1440.0
    good = total.copy()
    for day, name, minutes in rows:
        good[names.index(name), (date.fromisoformat(day) - first).days] = 1440.0 - minutes
    start_at = datetime(first.year, first.month, first.day, tzinfo=UTC)
    return SliPanel(names, start_at, DAY, good, total)


def run_real(panel: SliPanel, settings: EngineSettings, every: int = 7, least: int = 30) -> Iterator[Trial]:
    """Recommend at each as-of with only the past, and judge by the 28 days that came."""
    n_days = panel.total.shape[1]
    for at in range(least, n_days - HORIZON + 1, every):
        as_of = panel.start_at + DAY * at
        prior: OrganizationPrior = learn_prior(panel, as_of=as_of)
        cells: dict[str, list[list[float]]] = {name: [] for name in COLUMNS}
        for row, service_id in enumerate(panel.service_ids):
            seen = ~np.isnan(panel.total[row, :at])
            ahead = slice(at, at + HORIZON)
            if seen.sum() < least or np.isnan(panel.total[row, ahead]).any():
                continue
            bad, valid = panel.bad[row, :at][seen], panel.total[row, :at][seen]
            truth = float(panel.bad[row, ahead].sum() / panel.total[row, ahead].sum())
            result = recommend_availability(
                AvailabilityRequest(service_id, ComplianceWindow.ROLLING_28D, as_of, panel, as_of), prior, settings
            )
            own = own_bootstrap(bad[-90:], valid[-90:], np.random.default_rng(at))
            # Nobody knows the truth here: the oracle's columns say what the own bootstrap would.
            for name, values in _cells(result, truth, own, own, 1440.0 * HORIZON, settings).items():
                cells[name].append(values)
        if cells["held"]:
            yield _trial(cells, at)


def _job(arguments: tuple[int, int, World]) -> Trial:
    return run_trial(*arguments)


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--organizations", type=int, default=40)
    parser.add_argument("--days", type=int, nargs="+", default=[7, 14, 30, 90])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--wrong-prior", action="store_true", help="worlds the shipped prior does not expect")
    parser.add_argument("--small", action="store_true", help="organisations of 10 services")
    parser.add_argument("--real-data", action="store_true", help="uptime-homelab instead of simulations")
    asked = parser.parse_args()
    if asked.real_data:
        folder = Path(os.environ.get("SLOENGINE_REAL_DATA", "../shared/data")) / "uptime-homelab"
        panel = homelab_panel(folder)
        report("uptime-homelab, look-back 90 days", list(run_real(panel, EngineSettings())), "own")
        report("uptime-homelab, all the past", list(run_real(panel, EngineSettings(lookback_days=365))), "own")
        return
    worlds = [World(services=10)] if asked.small else [World()]
    if asked.wrong_prior:
        worlds = [World(rate_factor=factor) for factor in (4.0, 0.25)]
        worlds += [World(severity_factor=factor) for factor in (3.0, 1 / 3)]
        worlds += [World(zone_every_days=days) for days in (20.0, 180.0)]
    for days in asked.days:
        pooled: list[Trial] = []
        for position, world in enumerate(worlds):
            began = time.monotonic()
            jobs = [(asked.seed + 1_000 * position + i, days, world) for i in range(asked.organizations)]
            with ProcessPoolExecutor(asked.workers) as pool:
                trials = list(pool.map(_job, jobs, chunksize=2))
            pooled += trials
            report(f"{days} days, {world} ({time.monotonic() - began:.0f} s)", trials)
        if len(worlds) > 1:
            report(f"{days} days, all of these worlds", pooled)


if __name__ == "__main__":
    main()
