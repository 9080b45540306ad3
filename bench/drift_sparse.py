"""``python -m bench.drift_sparse [--series N] [--seed N]``: does the drift vote hold where values are sparse?

Simulated hourly series of which hours have no value, in the past or all along: false alarms per series-month by
lag-1 correlation, what is judged, and whether a step is seen. Prints two tables; deterministic.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence

import numpy as np

from bench.drift_trial import FIRST_HOUR, MONTH, simulated, step, tried
from sloengine.domain.drift.model import HourlySeries
from sloengine.domain.drift.watch import TWO_OF_THREE, advance, begin
from sloengine.infrastructure.learning.change_detectors import RiverChangeDetectors

HISTORY = 8 * 168
LAGS = (0.0, 0.3, 0.6, 0.9)
STEP_LAG = 0.3
TABLES = ("past", "gaps")
type Known = np.ndarray[tuple[int], np.dtype[np.bool_]]


def cases(seed: int) -> dict[str, Callable[[], Known]]:
    """By name: which hours of eight weeks have no value; made anew for each series."""
    hours = np.arange(HISTORY)
    random = np.random.default_rng(seed)
    return {
        "none": lambda: np.full(HISTORY, False),
        "7 weeks without telemetry": lambda: (hours >= 168) & (hours < HISTORY - 10),
        "4 weeks without telemetry": lambda: (hours >= 336) & (hours < HISTORY - 336),
        "88 % of hours, at random": lambda: random.random(HISTORY) > 0.12,
        "88 % until a week ago": lambda: (random.random(HISTORY) > 0.12) & (hours < HISTORY - 168),
        "23 of 24 hours until a week ago": lambda: (hours % 24 > 0) & (hours < HISTORY - 168),
        "23 of 24 hours until 5 days ago": lambda: (hours % 24 > 0) & (hours < HISTORY - 120),
        "23 of 24 hours until 3 days ago": lambda: (hours % 24 > 0) & (hours < HISTORY - 72),
        "23 of 24 hours until now": lambda: hours % 24 > 0,
        "21 of 24 hours until 3 days ago": lambda: (hours % 24 > 2) & (hours < HISTORY - 72),
        "21 of 24 hours until now": lambda: hours % 24 > 2,
        "16 of 24 hours until 3 days ago": lambda: (hours % 24 > 7) & (hours < HISTORY - 72),
        "16 of 24 hours until now": lambda: hours % 24 > 7,
    }


def sparse(
    count: int, lag1: float, case: str, *, judged: int, seed: int, shift: float = 0.0
) -> list[HourlySeries]:
    """Series with hours of the past missing and all new ones there; a shift begins 96 hours before the end."""
    made = simulated(count, lag1, history=HISTORY, judged=judged, size=1.0, shift=0, shape=step, seed=seed)
    missing = cases(seed + 7)[case]
    for one in made:
        one.values[:HISTORY][missing()] = np.nan
        one.values[-96:] += shift
    return made


def main(arguments: list[str] | None = None) -> int:
    """Print both tables."""
    parser = argparse.ArgumentParser(prog="python -m bench.drift_sparse", description=__doc__)
    parser.add_argument("--series", type=int, default=200, help="per case")
    parser.add_argument("--seed", type=int, default=9_003, help="no rule was chosen on the default")
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=TABLES)
    parser.add_argument("--lags", type=float, nargs="+", default=LAGS, help="lag-1 correlations of quiet series")
    asked = parser.parse_args(arguments)
    began = time.process_time()
    if "past" in asked.tables:
        _past_table(asked.series, asked.seed, asked.lags)
    if "gaps" in asked.tables:
        _gaps_table(asked.series, asked.seed, asked.lags)
    print(f"{time.process_time() - began:.0f} CPU s")
    return 0


def _past_table(count: int, seed: int, lags: Sequence[float]) -> None:
    """Past hours without a value, new ones with: chance in few hours must not be taken for a rhythm."""
    print(f"hours of the past without a value, all new ones with one; {count} series a case")
    print("false alarms in a month by lag-1 correlation; values judged of the first 48 hours;")
    print(f"steps of 2 standard deviations, lag-1 {STEP_LAG}: at once and a week later, seen in 48 hours")
    named = "".join(f"{lag1:8g}" for lag1 in lags)
    print(f"{'missing':34}{named}{'judged':>12}{'in 48 h':>9}{'median h':>10}{'a week on':>15}")
    at = FIRST_HOUR + HISTORY
    for name in cases(seed):
        quiet = {lag1: sparse(count, lag1, name, judged=MONTH, seed=seed) for lag1 in lags}
        shares = [tried(quiet[lag1], at, TWO_OF_THREE, MONTH).within(MONTH) for lag1 in lags]
        moved = sparse(count, STEP_LAG, name, judged=96, seed=seed + 1, shift=2.0)
        found = tried(moved, at, TWO_OF_THREE, 96)
        later = sparse(count, STEP_LAG, name, judged=168 + 96, seed=seed + 2, shift=2.0)
        week_on = tried(later, at + 168, TWO_OF_THREE, 168 + 96)
        false = "".join(f"{share:8.1%}" for share in shares)
        judged = _judged_share(quiet[lags[0]], at, 48)
        print(
            f"{name:34}{false}{judged:12.0%}{found.within(48):9.0%}{found.median:10.0f}{week_on.within(48):15.0%}",
            flush=True,
        )


def gaps(random: np.random.Generator) -> dict[str, Callable[[int], Known]]:
    """By name: which of so many hours have a value, made anew for each series; behind a step as before it."""

    def by_chance(share: float) -> Callable[[int], Known]:
        return lambda hours: random.random(hours) <= share

    return {
        **{f"{share:.1%} of hours": by_chance(share) for share in (0.125, 0.25, 0.35, 0.5, 0.75, 1.0)},
        "half of them, 6 hours in a row": lambda hours: np.repeat(random.random(hours // 6 + 1) < 0.5, 6)[:hours],
        "16 hours a day": lambda hours: np.arange(hours) % 24 < 16,
    }


def _gaps_table(count: int, seed: int, lags: Sequence[float]) -> None:
    """Hours with a value are as rare behind a step as before it."""
    judged, at = 14 * 24, FIRST_HOUR + HISTORY
    print(f"\nhours have a value all along, at random unless said otherwise; {count} series a case")
    print(f"false alarms in a month by lag-1 correlation; steps of 2 standard deviations, lag-1 {STEP_LAG}")
    print(f"{'hours with a value':34}{''.join(f'{lag1:8g}' for lag1 in lags)}{'in 2 weeks':>19}{'median h':>11}")
    for number, name in enumerate(gaps(np.random.default_rng(0))):
        false = ""
        for lag1 in lags:
            quiet = _thinned(count, lag1, name, judged=MONTH, seed=seed + 4, shift=0.0, number=number)
            false += f"{tried(quiet, at, TWO_OF_THREE, MONTH).within(MONTH):8.1%}"
        moved = _thinned(
            max(10, count // 4), STEP_LAG, name, judged=judged, seed=seed + 3, shift=2.0, number=number
        )
        found = tried(moved, at, TWO_OF_THREE, judged)
        print(f"{name:34}{false}{found.within(judged):19.0%}{found.median:11.0f}", flush=True)


def _thinned(
    count: int, lag1: float, name: str, *, judged: int, seed: int, shift: float, number: int
) -> list[HourlySeries]:
    known = gaps(np.random.default_rng([seed, number]))[name]
    made = simulated(count, lag1, history=HISTORY, judged=judged, size=1.0, shift=shift, shape=step, seed=seed)
    for one in made:
        one.values[~known(len(one.values))] = np.nan
    return made


def _judged_share(series: Sequence[HourlySeries], at: int, hours: int) -> float:
    """Of the values in the hours behind ``at``, those that are judged at all."""
    judged = 0
    for number, one in enumerate(series):
        watch = begin(one, one.ends, judged=one.ends - at)
        if watch is None:
            raise RuntimeError("a series is too short to be watched")
        watch, _ = advance(watch, one, at + hours, RiverChangeDetectors(), offset=7 * number % 168)
        hour = np.arange(watch.reached - len(watch.scores), watch.reached)
        judged += int((~np.isnan(watch.scores[hour >= max(at, watch.judged_from)])).sum())
    return judged / (len(series) * hours)


if __name__ == "__main__":
    raise SystemExit(main())
