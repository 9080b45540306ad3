"""What is ordinary for one hourly series: its rhythm, its memory, and how far it strays.

value = level + rhythm(hour of week) + memory (autoregressive) + innovation. Innovations become *scores*, standard
normal while nothing changes, by the series' own past: what it has done before is no surprise.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import ndtri

from sloengine.domain.drift.innovations import innovations, to_build_on
from sloengine.domain.drift.memory import memory_of
from sloengine.domain.reliability.panel import FloatArray

HOURS_A_WEEK, HOURS_A_DAY = 168, 24
MOST_SCORE = 8.0
"""No single hour says more than this, so that one cannot raise an alarm alone."""
FEWEST_DAYS = 5
"""On so many days, over a week or longer, an hour of the day must have had a value for the next to be judged."""
FEWEST_HOURS = FEWEST_DAYS * HOURS_A_DAY
"""Values that a baseline needs, at such hours."""
_A_WEEK_LATER = HOURS_A_WEEK - HOURS_A_DAY
"""From an hour of the first of seven days to that of the last: a weekend is among them."""
RULES = 2
"""Moves when scores mean something else; a baseline of older rules is learnt anew before it is judged by.
2: what is expected is carried across gaps."""
_YOUNG = 0.8
"""Scores of a baseline that has seen no four weeks count less: the weekend is not known to it yet."""
_RHYTHM_OUTLIER = 4.0
_REACH = 4.0
"""In standard deviations of the series."""
_DOUBT = 1.0
"""A harmonic counts as far as its power exceeds this many times what chance gives it."""
_NEIGHBOURS = 3
_FEWEST_REPLICATES = 2
_FEWEST_WEEKS = 3.8
"""Four, of which some hours may be missing."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """Learnt from the hours before ``fitted_to``; hours count from 1970-01-01T00 UTC.

    ``rhythm``: shape (168,) by hour of week or (24,) by hour of day, level included, NaN at hours of the day that
    were seen too rarely: nothing is said there. ``memory``: autoregressive coefficients, the last hour first.
    ``reference``: innovations of the fit, sorted. ``start_ratio``: sd of an innovation over that of the series;
    versions that know rules 1 only read it. ``reach``: a deviation beyond which an hour is not trusted to say more
    about the next. ``noise``: smallest unit of deviation. ``expected_ratio``: failures per request, for
    availability. ``rules``: those it was learnt by.
    """

    fitted_to: int
    rhythm: FloatArray
    memory: FloatArray
    reference: FloatArray
    start_ratio: float
    reach: float
    noise: float
    expected_ratio: float | None = None
    rules: int = RULES

    @property
    def unknown_hours(self) -> int:
        """Of the 24 of a day, those of which too little is known for values there to be judged."""
        return int(np.isnan(self.rhythm[:HOURS_A_DAY]).sum())

    def adjusted(self, values: FloatArray, first_hour: int) -> FloatArray:
        """Values without level and rhythm; shape (n_hours,), oldest first."""
        result: FloatArray = values - self.rhythm[_slots(first_hour, len(values), len(self.rhythm))]
        return result

    def scores(self, values: FloatArray, first_hour: int, before: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Scores of these hours, NaN without data, and the adjusted values that the next hour builds on.

        ``before``: adjusted values of the hours just before, as this returned them; empty at a start.
        """
        adjusted = np.concatenate((before, self.adjusted(values, first_hour)))
        fresh = innovations(adjusted, self.memory, self.reach, first=len(before))[len(before) :]
        careful = 1.0 if len(self.rhythm) == HOURS_A_WEEK else _YOUNG
        scores: FloatArray = careful * normal_scores(fresh, self.reference, self.noise)
        return scores, to_build_on(adjusted, len(self.memory))


def fit_baseline(
    values: FloatArray, first_hour: int, *, noise: float, expected_ratio: float | None = None
) -> Baseline | None:
    """The baseline of these hours, None when there are too few values.

    ``values``: shape (n_hours,), oldest first, NaN is no data. ``noise``: a deviation that is certainly none.
    """
    values = at_known_hours(values, first_hour)
    if int((~np.isnan(values)).sum()) < FEWEST_HOURS:
        return None
    slots = HOURS_A_WEEK if _knows_weeks(values, first_hour) else HOURS_A_DAY
    rhythm, spent = _rhythm(values, first_hour, slots)
    adjusted = values - rhythm[_slots(first_hour, len(values), slots)]
    memory = memory_of(adjusted)
    spread = float(np.nanstd(adjusted))
    reach = _REACH * spread
    fresh = innovations(adjusted, memory, reach, first=len(memory))
    fresh = fresh[~np.isnan(fresh)]
    innovation_sd = float(fresh.std())
    start_ratio = innovation_sd / spread if spread > 0 else 1.0
    # What the rhythm has fitted is missing from the innovations: without this, new hours would stray more.
    widened = fresh * np.sqrt((1 + spent) / max(1 - spent, 0.2))
    seen = np.isin(np.arange(slots) % HOURS_A_DAY, _slots(first_hour, len(values), HOURS_A_DAY)[~np.isnan(values)])
    return Baseline(
        fitted_to=first_hour + len(values),
        rhythm=np.where(seen, rhythm, np.nan),
        memory=memory,
        reference=np.sort(widened - np.median(widened)).astype(np.float32).astype(np.float64),
        start_ratio=min(1.0, start_ratio),
        reach=reach,
        noise=max(noise, 1e-9),
        expected_ratio=expected_ratio,
    )


def at_known_hours(values: FloatArray, first_hour: int) -> FloatArray:
    """Values at hours of the day that had one on five days and more over a week or longer, NaN elsewhere.

    Where one hour a day was seen for weeks and all of them for three days, the level and spread of most hours
    would be those of the one and of three weekdays, and the first night or weekend would be a change.
    """
    slot = _slots(first_hour, len(values), HOURS_A_DAY)
    at = np.flatnonzero(~np.isnan(values))
    count = np.bincount(slot[at], minlength=HOURS_A_DAY)
    oldest, newest = np.full(HOURS_A_DAY, len(values)), np.full(HOURS_A_DAY, -1)
    np.minimum.at(oldest, slot[at], at)
    np.maximum.at(newest, slot[at], at)
    is_known = (count >= FEWEST_DAYS) & (newest - oldest >= _A_WEEK_LATER)
    result: FloatArray = np.where(is_known[slot], values, np.nan)
    return result


def normal_scores(fresh: FloatArray, reference: FloatArray, noise: float) -> FloatArray:
    """Innovations by their rank in the reference as standard normal values, cut at ± ``MOST_SCORE``.

    Inside the reference the score is van der Waerden's (mid-ranks for ties); beyond its ends it goes on along the
    line from the median to the end, so that nothing is more extreme than the reference makes it. A score is never
    more than the distance from the median in units of ``noise``: among hours that hardly differ, such as those
    without any failure, a rank says nothing.
    Source: van der Waerden, Order tests for the two-sample problem, 1952.
    """
    n = len(reference)
    middle = (n - 1) / 2
    ranks = (np.searchsorted(reference, fresh, "left") + np.searchsorted(reference, fresh, "right")) / 2
    inside = np.interp(ranks, np.arange(n + 1), _grid_scores(n))
    end = ndtri((n - 0.5) / n)
    median = float(np.interp(middle, np.arange(n), reference))
    up = max((reference[-1] - median) / end, noise)
    down = max((median - reference[0]) / end, noise)
    scores = np.where(fresh > reference[-1], end * (reference[-1] > median) + (fresh - reference[-1]) / up, inside)
    scores = np.where(fresh < reference[0], -end * (reference[0] < median) - (reference[0] - fresh) / down, scores)
    most = np.minimum(np.abs(fresh - median) / noise, MOST_SCORE)
    result: FloatArray = np.clip(scores, -most, most)
    return result


@lru_cache(maxsize=64)
def _grid_scores(n: int) -> FloatArray:
    """Normal scores of the ranks 0 to n."""
    grid: FloatArray = ndtri((np.arange(n + 1) + 0.5) / (n + 1))
    return grid


def _knows_weeks(values: FloatArray, first_hour: int) -> bool:
    """Whether a mean week is one: of four weeks, and its hours seen twice and more on average.

    Weeks count by their values: (Σ n)²/Σ n² of their numbers n, as many weeks as equally full ones would say as
    much. In two weeks a wave of some days looks like a rhythm, and the next week without it like a change,
    however long ago single hours were seen.
    """
    if len(values) < 4 * HOURS_A_WEEK:
        return False
    at = np.flatnonzero(~np.isnan(values))
    a_week = np.bincount((len(values) - 1 - at) // HOURS_A_WEEK)
    if a_week.sum() ** 2 < _FEWEST_WEEKS * (a_week**2).sum():
        return False
    times = np.bincount(_slots(first_hour, len(values), HOURS_A_WEEK)[at])
    times = times[times > 0]
    # The median too: hours that were seen for weeks do not make a rhythm of those that were seen once.
    return bool(min(np.mean(times), np.median(times)) >= _FEWEST_REPLICATES)


def _slots(first_hour: int, n: int, slots: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    # 1970-01-01 was a Thursday; which hour of the week comes first does not matter.
    return np.arange(first_hour, first_hour + n, dtype=np.int64) % slots


def _rhythm(values: FloatArray, first_hour: int, slots: int) -> tuple[FloatArray, float]:
    """Level and rhythm by slot, and the share of the noise that the rhythm has taken up.

    The mean week (or day) is kept harmonic by harmonic, each as far as it stands out from how much it varies from
    one week to the next (Wiener's filter): a weekend stays whole, chance does not become a pattern. Hours far out
    are pulled in first, missing ones stand at their slot's mean.
    """
    known = ~np.isnan(values)
    centre = float(np.median(values[known]))
    mad = float(np.median(np.abs(values[known] - centre))) * 1.4826
    width = _RHYTHM_OUTLIER * mad if mad > 0 else np.inf
    left = np.where(known, np.clip(np.where(known, values, centre) - centre, -width, width), np.nan)
    slot = _slots(first_hour, len(values), slots)
    count = np.bincount(slot[known], minlength=slots)
    means = np.bincount(slot[known], left[known], minlength=slots) / np.maximum(count, 1)
    means[count == 0] = float(left[known].mean())
    # Whole cycles back from the end, so that each is a replicate of the rhythm.
    cycles = len(values) // slots
    tail = slice(len(values) - cycles * slots, None)
    whole = np.where(known[tail], left[tail], means[slot[tail]]).reshape(cycles, slots)
    start = int(slot[tail][0])
    waves = np.fft.rfft(whole, axis=1) / slots
    mean_wave = waves.mean(axis=0)
    by_chance = (np.abs(waves - mean_wave) ** 2).sum(axis=0) / max(cycles - 1, 1) / cycles
    understated = _understated(known[tail].reshape(cycles, slots))
    by_chance[1:] = _smoothed(by_chance[1:]) * understated
    power = np.abs(mean_wave) ** 2
    kept = np.maximum(0.0, 1.0 - _DOUBT * by_chance / np.where(power > 0, power, np.inf))
    kept[power <= 0] = 0.0
    kept[0] = 1.0
    shape = np.fft.irfft(kept * mean_wave * slots, n=slots)
    rhythm = centre + np.roll(shape, start)
    spent = (1.0 + 2.0 * float(kept[1:].sum())) / max(1, int(known[tail].sum()))
    return rhythm, min(spent, 0.5)


def _understated(known: np.ndarray[tuple[int, int], np.dtype[np.bool_]]) -> float:
    """How many times more a mean cycle varies by chance than is seen from one cycle to the next.

    What is missing stands at its slot's mean, so it seems not to vary at all, while a mean of fewer varies more.
    With c of C cycles known in a slot, variance s² of a value: (c − 1) s² is seen in place of (C − 1) s², and the
    mean varies by s²/c, not s²/C; a slot of which nothing is known stands still. ``known``: shape (cycles, slots),
    at least one slot of it more than once.
    """
    if known.all():
        return 1.0
    cycles = len(known)
    count = known.sum(axis=0)
    seen = float(np.maximum(count - 1, 0).mean())
    return float(np.where(count > 0, 1 / np.maximum(count, 1), 0.0).mean()) * cycles * (cycles - 1) / seen


def _smoothed(power: FloatArray) -> FloatArray:
    """Mean over neighbouring harmonics: so few cycles say little about one of them alone."""
    reach = min(_NEIGHBOURS, len(power) - 1)
    padded = np.pad(power, reach, mode="reflect")
    result: FloatArray = np.convolve(padded, np.ones(2 * reach + 1) / (2 * reach + 1), mode="valid")
    return result
