"""The latency part of ``python -m bench.shipped_map``: how often what the model says has held, counted.

256 organisations as the shipped prior expects them and 256 that are unlike it (32 of each of eight worlds of
``bench/latency_organizations.py``), each with 14, 30 and 90 days of history, looked at over windows of 7 and 28
days in 24 futures. Numbers from 30,000 and 31,000 on; ``bench.latency_shared`` judges on others. Each
organisation is one independent observation, also where only some of its services count. A map tightens only as
far as is certain: to the lower end of the 95 % interval of the share attained, and not at all where that lies
below the level itself. And no farther than lets each unusual kind of world hold within ``MAY_LACK`` of it.

By how often and how long the model believes a service to get slow, what it says is *tilted* before it is counted:
moved in log-odds by ``TILT`` for each unit of the logarithm of spells a day, in spells of usual length. Counted
alone, without a tilt, organisations of which little is known would have the tighter map the more was seen, because
in usual worlds that was bad luck; in unusual ones it is none, and a worse record could look better.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit
from scipy.stats import t as student

from bench.latency_organizations import OFF_WORLDS, USUAL, levels_of, play
from bench.latency_trial import KINDS
from sloengine.domain.recommendation.model import ObjectiveKind
from sloengine.domain.recommendation.settings import EngineSettings

type Floats = npt.NDArray[np.float64]

HISTORIES, WINDOWS = (14, 30, 90), (7, 28)
MIDDLE_SPELLS_PER_DAY = 0.03
SPELLS_PER_DAY = tuple(round(MIDDLE_SPELLS_PER_DAY * float(np.exp(z)), 4) for z in (-1.5, -0.75, 0.0, 0.75, 1.5))
TILT = 0.5
TILTED_BELOW = {ObjectiveKind.LATENCY_P95: 0.999, ObjectiveKind.LATENCY_P99: 0.985}
"""From 0.95 up to these levels the tilt fades: Conservative p99 lies where histograms end, and with more asked of
the model there many services had no target."""
LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.925, 0.95, 0.97, 0.98, 0.99, 0.995)
FIRST_USUAL, FIRST_OFF, ORGANIZATIONS = 30_000, 31_000, 256
LOOKED_AT, FUTURES = 12, 24
MODULE = Path("sloengine/domain/recommendation/shipped_latency_calibration.py")
MAY_LACK = tuple(np.interp(LEVELS, [0.8, 0.92, 0.98], [0.07, 0.03, 0.02]).tolist())
"""How much less than a level each unusual kind of world may hold in the mean: the goals, and half a point more
for Conservative, whose level would have to come near 1."""
HIGHEST_HOLDS = 0.983
"""Share that the highest of ``LEVELS`` is taken to hold at least: Conservative asks for 0.98, and above that level
no target is made. A tilt may not take it away."""
_APART = 1e-4
_KNOTS = np.array([0.0, *LEVELS, 1.0])
_TEXT = '''"""Recalibration maps of latency that an organisation starts with; ``bench.shipped_map`` writes them.

Share of windows in which targets at each of ``LEVELS`` of the model held, counted in {organizations} simulated
organisations, half of them unlike what the shipped prior expects; where it is above the level, the lower end of
its 95 % interval, and not below the level; no more than each unusual kind of world allows. By how many slow
spells a day the model expects, in spells of usual length, in it one row for each history, in it one for each
window; more frequent or longer spells never make a map tighter.
"""

from __future__ import annotations

ORGANIZATIONS = {organizations}
SOURCE = "shipped map, learnt on {organizations} simulated organisations"
SPELLS_PER_DAY = {rates}
HISTORY_DAYS = {histories}
WINDOW_DAYS = {windows}
# fmt: off
LEVELS = {levels}
P95_ATTAINED = {p95}
P99_ATTAINED = {p99}
# fmt: on
'''


@dataclass(frozen=True)
class Drawn:
    """What was counted: share attained by each service, shape (organisations, services, windows, percentiles,
    levels); slow spells a day that the model expects of it, and the same in spells of usual length, shape
    (organisations, services).
    """

    shares: Floats
    rates: Floats
    spells: Floats


def learn_latency(folder: Path, *, draw: bool, workers: int) -> str:
    """The module's text. ``folder``: where what is drawn is kept, or was."""
    drawn = [drawn_shares(folder, days, draw=draw, workers=workers) for days in HISTORIES]
    attained = np.array(
        [
            [
                [attained_of(one.shares[:, :, w, k], one.spells, worlds(), kind) for w in range(len(WINDOWS))]
                for one in drawn
            ]
            for k, kind in enumerate(KINDS)
        ]
    )
    return module_text(np.moveaxis(attained, 3, 1), len(drawn[0].rates))


def attained_of(
    shares: Floats, spells: Floats, kinds: npt.NDArray[np.int64], percentile: ObjectiveKind = KINDS[0]
) -> Floats:
    """What is shipped for one percentile, history and window, shape (len(SPELLS_PER_DAY), levels).

    ``shares``: attained by each service, shape (organisations, services, levels); ``spells``: slow spells a day
    that the model expects of it, in spells of usual length, shape (organisations, services); ``kinds``: unusual
    world of each organisation, -1 for the usual one, shape (organisations,).
    """
    told = tilted(shares, steps(spells), percentile)
    kept = certain_share(told, np.ones_like(spells))
    for kind in np.unique(kinds[kinds >= 0]):
        kept = np.minimum(kept, told[kinds == kind].mean(axis=(0, 1)) + MAY_LACK)
    odds = np.linspace(-12.0, 12.0, 4_801)
    asked = (asked_of(odds, step, percentile) for step in steps(np.array(SPELLS_PER_DAY)))
    levels = (expit(np.interp(logit(np.array(LEVELS)), of_model, odds)) for of_model in asked)
    table = np.array([np.interp(level, _KNOTS, [0.0, *kept, 1.0]) for level in levels])
    table[:, -1] = np.maximum(table[:, -1], HIGHEST_HOLDS)
    return apart(table)


def steps(spells: Floats) -> Floats:
    """Logarithm over the middle of ``SPELLS_PER_DAY``, between its ends."""
    return np.asarray(np.log(np.clip(spells, SPELLS_PER_DAY[0], SPELLS_PER_DAY[-1]) / MIDDLE_SPELLS_PER_DAY))


def asked_of(odds: Floats, step: Floats, percentile: ObjectiveKind) -> Floats:
    """Log-odds that are asked of the model where ``odds`` are wanted; ascending in both, see :func:`steps`."""
    start, end = logit(0.95), logit(TILTED_BELOW[percentile])
    return np.asarray(odds + TILT * step * np.clip((end - odds) / (end - start), 0.0, 1.0))


def tilted(shares: Floats, step: Floats, percentile: ObjectiveKind = KINDS[0]) -> Floats:
    """Shares attained where each service is asked for the levels that the tilt asks of it; as ``shares``.

    ``step``: of each service, shape (organisations, services).
    """
    levels = expit(asked_of(logit(np.array(LEVELS)), step[..., None], percentile))
    ends = np.zeros((*shares.shape[:2], 1)), np.ones((*shares.shape[:2], 1))
    known = np.concatenate([ends[0], shares, ends[1]], axis=2)
    left = np.clip(np.searchsorted(_KNOTS, levels, side="right") - 1, 0, len(_KNOTS) - 2)
    part = (levels - _KNOTS[left]) / (_KNOTS[left + 1] - _KNOTS[left])
    low, high = (np.take_along_axis(known, at, axis=2) for at in (left, left + 1))
    return np.asarray(low + part * (high - low))


def spell_weights(spells: Floats, knots: Sequence[float] = SPELLS_PER_DAY) -> Floats:
    """How much the map of each of ``knots`` counts for each service, shape (len(knots), *spells.shape)."""
    rows = np.eye(len(knots))
    return np.array([np.interp(np.log(spells), np.log(knots), row) for row in rows])


def apart(kept: Floats) -> Floats:
    """The same, rounded and strictly ascending within (0, 1) along the levels, the last axis."""
    count = len(LEVELS)
    ascending = np.maximum.accumulate(kept, axis=-1) + _APART * np.arange(count)
    return np.asarray(np.round(np.minimum(ascending, 1 - _APART * np.arange(count, 0, -1)), 4))


def certain_share(shares: Floats, weight: Floats) -> Floats:
    """Share attained at each level, or as much of it as is certain; shape (levels,).

    A ratio of sums over organisations: its variance is that of the sums' residuals (Cochran 1977, "Sampling
    Techniques", section 2.11); degrees of freedom by the organisations that count (Kish's effective number).
    ``weight``: of each service, shape (organisations, services).
    """
    held, size = (weight[..., None] * shares).sum(axis=1), weight.sum(axis=1)
    mean = held.sum(axis=0) / size.sum()
    count = len(size)
    residual = held - size[:, None] * mean
    error = np.sqrt((residual**2).sum(axis=0) * count / (count - 1)) / size.sum()
    effective = float(size.sum() ** 2 / (size**2).sum())
    lower = mean - student.ppf(0.975, max(effective - 1, 1)) * error
    return np.asarray(np.minimum(mean, np.maximum(lower, LEVELS)))


def organizations() -> list[tuple[int, int]]:
    """Number of each, and its world among ``OFF_WORLDS``, -1 for the usual one."""
    usual = [(FIRST_USUAL + i, -1) for i in range(ORGANIZATIONS)]
    return usual + [(FIRST_OFF + i, i % len(OFF_WORLDS)) for i in range(ORGANIZATIONS)]


def worlds() -> npt.NDArray[np.int64]:
    """World of each of :func:`organizations`."""
    return np.array([world for _, world in organizations()])


def drawn_shares(folder: Path, days: int, *, draw: bool, workers: int) -> Drawn:
    """What was counted with so many days of history."""
    path = folder / f"learn-latency-{days}.npz"
    if draw:
        share, jobs = partial(_share, days=days), organizations()
        if workers == 1:
            _save(path, [share(job) for job in jobs])
        else:
            with ProcessPoolExecutor(workers) as pool:
                _save(path, list(pool.map(share, jobs, chunksize=4)))
        print(f"{days} days of history: {len(jobs)} organisations drawn", flush=True)
    with np.load(path) as kept:
        return Drawn(kept["shares"], kept["rates"], kept["spells"])


def _save(path: Path, found: Sequence[tuple[Floats, Floats]]) -> None:
    rates = np.array([one[1] for one in found])
    np.savez_compressed(
        path, shares=np.array([one[0] for one in found]), rates=rates[..., 0], spells=rates[..., 1]
    )


def _share(job: tuple[int, int], days: int) -> tuple[Floats, Floats]:
    seed, world = job
    settings = EngineSettings(n_latency_draws=1_024)
    played = play(seed, days, FUTURES, world=USUAL if world < 0 else OFF_WORLDS[world], windows=WINDOWS)
    played = replace(played, names=played.names[:LOOKED_AT])
    found = [levels_of(played, window, settings) for window in WINDOWS]
    shares = np.stack([(levels[..., None] <= np.array(LEVELS)).mean(axis=2) for levels, _, _ in found], axis=1)
    rates = found[0][2]
    if np.isnan(rates).any():
        raise ValueError(f"organisation {seed}: a service has no recommendation")
    return shares, rates


def module_text(attained: Floats, organizations: int) -> str:
    """The module that ships these, shape (percentiles, rates, histories, windows, levels)."""
    p95, p99 = (_nested(kind.tolist(), "") for kind in attained)
    return _TEXT.format(
        organizations=organizations,
        rates=repr(SPELLS_PER_DAY),
        histories=repr(tuple(map(float, HISTORIES))),
        windows=repr(tuple(map(float, WINDOWS))),
        levels=source_of(np.array(LEVELS), ""),
        p95=p95,
        p99=p99,
    )


def _nested(table: list[object], indent: str) -> str:
    """Source of nested tuples."""
    if not isinstance(table[0], list):
        return source_of(np.array(table, dtype=np.float64), indent)
    inner = indent + " " * 4
    parts = "".join(f"{inner}{_nested(part, inner)},\n" for part in table if isinstance(part, list))
    return f"(\n{parts}{indent})"


def source_of(values: Floats, indent: str) -> str:
    """Source of one tuple, in lines that are not too long."""
    numbers = ", ".join(f"{value:.4g}" for value in values.tolist())
    lines = textwrap.wrap(numbers, 100)
    return "(" + f"\n{indent} ".join(lines) + ")"
