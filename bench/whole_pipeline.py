"""Do promises of the whole pipeline hold? Organisations of the request-level simulator, beside an oracle.

    python -m bench.whole_pipeline                        40 organisations x 30 services; 14, 30 and 90 days known
    python -m bench.whole_pipeline --days 30 --organizations 140 --futures 100
    python -m bench.whole_pipeline --alone                own histories without the graph: a tenth of the time
    python -m bench.whole_pipeline --days 30 --explain 131     one organisation: what it knew, what came

Graph, measured edges, archetypes, priors, composite caps, map and rounding are the product's; zones and the
platform fail together, edges are declared wrongly, calls are retried and cached, services are deployed anew.

The same organisation is played on from its as-of day many times, each time with fresh random numbers: incidents
under way go on, deployments to come are drawn anew. A target's hold rate is the share of these futures in which it
is met, so that chance in one window does not hide what a history was worth. The oracle knows all but the random
numbers: its targets are quantiles of three quarters of the futures, judged on the rest. The window that really
came is judged beside it. Intervals are 95 % and count whole organisations.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench.calibration_trial import published
from bench.confidence_bands import Band, bands, sure
from bench.whole_pipeline_worlds import HORIZON, SimulatedWorld, play_world
from sloengine.cli.accuracy_text import spread_text
from sloengine.domain.accuracy.clustered import ClusteredMean, clustered_mean
from sloengine.domain.recommendation.model import Recommendation, TierName
from sloengine.domain.recommendation.settings import EngineSettings

type Floats = npt.NDArray[np.float64]

TIERS = tuple(TierName)
FIRST_SEED = 100
_FOLDS = 4
_SLACK = 1e-12
COLUMNS = ("promised", "budget", "held", "came", "oracle_budget", "oracle_held", "oracle_came")


@dataclass(frozen=True)
class Judged:
    """One organisation: per service and tier, NaN where engine or oracle has no target; shape (services, 3).

    ``held``: share of the futures, ``came``: whether the window that came met it. ``missing``: share of the
    services that the engine gives no target, shape (3,). ``confidence``: shape (services,).
    """

    seed: int
    days: int
    promised: Floats
    budget: Floats
    held: Floats
    came: Floats
    oracle_budget: Floats
    oracle_held: Floats
    oracle_came: Floats
    missing: Floats
    confidence: Floats


@dataclass(frozen=True)
class TierRow:
    """One tier over many organisations; differences in shares."""

    tier: TierName
    windows: int
    held: float
    oracle_held: float
    difference: ClusteredMean
    over_promise: ClusteredMean
    over_promise_came: ClusteredMean
    difference_came: ClusteredMean
    price: float
    median_target: float
    oracle_median: float
    without_target: float

    def text(self) -> str:
        """One line."""
        return (
            f"{self.tier:<12} holds {self.held:6.1%}  oracle {self.oracle_held:6.1%}  "
            f"difference {spread_text(self.difference)}  P(met) less held {spread_text(self.over_promise)}  "
            f"target {self.median_target:.3%} (oracle {self.oracle_median:.3%})  "
            f"budget {self.price:.2f} x the oracle's  none {self.without_target:.1%}\n"
            f"{'':<14} window that came: difference {spread_text(self.difference_came)}  "
            f"P(met) less held {spread_text(self.over_promise_came)}"
        )


def judge(seed: int, days: int, services: int, futures: int, kept: Path | None, *, alone: bool = False) -> Judged:
    """Play, recommend, and look at what comes."""
    settings = EngineSettings()
    world = play_world(seed, days, services, futures, kept)
    answers = world.recommend_alone(settings) if alone else world.recommend(settings)
    cells: dict[str, list[list[float]]] = {name: [] for name in COLUMNS}
    missing = np.zeros(len(TIERS))
    confidence: list[float] = []
    for row, service_id in enumerate(world.service_ids):
        answer = answers.get(service_id)
        if not isinstance(answer, Recommendation) or np.isnan(world.futures[row]).any():
            continue
        confidence.append(answer.confidence)
        one = _judge_service(world, row, answer, settings)
        missing += [not answer.tier(name).targets for name in TIERS]
        for name in COLUMNS:
            cells[name].append(one[name])
    values = {name: np.array(rows, dtype=np.float64).reshape(-1, len(TIERS)) for name, rows in cells.items()}
    return Judged(seed, days, missing=missing / max(len(confidence), 1), confidence=np.array(confidence), **values)


def _judge_service(
    world: SimulatedWorld, row: int, answer: Recommendation, settings: EngineSettings
) -> dict[str, list[float]]:
    futures, came, requests = world.futures[row], float(world.came[row]), float(world.requests[row])
    cells: dict[str, list[float]] = {name: [] for name in COLUMNS}
    for name in TIERS:
        nominal = settings.nominal_probability[name]
        targets = answer.tier(name).targets
        known = published(futures, nominal, requests, settings)
        crossed = [published(part, nominal, requests, settings) for part, _ in _folds(futures)]
        if not targets or targets[0].availability_ratio is None or known is None or None in crossed:
            for values in cells.values():
                values.append(np.nan)
            continue
        budget = 1 - targets[0].availability_ratio
        oracle_held = np.mean(
            [
                _met(rest, 1 - one)
                for one, (_, rest) in zip(crossed, _folds(futures), strict=True)
                if one is not None
            ]
        )
        found = (
            targets[0].probability_met,
            budget,
            _met(futures, budget),
            _met(np.array([came]), budget),
            1 - known,
            float(oracle_held),
            _met(np.array([came]), 1 - known),
        )
        for column, value in zip(COLUMNS, found, strict=True):
            cells[column].append(value)
    return cells


def _folds(futures: Floats) -> list[tuple[Floats, Floats]]:
    """What the oracle knows, and what it is judged on."""
    place = np.arange(len(futures)) % _FOLDS
    return [(futures[place != fold], futures[place == fold]) for fold in range(_FOLDS)]


def _met(unavailability: Floats, budget: float) -> float:
    return float((unavailability <= budget + _SLACK).mean())


def summarize(judged: Sequence[Judged]) -> list[TierRow]:
    """Every tier, on the services where engine and oracle both have a target."""
    labels = np.concatenate([np.full(len(one.held), one.seed, dtype=np.int64) for one in judged])
    rows = []
    for position, tier in enumerate(TIERS):
        column = {name: np.concatenate([getattr(one, name)[:, position] for one in judged]) for name in COLUMNS}
        rows.append(
            TierRow(
                tier=tier,
                windows=int((~np.isnan(column["held"])).sum()),
                held=float(np.nanmean(column["held"])),
                oracle_held=float(np.nanmean(column["oracle_held"])),
                difference=clustered_mean(column["held"] - column["oracle_held"], [labels]),
                over_promise=clustered_mean(column["promised"] - column["held"], [labels]),
                over_promise_came=clustered_mean(column["promised"] - column["came"], [labels]),
                difference_came=clustered_mean(column["came"] - column["oracle_came"], [labels]),
                price=float(np.nanmedian(column["budget"] / column["oracle_budget"])),
                median_target=1 - float(np.nanmedian(column["budget"])),
                oracle_median=1 - float(np.nanmedian(column["oracle_budget"])),
                without_target=float(np.mean([one.missing[position] for one in judged])),
            )
        )
    return rows


def by_confidence(judged: Sequence[Judged]) -> tuple[list[Band], Band | None]:
    """Share of Balanced targets that held, by band of confidence, and of all that are sure."""
    at = TIERS.index(TierName.BALANCED)
    confidence = np.concatenate([one.confidence for one in judged])
    held = np.concatenate([one.held[:, at] for one in judged])
    labels = np.concatenate([np.full(len(one.held), one.seed, dtype=np.int64) for one in judged])
    return bands(confidence, held, labels), sure(confidence, held, labels)


def worst(judged: Sequence[Judged], most: int = 5) -> list[str]:
    """Organisations whose Balanced targets over-promise most: over all futures, and in the window that came."""
    at = TIERS.index(TierName.BALANCED)

    def over(one: Judged, column: str) -> float:
        return float(np.nanmean(one.promised[:, at] - getattr(one, column)[:, at]))

    ordered = sorted(judged, key=lambda one: -over(one, "came"))
    return [
        f"organisation {one.seed}: Balanced P(met) less held {100 * over(one, 'came'):+.0f} points in the window "
        f"that came, where the oracle held {np.nanmean(one.oracle_came[:, at]):.0%}; "
        f"{100 * over(one, 'held'):+.0f} over all futures"
        for one in ordered[:most]
    ]


def measure(
    days: int,
    organizations: int,
    services: int,
    futures: int,
    workers: int,
    kept: Path | None = None,
    *,
    alone: bool = False,
    first_seed: int = FIRST_SEED,
) -> list[Judged]:
    """All organisations, over some processes."""
    job = partial(judge, days=days, services=services, futures=futures, kept=kept, alone=alone)
    seeds = range(first_seed, first_seed + organizations)
    if workers == 1:
        return [job(seed) for seed in seeds]
    with ProcessPoolExecutor(workers) as pool:
        return list(pool.map(job, seeds))


def explain(seed: int, days: int, services: int, futures: int, kept: Path | None) -> None:
    """One organisation: incidents it knew and that came, and each service's targets beside the oracle's."""
    world = play_world(seed, days, services, futures, kept)
    answers = world.recommend(EngineSettings())
    print(f"organisation {seed}, {days} days known; hours are counted from as-of")
    for line in world.chronicle():
        print(f"  {line}")
    for row, service_id in enumerate(world.service_ids):
        answer = answers.get(service_id)
        if not isinstance(answer, Recommendation):
            continue
        one = _judge_service(world, row, answer, EngineSettings())
        balanced = {name: values[TIERS.index(TierName.BALANCED)] for name, values in one.items()}
        print(
            f"  {service_id:<12} came {world.came[row]:.4%}  Balanced budget {balanced['budget']:.4%} "
            f"(oracle {balanced['oracle_budget']:.4%})  P(met) {balanced['promised']:.3f}  "
            f"holds in {balanced['held']:.0%} of futures  of past {HORIZON} days {world.past(row):.4%}"
        )


def main(arguments: list[str] | None = None) -> int:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--organizations", type=int, default=40)
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED, help="number of the first organisation")
    parser.add_argument("--services", type=int, default=30)
    parser.add_argument("--days", type=int, nargs="+", default=[14, 30, 90])
    parser.add_argument("--futures", type=int, default=60)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--keep", type=Path, help="keep futures in this folder, and take them from there")
    parser.add_argument("--alone", action="store_true", help="own histories alone, without graph and caps")
    parser.add_argument("--explain", type=int, metavar="SEED", help="one organisation, event by event")
    asked = parser.parse_args(arguments)
    for days in asked.days:
        if asked.explain is not None:
            explain(asked.explain, days, asked.services, asked.futures, asked.keep)
            continue
        began = time.monotonic()
        judged = measure(
            days,
            asked.organizations,
            asked.services,
            asked.futures,
            asked.workers,
            asked.keep,
            alone=asked.alone,
            first_seed=asked.first_seed,
        )
        seconds = time.monotonic() - began
        print(
            f"{days} days of history, {len(judged)} organisations, {asked.futures} futures each ({seconds:.0f} s)"
        )
        for row in summarize(judged):
            print(f"  {row.text()}")
        for band in by_confidence(judged)[0]:
            print(f"  Balanced, {band.text()}")
        for line in worst(judged):
            print(f"  {line}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
