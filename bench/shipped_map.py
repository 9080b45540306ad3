"""Learn the recalibration maps that the engine ships, on simulated organisations: the recipe.

    python -m bench.shipped_map --save DIR      draw 504 organisations a case (some 15 min of CPU), learn, write
    python -m bench.shipped_map --load DIR      learn again from what was drawn

Half of the organisations are as the shipped prior expects them, half are not (rates four times or a quarter, sizes
three times or a third, zone incidents every 20 or 180 days). Seeds from 20,000 on: the bench of accuracy judges on
others. Availability with 14, 30 and 90 days of history; latency with 30, fine and coarse histograms in turn. Each
organisation counts as one independent observation. Writes the module that ``MODULE`` names.
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
from bench.latency_trial import run_trial
from sloengine.domain.recommendation.calibration_fit import fitted_beta
from sloengine.domain.recommendation.settings import EngineSettings

type Pair = tuple[float, float]
type Floats = npt.NDArray[np.float64]

FIRST_SEED = 20_000
ORGANIZATIONS = 252
SERVICES = 16
LATENCY_SERVICES = 6
HISTORIES = (14, 30, 90)
LATENCY_DAYS = 30
MODULE = Path("sloengine/domain/recommendation/shipped_calibration.py")
_TEXT = '''"""The recalibration maps an organisation starts with; written by ``python -m bench.shipped_map``.

Beta maps: attained(p) = I_p(a, b), learnt by penalised maximum likelihood on where outcomes lay in what the model
said of them. {provenance}
"""

from __future__ import annotations

AVAILABILITY_A = {availability[0]:.4f}
AVAILABILITY_B = {availability[1]:.4f}
LATENCY_A = {latency[0]:.4f}
LATENCY_B = {latency[1]:.4f}
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


def latency_levels(folder: Path, *, draw: bool, workers: int) -> Floats:
    """Level of every window and percentile, shape (organisations, windows)."""
    path = folder / "learn-latency.npy"
    if draw:
        with ProcessPoolExecutor(workers) as pool:
            found = list(pool.map(_latency, range(FIRST_SEED, FIRST_SEED + 2 * ORGANIZATIONS), chunksize=2))
        np.save(path, np.array(found))
    return np.asarray(np.load(path), dtype=np.float64)


def _latency(seed: int) -> Floats:
    unmapped = EngineSettings(n_latency_draws=1_024)
    trial = run_trial(seed, LATENCY_DAYS, services=LATENCY_SERVICES, fine=seed % 2 == 0, settings=unmapped)
    return trial.levels.ravel()


def module_text(windows: tuple[int, int], slow_windows: tuple[int, int], availability: Pair, latency: Pair) -> str:
    """The module. ``windows``: windows and organisations that the map was learnt on, latency's apart."""
    first, second, third = HISTORIES
    provenance = (
        f"Availability: {windows[0]:,} windows of\n{windows[1]} organisations with {first}, {second} and {third} "
        f"days of history; latency: {slow_windows[0]:,} windows of {slow_windows[1]}."
    )
    return _TEXT.format(
        provenance=provenance, availability=availability, latency=latency, organizations=windows[1]
    )


def main() -> None:
    """Draw if asked to, learn, write the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--save", type=Path, metavar="DIR")
    where.add_argument("--load", type=Path, metavar="DIR")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args()
    folder: Path = asked.save or asked.load
    folder.mkdir(parents=True, exist_ok=True)
    draw = asked.save is not None
    low, high, organizations = availability_levels(folder, draw=draw, workers=asked.workers)
    slow = latency_levels(folder, draw=draw, workers=asked.workers)
    known = slow[~np.isnan(slow)]
    availability = fitted_beta(low, high, organizations)
    latency = fitted_beta(known, known, len(slow))
    MODULE.write_text(module_text((len(low), organizations), (len(known), len(slow)), availability, latency))
    print(MODULE.read_text())


if __name__ == "__main__":
    main()
