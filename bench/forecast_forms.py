"""Maps of other forms from what the draws tell to what comes, on organisations that they were not learnt on.

Each organisation starts with what the others taught and goes on learning its own ratio, as the engine does. An
eighth of the organisations is left out at a time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from bench.forecast_drawn import Drawn
from bench.forecast_ratio import LEAST, coefficients, log_loss, log_odds, starting_levels
from bench.forecast_trial import corrections, finished_origins
from sloengine.domain.accuracy.clustered import clustered_mean
from sloengine.domain.forecast.conformal import AdaptiveLevels
from sloengine.domain.forecast.forecast import LEARN_ORIGINS
from sloengine.domain.forecast.learnt import Correction, FinishedOrigin
from sloengine.domain.forecast.probability_map import ProbabilityMap, fitted
from sloengine.domain.reliability.panel import FloatArray

BY_LEVELS, AT_START = "ratio of what the adaptive levels say", "ratio of what the shipped levels say"
FORMS = {
    "one ratio of what the draws say": ("one",),
    "logistic": ("one", "told"),
    "beta": ("one", "low", "high"),
    "ratio by what is spent": ("one", "spent"),
    "logistic by what is spent": ("one", "told", "spent"),
    "beta by what is spent": ("one", "low", "high", "spent"),
    "ratio by what is spent and a running incident": ("one", "spent", "running"),
}
_PARTS = 8
_SLOPES = ("told", "low", "high")


def compare(every: Sequence[Drawn]) -> None:
    """Print log loss and Brier score of each form less those of the first, and the band of 10 to 30 %."""
    given = _given(every)
    came = np.concatenate([drawn.outcome > 1.0 for drawn in every]).astype(float)
    label = np.concatenate([drawn.organization for drawn in every]).astype(np.int64)
    first = given[BY_LEVELS]
    print("on organisations left out; less the first form, x 10,000, and 10 to 30 % told: told, seen")
    for name, told in given.items():
        odds, before = log_odds(told), log_odds(first)
        off = np.logaddexp(0, odds) - came * odds - (np.logaddexp(0, before) - came * before)
        square = np.square(told - came) - np.square(first - came)
        inside = (told >= 0.1) & (told < 0.3)
        parts = [_shown(off, label), _shown(square, label)]
        seen = clustered_mean(came[inside], [label[inside]])
        band = f"{100 * told[inside].mean():.1f}, {100 * seen.value:.1f} [{_ends(seen.low, seen.high, 100)}]"
        print(f"  {name:46} log loss {log_loss(told, came):.5f}, {parts[0]}, Brier score {parts[1]}, band {band}")


def _given(every: Sequence[Drawn]) -> Mapping[str, FloatArray]:
    origins = [finished_origins(one, np.random.default_rng([9, int(one.organization[0])])) for one in every]
    found: dict[str, list[FloatArray]] = {
        name: [np.zeros(0)] * len(every) for name in (BY_LEVELS, AT_START, *FORMS)
    }
    for part in range(_PARTS):
        judged = range(part, len(every), _PARTS)
        taught = [place for place in range(len(every)) if place not in judged]
        levels = starting_levels([origins[place] for place in taught])
        ends = np.cumsum([0, *(len(every[place].outcome) for place in taught)])
        label = np.repeat([float(place) for place in taught], np.diff(ends))
        came = np.concatenate([every[place].outcome > 1.0 for place in taught]).astype(float)
        moving = [_by_levels(origins[place], levels) for place in taught]
        start = fitted(np.concatenate(moving), came, label, ProbabilityMap(), prior_weight=0.0)
        still = [1.0 - levels.true_level(1.0 - _told(every[place])) for place in taught]
        still_start = fitted(np.concatenate(still), came, label, ProbabilityMap(), prior_weight=0.0)
        for place in judged:
            found[BY_LEVELS][place] = _going_on(_by_levels(origins[place], levels), origins[place], start)
            told = 1.0 - levels.true_level(1.0 - _told(every[place]))
            found[AT_START][place] = _going_on(np.asarray(told), origins[place], still_start)
        for name, terms in FORMS.items():
            columns = np.concatenate([_columns(every[place], terms) for place in taught])
            offset = np.concatenate([_offset(every[place], terms) for place in taught])
            middle = np.array([float(term in _SLOPES) for term in terms])
            at = coefficients(columns, offset, came, label, middle)
            for place in judged:
                odds = _offset(every[place], terms) + _columns(every[place], terms) @ at
                found[name][place] = _going_on(1.0 / (1.0 + np.exp(-odds)), origins[place], ProbabilityMap())
    return {name: np.concatenate(parts) for name, parts in found.items()}


def _told(drawn: Drawn) -> FloatArray:
    return np.asarray((drawn.draws > 1.0).mean(axis=1))


def _offset(drawn: Drawn, terms: Sequence[str]) -> FloatArray:
    return np.zeros(len(drawn.outcome)) if set(terms) & set(_SLOPES) else log_odds(_told(drawn))


def _columns(drawn: Drawn, terms: Sequence[str]) -> FloatArray:
    told = np.clip(_told(drawn), LEAST, 1.0 - LEAST)
    every = {
        "one": np.ones(len(told)),
        "told": log_odds(told),
        "low": np.log(told),
        "high": -np.log1p(-told),
        "spent": np.clip(drawn.spent, 0.0, 1.0),
        "running": drawn.running,
    }
    return np.stack([every[term] for term in terms], axis=1)


def _by_levels(origins: Sequence[FinishedOrigin], levels: AdaptiveLevels) -> FloatArray:
    """What levels that follow each week say."""
    learnt = corrections(origins, Correction(levels, ProbabilityMap()))
    told = [1.0 - now.levels.true_level(one.within) for one, now in zip(origins, learnt, strict=True)]
    return np.concatenate(told)


def _going_on(told: FloatArray, origins: Sequence[FinishedOrigin], start: ProbabilityMap) -> FloatArray:
    """What is given out where the ratio goes on being learnt from the last quarter's origins that are over."""
    parts = np.split(told, np.cumsum([len(one.within) for one in origins])[:-1])
    given = []
    for place, now in enumerate(origins):
        over = [i for i in range(max(0, place - LEARN_ORIGINS), place) if origins[i].over_at <= now.made_at]
        own = start
        if over:
            ends = np.repeat([origins[i].over_at.timestamp() for i in over], [len(parts[i]) for i in over])
            came = np.concatenate([origins[i].ran_out for i in over])
            own = fitted(np.concatenate([parts[i] for i in over]), came, ends, start)
        given.append(own.of(parts[place]))
    return np.concatenate(given)


def _shown(values: FloatArray, label: npt.NDArray[np.int64]) -> str:
    mean = clustered_mean(values, [label])
    return f"{1e4 * mean.value:+.2f} [{_ends(mean.low, mean.high, 1e4)}]"


def _ends(low: float | None, high: float | None, scale: float) -> str:
    return "unknown" if low is None or high is None else f"{scale * low:+.1f}, {scale * high:+.1f}"
