"""The latency part of ``python -m bench.shipped_map``: how often what the model says has held, counted.

128 organisations as the shipped prior expects them and 128 that are unlike it (16 of each of eight worlds of
``bench/latency_organizations.py``), each with 14, 30 and 90 days of history, looked at over windows of 7 and 28
days in 24 futures. Numbers from 30,000 and 31,000 on; ``bench.latency_shared`` judges on others. Each
organisation is one independent observation. A map tightens only as far as is certain: to the lower end of the
95 % interval of the share attained, and not at all where that lies below the level itself.
"""

from __future__ import annotations

import textwrap
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.stats import t as student

from bench.latency_organizations import OFF_WORLDS, USUAL, levels_of, play
from bench.latency_trial import KINDS
from sloengine.domain.recommendation.settings import EngineSettings

type Floats = npt.NDArray[np.float64]

HISTORIES, WINDOWS = (14, 30, 90), (7, 28)
LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.925, 0.95, 0.97, 0.98, 0.99, 0.995)
FIRST_USUAL, FIRST_OFF, ORGANIZATIONS = 30_000, 31_000, 128
LOOKED_AT, FUTURES = 12, 24
MODULE = Path("sloengine/domain/recommendation/shipped_latency_calibration.py")
_APART = 1e-4
_TEXT = '''"""Recalibration maps of latency that an organisation starts with; ``bench.shipped_map`` writes them.

Share of windows in which targets at each of ``LEVELS`` of the model held, counted in {organizations} simulated
organisations, half of them unlike what the shipped prior expects; where it is above the level, the lower end of
its 95 % interval, and not below the level. One row for each history, in it one for each window.
"""

from __future__ import annotations

ORGANIZATIONS = {organizations}
SOURCE = "shipped map, learnt on {organizations} simulated organisations"
HISTORY_DAYS = {histories}
WINDOW_DAYS = {windows}
# fmt: off
LEVELS = {levels}
P95_ATTAINED = {p95}
P99_ATTAINED = {p99}
# fmt: on
'''


def learn_latency(folder: Path, *, draw: bool, workers: int) -> str:
    """The module's text. ``folder``: where what is drawn is kept, or was."""
    tables = np.stack([_shares(folder, days, draw=draw, workers=workers) for days in HISTORIES])
    return module_text(attained_of(tables), tables.shape[1])


def attained_of(shares: Floats) -> Floats:
    """What is shipped, shape (percentiles, histories, windows, levels).

    ``shares``: attained by each organisation, shape (histories, organisations, windows, percentiles, levels).
    """
    count, levels = shares.shape[1], np.array(LEVELS)
    mean = shares.mean(axis=1)
    error = shares.std(axis=1, ddof=1) / np.sqrt(count)
    lower = mean - student.ppf(0.975, count - 1) * error
    kept = np.minimum(mean, np.maximum(lower, levels))
    apart = np.maximum.accumulate(kept, axis=-1) + _APART * np.arange(len(levels))
    return np.moveaxis(np.round(np.minimum(apart, 1 - _APART * np.arange(len(levels), 0, -1)), 4), 2, 0)


def _shares(folder: Path, days: int, *, draw: bool, workers: int) -> Floats:
    """Share attained by each organisation, shape (organisations, windows, percentiles, levels)."""
    path = folder / f"learn-latency-{days}.npy"
    if draw:
        jobs = [(FIRST_USUAL + i, -1) for i in range(ORGANIZATIONS)]
        jobs += [(FIRST_OFF + i, i % len(OFF_WORLDS)) for i in range(ORGANIZATIONS)]
        share = partial(_share, days=days)
        if workers == 1:
            np.save(path, np.array([share(job) for job in jobs]))
        else:
            with ProcessPoolExecutor(workers) as pool:
                np.save(path, np.array(list(pool.map(share, jobs, chunksize=4))))
        print(f"{days} days of history: {len(jobs)} organisations drawn", flush=True)
    return np.asarray(np.load(path), dtype=np.float64)


def _share(job: tuple[int, int], days: int) -> Floats:
    seed, world = job
    settings = EngineSettings(n_latency_draws=1_024)
    played = play(seed, days, FUTURES, world=USUAL if world < 0 else OFF_WORLDS[world], windows=WINDOWS)
    played = replace(played, names=played.names[:LOOKED_AT])
    found = np.full((len(WINDOWS), len(KINDS), len(LEVELS)), np.nan)
    for w, window in enumerate(WINDOWS):
        levels, _ = levels_of(played, window, settings)
        for k in range(len(KINDS)):
            known = levels[:, k][~np.isnan(levels[:, k])]
            found[w, k] = (known[:, None] <= np.array(LEVELS)).mean(axis=0)
    return found


def module_text(attained: Floats, organizations: int) -> str:
    """The module that ships these."""
    p95, p99 = (_nested(kind) for kind in attained)
    return _TEXT.format(
        organizations=organizations,
        histories=repr(tuple(map(float, HISTORIES))),
        windows=repr(tuple(map(float, WINDOWS))),
        levels=source_of(np.array(LEVELS), ""),
        p95=p95,
        p99=p99,
    )


def _nested(table: Floats) -> str:
    """Source of nested tuples, shape (histories, windows, levels)."""
    cells = "".join(
        f"    (\n{''.join(f'        {source_of(row, " " * 8)},{chr(10)}' for row in cell)}    ),\n"
        for cell in table
    )
    return f"(\n{cells})"


def source_of(values: Floats, indent: str) -> str:
    """Source of one tuple, in lines that are not too long."""
    numbers = ", ".join(f"{value:.4g}" for value in values.tolist())
    lines = textwrap.wrap(numbers, 100)
    return "(" + f"\n{indent} ".join(lines) + ")"
