"""Learn what forecasts of budgets start with, levels and ratios of odds, on simulated organisations: the recipe.

    python -m bench.forecast_map [--organizations 20] [--kept DIRECTORY] [--dry]

Every second organisation is as the shipped prior expects it, the others are not (rates, sizes, zone incidents, as
in ``bench.shipped_map``). Seeds from 20,000 on: ``bench.forecast_trial`` judges on others. For each level the one
of the model below which that part of all outcomes lay; of what the draws tell, the ratio of odds and how it goes
with what is spent, by logistic likelihood drawn towards no correction. Each organisation counts as one cluster.
Prints what an organisation's own outcomes add at several strengths of shrinkage, learnt on its older half and
judged on the newer, and how maps of other forms do on organisations left out; writes the module. ``--kept``: keeps
what was drawn, and takes it from there if it is there.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench.accuracy import OFF_WORLDS
from bench.calibration_organizations import World
from bench.forecast_drawn import ORIGINS, WINDOWS, Drawn, day_of, kept
from bench.forecast_forms import compare
from bench.forecast_ratio import log_loss, one_left_out, shipped_map, starting_levels
from bench.forecast_trial import finished_origins
from sloengine.domain.forecast.conformal import AdaptiveLevels
from sloengine.domain.forecast.horizon import is_calendar
from sloengine.domain.forecast.probability_map import ProbabilityMap, fitted
from sloengine.domain.reliability.panel import FloatArray
from sloengine.domain.reliability.window import ComplianceWindow

FIRST_SEED = 20_000
WEIGHTS = (5.0, 10.0, 20.0, 40.0, 80.0, 160.0)
MODULE = Path("sloengine/domain/forecast/shipped_correction.py")
_TEXT = '''"""What an organisation starts with; written by ``python -m bench.forecast_map``.

Learnt from {forecasts} finished forecasts of {organizations} simulated organisations, of rolling windows and of
months: the ratio of odds with nothing spent and what a whole budget spent adds to its logarithm, and the model's
own level that is used for each of ``conformal.LEVELS``.
"""

from __future__ import annotations

ROLLING = {rolling}
MONTH = {month}
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
    """The levels that quantiles start with."""
    return starting_levels(
        [finished_origins(drawn, np.random.default_rng([9, int(drawn.organization[0])])) for drawn in every]
    )


def told_and_came(every: Sequence[Drawn]) -> FloatArray:
    """Organisation, origin, day it is over, told by the draws, came, spent; shape (n_forecasts, 6)."""
    rows = []
    for drawn in every:
        for origin in range(ORIGINS):
            at = drawn.at(origin)
            over = np.full(len(at), drawn.over_at[at].max(initial=0.0))
            told = (drawn.draws[at] > 1.0).mean(axis=1)
            came = drawn.outcome[at] > 1.0
            rows.append(np.c_[drawn.organization[at], drawn.origin[at], over, told, came, drawn.spent[at]])
    return np.concatenate(rows)


def own_learning(rows: FloatArray, start: ProbabilityMap) -> None:
    """Print what an organisation's own older origins do for its newer ones."""
    organization, origin, over_at, told, came, spent = rows.T
    half = ORIGINS // 2
    newer, over = origin >= half, over_at <= day_of(half)
    print(f"  as told {log_loss(told[newer], came[newer]):.5f}")
    print(f"  shipped map {log_loss(start.of(told[newer], spent[newer]), came[newer]):.5f}")
    for weight in WEIGHTS:
        mapped = start.of(told, spent)
        for one in np.unique(organization):
            own = organization == one
            old = own & ~newer & over
            learnt = fitted(told[old], came[old], over_at[old], start, spent=spent[old], prior_weight=weight)
            mapped[own] = learnt.of(told[own], spent[own])
        score = log_loss(mapped[newer], came[newer])
        print(f"  own outcomes, the shipped ratio worth {weight:g} exhaustions: {score:.5f}")


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
    learnt: dict[str, str] = {}
    forecasts = []
    for window, every in every_drawn(asked.organizations, asked.kept).items():
        name = "month" if is_calendar(window) else "rolling"
        levels = levels_of(every)
        learnt[f"{name}_levels"] = ", ".join(f"{used:.3f}" for used in levels.used)
        rows = told_and_came(every)
        forecasts.append(f"{len(rows):,}")
        found = shipped_map(rows)
        learnt[name] = f"({found.ratio:.3f}, {found.by_spent:.3f})"
        ratio, by_spent = one_left_out(rows)
        print(
            f"{window}: levels {learnt[f'{name}_levels']}\n"
            f"told {rows[:, 3].mean():.4f}, came {rows[:, 4].mean():.4f}, ratio of odds {found.ratio:.3f} "
            f"[{ratio[0]:.3f}, {ratio[1]:.3f}], its logarithm by what is spent {found.by_spent:+.3f} "
            f"[{by_spent[0]:+.3f}, {by_spent[1]:+.3f}]"
        )
        print("log loss on the newer half of each organisation's origins:")
        own_learning(rows, found)
        compare(every)
    if not asked.dry:
        count = " and ".join(forecasts)
        MODULE.write_text(_TEXT.format(forecasts=count, organizations=asked.organizations, **learnt))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
