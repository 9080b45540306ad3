"""Learn the recalibration maps that the engine ships, on simulated organisations: the recipe.

    python -m bench.shipped_map --save DIR      draw organisations (some 25 min of CPU), learn, write
    python -m bench.shipped_map --load DIR      learn again from what was drawn
    python -m bench.shipped_map --save DIR --only latency       or availability: that part alone

Availability: 504 organisations a history and window; latency: 512, some 7 min of CPU in all, see
``bench/shipped_latency_map.py``.
Half of the organisations are as the shipped prior expects them, half are not (rates four times or a quarter, sizes
three times or a third, zone incidents every 20 or 180 days). Seeds from 20,000 on: the bench of accuracy judges on
others. With 14, 30 and 90 days of history, over windows of 7 and of 28 days. Each organisation counts as one
independent observation. Prints what was counted beside a beta law fitted to the same windows; writes the modules
that ``MODULE`` names, there and here.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.special import betainc

from bench.accuracy import OFF_WORLDS
from bench.accuracy_forecasts import Forecasts, Trial, forecast
from bench.calibration_organizations import World
from bench.shipped_latency_map import MODULE as LATENCY_MODULE
from bench.shipped_latency_map import learn_latency, source_of
from sloengine.cli.accuracy_text import spread_text
from sloengine.domain.accuracy.clustered import clustered_mean
from sloengine.domain.recommendation.calibration_fit import fitted_beta

type Floats = npt.NDArray[np.float64]
type Labels = npt.NDArray[np.int64]

FIRST_SEED = 20_000
ORGANIZATIONS = 252
SERVICES = 16
HISTORIES, WINDOWS = (14, 30, 90), (7, 28)
LEVELS = (*(round(0.05 * k, 2) for k in range(1, 19)), 0.92, 0.94, 0.96, 0.98, 0.99, 0.995)
MODULE = Path("sloengine/domain/recommendation/shipped_calibration.py")
_APART = 1e-4
_TEXT = '''"""Recalibration map of availability that an organisation starts with; ``bench.shipped_map`` writes it.

Share of windows in which targets at each of ``LEVELS`` of the model held, counted in {organizations} simulated
organisations, half of them unlike what the shipped prior expects, with 14, 30 and 90 days of history. One row for
each length of the window.
"""

from __future__ import annotations

ORGANIZATIONS = {organizations}
SOURCE = "shipped map, learnt on {organizations} simulated organisations"
WINDOW_DAYS = {windows}
# fmt: off
LEVELS = {levels}
ATTAINED = (
{attained}
)
# fmt: on
'''


def availability_levels(
    folder: Path, window_days: int, *, draw: bool, workers: int
) -> tuple[Floats, Floats, Labels]:
    """Low and high level of every window of this length, and the organisation that each is of."""
    parts: list[Forecasts] = []
    for days in HISTORIES:
        for name, worlds, first in (
            ("learn", (World(),), FIRST_SEED),
            ("learnoff", OFF_WORLDS, FIRST_SEED + 10_000),
        ):
            path = folder / f"{name}-{days}-{window_days}.npz"
            if draw:
                _drawn(worlds, days, window_days, first, workers).save(path)
                print(f"{path.name}: {ORGANIZATIONS} organisations drawn", flush=True)
            parts.append(Forecasts.load(path))
    every = Forecasts.together(parts)
    low, high = (np.asarray(values, dtype=np.float64) for values in (every.met_low, every.met_high))
    return low, high, every.organization.astype(np.int64)


def _drawn(worlds: Sequence[World], days: int, window_days: int, first: int, workers: int) -> Forecasts:
    jobs = [
        Trial(
            first + i,
            days,
            World(
                SERVICES,
                worlds[i % len(worlds)].rate_factor,
                worlds[i % len(worlds)].severity_factor,
                worlds[i % len(worlds)].zone_every_days,
            ),
            window_days,
        )
        for i in range(ORGANIZATIONS)
    ]
    if workers == 1:
        return Forecasts.together([forecast(job) for job in jobs])
    with ProcessPoolExecutor(workers) as pool:
        return Forecasts.together(list(pool.map(forecast, jobs, chunksize=2)))


def attained_of(low: Floats, high: Floats) -> Floats:
    """Share of windows that held at each of ``LEVELS``, where draws tie with an outcome the share of them.

    ``low`` and ``high``: share of draws better than each outcome, and not worse; shape (windows,).
    """
    shares = np.round([_share_met(low, high, level).mean() for level in LEVELS], 4)
    steps = _APART * np.arange(len(LEVELS))
    ascending = np.maximum.accumulate(shares - steps) + steps
    return np.asarray(np.round(np.minimum(ascending, 1 - steps[::-1] - _APART), 4))


def _share_met(low: Floats, high: Floats, level: float) -> Floats:
    return np.asarray(np.clip((level - low) / np.maximum(high - low, 1e-9), 0.0, 1.0))


def module_text(attained: Sequence[Floats], organizations: int) -> str:
    """The module that ships these, one for each of ``WINDOWS``."""
    return _TEXT.format(
        organizations=organizations,
        windows=repr(tuple(map(float, WINDOWS))),
        levels=source_of(np.array(LEVELS), ""),
        attained="\n".join(f"    {source_of(row, '    ')}," for row in attained),
    )


def learn_availability(folder: Path, *, draw: bool, workers: int) -> str:
    """The module's text. ``folder``: where what is drawn is kept, or was."""
    rows: list[Floats] = []
    for window_days in WINDOWS:
        low, high, organization = availability_levels(folder, window_days, draw=draw, workers=workers)
        count = len(np.unique(organization))
        rows.append(attained_of(low, high))
        print(f"windows of {window_days} days: {len(low):,} of {count} organisations", flush=True)
        fitted = fitted_beta(low, high, count)
        for level in (0.8, 0.92, 0.98):
            held = clustered_mean(_share_met(low, high, level), [organization])
            said = float(betainc(*fitted, level))
            print(f"  {level:.2f} of the model: held {spread_text(held)} %, by a beta law {said:.4f}", flush=True)
    return module_text(rows, count)


PARTS = {"availability": (MODULE, learn_availability), "latency": (LATENCY_MODULE, learn_latency)}


def main() -> None:
    """Draw if asked to, learn, write the modules."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--save", type=Path, metavar="DIR")
    where.add_argument("--load", type=Path, metavar="DIR")
    parser.add_argument("--only", choices=list(PARTS), help="learn this part alone")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args()
    folder: Path = asked.save or asked.load
    folder.mkdir(parents=True, exist_ok=True)
    for part in [asked.only] if asked.only else PARTS:
        module, learn = PARTS[part]
        module.write_text(learn(folder, draw=asked.save is not None, workers=asked.workers))
        print(module.read_text(), flush=True)


if __name__ == "__main__":
    main()
