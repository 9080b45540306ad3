"""Watching one series hour by hour: score, let three detectors vote, confirm where two agree.

A value of state goes in, another comes out; nothing is kept elsewhere. Detectors are run again over the scores
since their last start, so that their state is those scores: it outlives restarts and versions of the library.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from sloengine.domain.drift.baseline import (
    HOURS_A_DAY,
    HOURS_A_WEEK,
    RULES,
    Baseline,
    fit_baseline,
    normal_scores,
)
from sloengine.domain.drift.kolmogorov_smirnov import WINDOW, critical_distance, distances
from sloengine.domain.drift.model import Change, Detector, FindAlarms, HourlySeries
from sloengine.domain.reliability.panel import FloatArray

LEARNING_HOURS = HOURS_A_WEEK
"""How long a new series, or a new behaviour, is only looked at."""
REFERENCE_HOURS = 8 * HOURS_A_WEEK
MEMORY_HOURS = 3 * HOURS_A_WEEK
"""Scores that detectors start from; between two fits up to a week more."""
SCORE_STEPS = 4096
"""Scores are multiples of 1/4096, so that they fit into two bytes and a stored one is the same."""
WIDEST_GAP = 2
"""A window of so many values may stretch over this many times as many hours."""
_STREAMING = (Detector.PAGE_HINKLEY, Detector.ADWIN)


@dataclass(frozen=True, slots=True)
class Ballot:
    """Who may vote, how many have to agree, and within how many hours."""

    detectors: tuple[Detector, ...] = tuple(Detector)
    needed: int = 2
    horizon: int = 48


TWO_OF_THREE = Ballot()


@dataclass(frozen=True, slots=True)
class Watch:
    """All that is remembered of a series; hours count from 1970 UTC.

    ``reached``: hours before it have been judged. ``learnt_from``: what was before belongs to another behaviour.
    ``judged_from``: hours before it were learnt, not judged, so nothing can have begun in them.
    ``scores``: of the hours just before ``reached``, NaN without data. ``before``: adjusted values of the last of
    them, as many as tell of the next. ``restarts``: the hour from which each streaming detector counts.
    ``votes``: each detector's last alarm.
    """

    reached: int
    learnt_from: int
    judged_from: int = 0
    baseline: Baseline | None = None
    before: FloatArray = field(default_factory=lambda: np.empty(0))
    scores: FloatArray = field(default_factory=lambda: np.empty(0))
    restarts: Mapping[Detector, int] = field(default_factory=dict)
    votes: Mapping[Detector, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LookBack:
    """What a series showed. ``learnt_from``, ``judged_from``: hours since 1970; ``changes``: oldest first.

    ``watch``: what is remembered at its end.
    """

    learnt_from: int
    judged_from: int
    changes: tuple[Change, ...]
    watch: Watch


def begin(series: HourlySeries, until: int, *, judged: int) -> Watch | None:
    """Start watching: the last ``judged`` hours are to be judged, by what came before; None: too young.

    At least a week is learnt from; a series shorter than both is judged from its second half on.
    """
    known = np.flatnonzero(~np.isnan(series.between(series.first_hour, until).values))
    if not len(known):
        return None
    first = max(series.first_hour + int(known[0]), until - judged - REFERENCE_HOURS)
    if until - first <= LEARNING_HOURS:
        return None
    learnt = max(LEARNING_HOURS, min((until - first) // 2, 4 * HOURS_A_WEEK), until - judged - first)
    return Watch(reached=first + min(learnt, until - first), learnt_from=first)


def is_due(watch: Watch, offset: int) -> bool:
    """Whether the baseline is to be learnt anew before the next hour: weekly, at an hour of its own.

    ``offset``: spreads series over the week. While there is none: a week after its behaviour began, then daily.
    One of older rules at once.
    """
    if watch.baseline is None:
        since = watch.reached - watch.learnt_from
        return since >= LEARNING_HOURS and since % HOURS_A_DAY == 0
    if watch.baseline.rules < RULES:
        return True
    return _week(watch.reached, offset) > _week(watch.baseline.fitted_to, offset)


def hours_needed(watch: Watch, until: int, offset: int) -> int:
    """The first hour that ``advance`` will look at."""
    if is_due(watch, offset) or _next_stop(watch, until, offset) < until:
        return max(watch.learnt_from, watch.reached - REFERENCE_HOURS)
    return watch.reached


def measured(change: Change, series: HourlySeries) -> Change:
    """The change with the levels before and after it, as far back as the series goes: four weeks at most."""
    started, end = change.started_hour, change.detected_hour + 1
    return replace(change, before=series.level_before(started, end), after=series.level(started, end))


def advance(
    watch: Watch,
    series: HourlySeries,
    until: int,
    find_alarms: FindAlarms,
    *,
    offset: int = 0,
    ballot: Ballot = TWO_OF_THREE,
) -> tuple[Watch, tuple[Change, ...]]:
    """Judge the hours before ``until``; the watch afterwards and the changes confirmed on the way, oldest first.

    ``series``: at least from ``hours_needed`` on. Calling it again with the result changes nothing.
    """
    changes: list[Change] = []
    while watch.reached < until:
        if is_due(watch, offset):
            watch = _learn(watch, series)
        end = _next_stop(watch, until, offset)
        if watch.baseline is None:
            watch = replace(watch, reached=end)
            continue
        watch, change = _judge(watch, watch.baseline, series, end, find_alarms, ballot)
        if change is not None:
            changes.append(change)
    return watch, tuple(changes)


def look_back(series: HourlySeries, find_alarms: FindAlarms) -> LookBack | None:
    """Judge a whole series by its own beginning; None where no hour of it can be.

    Either it is shorter than what is learnt from, or its values are too sparse for a baseline: then "no change"
    would be said of what nobody has looked at.
    """
    watch = begin(series, series.ends, judged=len(series.values))
    if watch is None:
        return None
    found: list[Change] = []
    learnt_from = judged_from = watch.reached
    # Hour by hour until there is a baseline, so that the first hour that is judged is known.
    while watch.baseline is None and not found:
        if watch.reached >= series.ends:
            return None
        learnt_from, judged_from = watch.learnt_from, watch.reached
        watch, some = advance(watch, series, watch.reached + 1, find_alarms)
        found.extend(some)
    watch, later = advance(watch, series, series.ends, find_alarms)
    return LookBack(learnt_from, judged_from, (*found, *later), watch)


def _week(hour: int, offset: int) -> int:
    return (hour + offset) // HOURS_A_WEEK


def _next_stop(watch: Watch, until: int, offset: int) -> int:
    """The next hour at which the baseline may be due, or the end."""
    if watch.baseline is None:
        since = watch.reached - watch.learnt_from
        tries = LEARNING_HOURS if since < LEARNING_HOURS else (since // HOURS_A_DAY + 1) * HOURS_A_DAY
        return min(until, watch.learnt_from + tries)
    return min(until, (_week(watch.reached, offset) + 1) * HOURS_A_WEEK - offset)


def _learn(watch: Watch, series: HourlySeries) -> Watch:
    """The watch with a baseline of its past, if that carries one; else as it was."""
    past = series.between(max(watch.learnt_from, watch.reached - REFERENCE_HOURS), watch.reached)
    ratio = past.expected_ratio()
    fitted = fit_baseline(past.comparable(ratio), past.first_hour, noise=past.least_change(), expected_ratio=ratio)
    if fitted is None:
        return watch
    learnt, before = fitted.scores(past.comparable(ratio), past.first_hour, np.empty(0))
    if watch.baseline is None:
        scores = _in_steps(learnt[-MEMORY_HOURS:])
        restarts = dict.fromkeys(_STREAMING, watch.reached - len(scores))
        return replace(
            watch,
            judged_from=watch.reached,
            baseline=fitted,
            before=before,
            scores=scores,
            restarts=restarts,
        )
    return replace(watch, baseline=fitted, before=before, scores=watch.scores[-MEMORY_HOURS:])


def _judge(
    watch: Watch, baseline: Baseline, series: HourlySeries, end: int, find_alarms: FindAlarms, ballot: Ballot
) -> tuple[Watch, Change | None]:
    """Score [reached, end), and go as far as the first confirmed change."""
    part = series.between(watch.reached, end)
    values = np.full(end - watch.reached, np.nan)
    values[: len(part.values)] = part.comparable(baseline.expected_ratio)
    fresh, before = baseline.scores(values, watch.reached, watch.before)
    scores = np.concatenate((watch.scores, _in_steps(fresh)))
    first = end - len(scores)
    alarms = {
        detector: _alarms(detector, scores, first, watch.restarts.get(detector, first), find_alarms)
        for detector in _STREAMING
        if detector in ballot.detectors
    }
    if Detector.KOLMOGOROV_SMIRNOV in ballot.detectors:
        # Only windows that end in a new hour are looked at.
        recent = max(first, watch.reached - WIDEST_GAP * WINDOW)
        alarms[Detector.KOLMOGOROV_SMIRNOV] = _window_alarms(scores[recent - first :], recent, baseline)
    votes, restarts = dict(watch.votes), dict(watch.restarts)
    events = sorted(
        (hour, detector) for detector, hours in alarms.items() for hour in hours if hour >= watch.reached
    )
    for hour, detector in events:
        votes[detector] = hour
        if detector in _STREAMING:
            restarts[detector] = hour + 1
        agreeing = tuple(one for one in Detector if one in votes and hour - votes[one] < ballot.horizon)
        if len(agreeing) >= ballot.needed:
            started = _start(scores[max(0, watch.judged_from - first) : hour + 1 - first], hour + 1)
            change = Change(detected_hour=hour, started_hour=started, votes=agreeing, before=None, after=None)
            change = measured(change, series)
            return Watch(reached=hour + 1, learnt_from=max(started, hour + 1 - HOURS_A_DAY)), change
    return replace(watch, reached=end, before=before, scores=scores, votes=votes, restarts=restarts), None


def _in_steps(scores: FloatArray) -> FloatArray:
    clipped: FloatArray = (
        np.clip(np.round(scores * SCORE_STEPS), 1 - 8 * SCORE_STEPS, 8 * SCORE_STEPS - 1) / SCORE_STEPS
    )
    return clipped


def _alarms(
    detector: Detector, scores: FloatArray, first: int, restart: int, find_alarms: FindAlarms
) -> list[int]:
    begin = max(restart, first)
    counted = scores[begin - first :]
    known = np.flatnonzero(~np.isnan(counted))
    return [begin + int(known[position]) for position in find_alarms(detector, counted[known].tolist())]


def _window_alarms(scores: FloatArray, first: int, baseline: Baseline) -> list[int]:
    """Hours whose last values are not drawn from the reference."""
    known = np.flatnonzero(~np.isnan(scores))
    if len(known) < WINDOW:
        return []
    windows = np.lib.stride_tricks.sliding_window_view(_coarse(scores[known]), WINDOW)
    hours = known[WINDOW - 1 :]
    dense = hours - known[: len(hours)] < WIDEST_GAP * WINDOW
    reference = _coarse(normal_scores(baseline.reference, baseline.reference, baseline.noise))
    far = distances(windows, reference) > critical_distance(WINDOW, len(reference))
    return [first + int(hour) for hour in hours[dense & far]]


def _coarse(scores: FloatArray) -> FloatArray:
    """In quarters: the test looks at ranks only, and would take differences that are none for proof."""
    rounded: FloatArray = np.round(4 * scores) / 4
    return rounded


def _start(scores: FloatArray, end: int) -> int:
    """The hour from which on the mean of the scores before ``end`` stands out most: the likeliest start of a step.

    Source: Page, Continuous inspection schemes, Biometrika 1954; the likelihood ratio for an unknown size.
    """
    recent = np.nan_to_num(scores[-HOURS_A_WEEK:])
    sums = np.cumsum(recent[::-1])
    likelihood = sums**2 / np.arange(1, len(recent) + 1)
    return end - int(np.argmax(likelihood)) - 1
