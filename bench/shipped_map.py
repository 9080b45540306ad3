"""Learn the recalibration maps that the engine ships, on simulated organisations: the recipe.

    python -m bench.shipped_map --save DIR      draw organisations (some 15 min of CPU), learn, write
    python -m bench.shipped_map --load DIR      learn again from what was drawn
    python -m bench.shipped_map --save DIR --only latency       or availability: that part alone

Availability: 504 organisations a case; latency: see ``bench/shipped_latency_map.py``.
Half of the organisations are as the shipped prior expects them, half are not (rates four times or a quarter, sizes
three times or a third, zone incidents every 20 or 180 days). Seeds from 20,000 on: the bench of accuracy judges on
others. With 14, 30 and 90 days of history. Each organisation counts as one independent observation. Writes the
modules that ``MODULE`` names, there and here.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench.accuracy import OFF_WORLDS
from bench.accuracy_forecasts import Forecasts, Trial, forecast
from bench.calibration_organizations import World
from bench.shipped_latency_map import MODULE as LATENCY_MODULE
from bench.shipped_latency_map import learn_latency
from sloengine.domain.recommendation.calibration_fit import fitted_beta

type Pair = tuple[float, float]
type Floats = npt.NDArray[np.float64]

FIRST_SEED = 20_000
ORGANIZATIONS = 252
SERVICES = 16
HISTORIES = (14, 30, 90)
MODULE = Path("sloengine/domain/recommendation/shipped_calibration.py")
_TEXT = '''"""Recalibration map of availability that an organisation starts with; ``bench.shipped_map`` writes it.

A beta map: attained(p) = I_p(a, b), learnt by penalised maximum likelihood on where outcomes lay in what the model
said of them. {provenance}
"""

from __future__ import annotations

AVAILABILITY_A = {availability[0]:.4f}
AVAILABILITY_B = {availability[1]:.4f}
ORGANIZATIONS = {organizations}
SOURCE = "shipped map, learnt on {organizations} simulated organisations"
'''


def availability_levels(folder: Path, *, draw: bool, workers: int) -> tuple[Floats, Floats, int]:
    """Low and high level of every window, and the number of organisations."""
    parts: list[Forecasts] = []
    for days in HISTORIES:
        for name, worlds, first in (
            ("learn", (World(),), FIRST_SEED),
            ("learnoff", OFF_WORLDS, FIRST_SEED + 10_000),
        ):
            path = folder / f"{name}-{days}.npz"
            if draw:
                _drawn(worlds, days, first, workers).save(path)
            parts.append(Forecasts.load(path))
    every = Forecasts.together(parts)
    low, high = (np.asarray(values, dtype=np.float64) for values in (every.met_low, every.met_high))
    return low, high, len(np.unique(every.organization))


def _drawn(worlds: Sequence[World], days: int, first: int, workers: int) -> Forecasts:
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
        )
        for i in range(ORGANIZATIONS)
    ]
    with ProcessPoolExecutor(workers) as pool:
        return Forecasts.together(list(pool.map(forecast, jobs, chunksize=2)))


def module_text(windows: tuple[int, int], availability: Pair) -> str:
    """The module. ``windows``: windows and organisations that the map was learnt on."""
    first, second, third = HISTORIES
    provenance = (
        f"{windows[0]:,} windows of\n{windows[1]} organisations with {first}, {second} and {third} "
        f"days of history."
    )
    return _TEXT.format(provenance=provenance, availability=availability, organizations=windows[1])


def learn_availability(folder: Path, *, draw: bool, workers: int) -> str:
    """The module's text. ``folder``: where what is drawn is kept, or was."""
    low, high, organizations = availability_levels(folder, draw=draw, workers=workers)
    return module_text((len(low), organizations), fitted_beta(low, high, organizations))


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
