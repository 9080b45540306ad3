"""Learn what forecasts of budgets start with, levels and ratios of odds, on simulated organisations: the recipe.

    python -m bench.forecast_map [--organizations 20] [--kept DIRECTORY] [--dry]

Every second organisation is as the shipped prior expects it, the others are not (rates, sizes, zone incidents, as
in ``bench.shipped_map``). Seeds from 20,000 on: ``bench.forecast_trial`` judges on others. For each level the one
of the model below which that part of all outcomes lay; then, of what levels learnt from there on told, the ratio.
Each organisation counts as one cluster. Prints what an organisation's own outcomes add at several strengths of
shrinkage, learnt on its older half and judged on the newer; writes the module. ``--kept``: keeps what was drawn,
and takes it from there if it is there.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.stats import t as student_t

from bench.accuracy import OFF_WORLDS
from bench.calibration_organizations import World
from bench.forecast_drawn import BEGIN, DAY, ORIGINS, WINDOWS, Drawn, day_of, kept
from bench.forecast_trial import corrections, finished_origins
from sloengine.domain.forecast.conformal import LEVELS, AdaptiveLevels
from sloengine.domain.forecast.horizon import is_calendar
from sloengine.domain.forecast.learnt import Correction
from sloengine.domain.forecast.probability_map import ProbabilityMap, fitted
from sloengine.domain.reliability.panel import FloatArray
from sloengine.domain.reliability.window import ComplianceWindow

FIRST_SEED = 20_000
WEIGHTS = (5.0, 10.0, 20.0, 40.0, 80.0, 160.0)
MODULE = Path("sloengine/domain/forecast/shipped_correction.py")
_TEXT = '''"""What an organisation starts with; written by ``python -m bench.forecast_map``.

Learnt from {forecasts} finished forecasts of {organizations} simulated organisations, of rolling windows and of
months: the ratios of odds, and the model's own level that is used for each of ``conformal.LEVELS``.
"""

from __future__ import annotations

ROLLING = {rolling:.3f}
MONTH = {month:.3f}
ROLLING_LEVELS = ({rolling_levels})
MONTH_LEVELS = ({month_levels})
'''


def every_drawn(organizations: int, directory: Path | None) -> dict[ComplianceWindow, list[Drawn]]:
    """The recipe's organisations, for each window."""
    found: dict[ComplianceWindow, list[Drawn]] = {window: [] for window in WINDOWS}
    for number in range(organizations):
        world = OFF_WORLDS[number // 2 % len(OFF_WORLDS)] if number % 2 else World()
        for window, drawn in kept(FIRST_SEED + number, world, directory).items():
            found[window].append(drawn)
        print(f"{number + 1} of {organizations}", flush=True)
    return found


def levels_of(every: Sequence[Drawn]) -> AdaptiveLevels:
    """For each level the one of the model below which that part of outcomes lay, organisations counting alike."""
    shares = []
    for drawn in every:
        rng = np.random.default_rng([9, int(drawn.organization[0])])
        shares.append(np.concatenate([origin.ranks for origin in finished_origins(drawn, rng)]))
    weights = np.concatenate([np.full(len(ranks), 1.0 / len(ranks)) for ranks in shares])
    ranks = np.concatenate(shares)
    used = np.quantile(ranks, LEVELS, method="inverted_cdf", weights=weights)
    return AdaptiveLevels(np.asarray(used))


def told_and_came(every: Sequence[Drawn], start: Correction) -> FloatArray:
    """Organisation, origin, day it is over, told before the ratio, came; shape (n_forecasts, 5)."""
    rows = []
    for drawn in every:
        origins = finished_origins(drawn, np.random.default_rng([9, int(drawn.organization[0])]))
        learnt = corrections(origins, start)
        for place, (origin, known) in enumerate(zip(origins, learnt, strict=True)):
            n = len(origin.within)
            number, over = drawn.organization[0], (origin.over_at - BEGIN) / DAY
            told = 1.0 - known.levels.true_level(origin.within)
            rows.append(np.c_[np.full((n, 3), (number, place, over)), told, origin.ran_out])
    return np.concatenate(rows)


def log_loss(told: FloatArray, came: FloatArray) -> float:
    """Mean negative log-likelihood, probabilities kept off 0 and 1."""
    safe = np.clip(told, 1e-3, 1 - 1e-3)
    return float(-np.where(came > 0, np.log(safe), np.log1p(-safe)).mean())


def own_learning(rows: FloatArray, start: ProbabilityMap) -> None:
    """Print what an organisation's own older origins do for its newer ones."""
    organization, origin, over_at, told, came = rows.T
    half = ORIGINS // 2
    newer, over = origin >= half, over_at <= day_of(half)
    print(f"  as told {log_loss(told[newer], came[newer]):.5f}")
    print(f"  shipped ratio {log_loss(start.of(told[newer]), came[newer]):.5f}")
    for weight in WEIGHTS:
        mapped = start.of(told)
        for one in np.unique(organization):
            own = organization == one
            old = own & ~newer & over
            learnt = fitted(told[old], came[old], over_at[old], start, prior_weight=weight)
            mapped[own] = learnt.of(told[own])
        score = log_loss(mapped[newer], came[newer])
        print(f"  own outcomes, the shipped ratio worth {weight:g} exhaustions: {score:.5f}")


def one_left_out(rows: FloatArray) -> tuple[float, float]:
    """95 % interval of the ratio, by leaving out one organisation at a time."""
    every = np.unique(rows[:, 0])
    parts = [rows[rows[:, 0] != one] for one in every]
    ratios = np.array([ratio_of(part).ratio for part in parts])
    error = float(np.sqrt((len(every) - 1) / len(every) * np.square(ratios - ratios.mean()).sum()))
    half = float(student_t.ppf(0.975, len(every) - 1)) * error
    middle = ratio_of(rows).ratio
    return middle - half, middle + half


def ratio_of(rows: FloatArray) -> ProbabilityMap:
    """The ratio that makes what was told add up to what came."""
    return fitted(rows[:, 3], rows[:, 4], rows[:, 0], ProbabilityMap(), prior_weight=0.0)


def main(arguments: list[str] | None = None) -> int:
    """Draw or load, learn, write the module."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.forecast_map",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--organizations", type=int, default=20)
    parser.add_argument("--kept", type=Path)
    parser.add_argument("--dry", action="store_true", help="print the map, write nothing")
    asked = parser.parse_args(arguments)
    learnt: dict[str, float | str] = {}
    forecasts = []
    for window, every in every_drawn(asked.organizations, asked.kept).items():
        name = "month" if is_calendar(window) else "rolling"
        levels = levels_of(every)
        learnt[f"{name}_levels"] = ", ".join(f"{used:.3f}" for used in levels.used)
        rows = told_and_came(every, Correction(levels, ProbabilityMap()))
        forecasts.append(f"{len(rows):,}")
        found = ratio_of(rows)
        learnt[name] = found.ratio
        low, high = one_left_out(rows)
        print(
            f"{window}: levels {learnt[f'{name}_levels']}\n"
            f"told {rows[:, 3].mean():.4f}, came {rows[:, 4].mean():.4f}, {found} [{low:.3f}, {high:.3f}]"
        )
        print("log loss on the newer half of each organisation's origins:")
        own_learning(rows, ProbabilityMap(found.ratio))
    if not asked.dry:
        count = " and ".join(forecasts)
        MODULE.write_text(_TEXT.format(forecasts=count, organizations=asked.organizations, **learnt))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
