"""Would any objective have held? Past windows, the alerts that would have fired, and the worst stretches."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np

from sloengine.domain.recommendation.availability_replay import own_series
from sloengine.domain.recommendation.latency_days import percentile_seconds
from sloengine.domain.recommendation.latency_replay import LatencySeries, latency_series
from sloengine.domain.recommendation.replayed import Backtest, BacktestAlert, WorstWindow
from sloengine.domain.reliability.burn_alerts import BurnRateRule, burn_rate_rules, fired_alerts
from sloengine.domain.reliability.panel import FloatArray, LatencyHistory, SliPanel
from sloengine.domain.reliability.percent import percent_from_ratio
from sloengine.domain.reliability.replay import window_sums
from sloengine.domain.reliability.window import ComplianceWindow
from sloengine.domain.reliability.worst_windows import length_text, worst_stretches

_DAY = timedelta(days=1)


def backtest_availability(
    panel: SliPanel,
    service_id: str,
    target_ratio: float,
    window: ComplianceWindow,
    *,
    as_of: datetime,
    lookback_days: int,
) -> Backtest | None:
    """Replay an availability target over the intervals before as-of; None without a single request.

    Raises: ValueError, if the target is not within (0, 1).
    """
    series = own_series(panel, service_id, as_of=as_of, lookback_days=lookback_days, window=window.length)
    if not np.nansum(series.total) > 0:
        return None
    worst = worst_stretches(series.total - series.good, series.total, start_at=series.start_at, step=series.step)
    replay = series.replay(target_ratio)
    return _with_alerts(
        replay,
        series.good,
        series.total,
        start_at=series.start_at,
        step=series.step,
        target=target_ratio,
        window=window,
        worst=tuple(WorstWindow(length_text(w.length), w.from_at, 1.0 - w.bad_ratio) for w in worst),
    )


def backtest_latency(
    history: LatencyHistory,
    threshold_ms: float,
    share: float,
    window: ComplianceWindow,
    *,
    as_of: datetime,
    lookback_days: int,
) -> Backtest | None:
    """Replay a share of the requests within a threshold over the days before as-of.

    None without requests. Only whole buckets count as within: a threshold between two bounds is judged by the
    lower one, and that is said.
    Raises: ValueError, if the share is not within (0, 1).
    """
    series = latency_series(history, as_of=as_of, lookback_days=lookback_days, window=window.length)
    if not series.known.any():
        return None
    within = series.bounds_seconds * 1000.0 <= threshold_ms * (1 + 1e-9)
    total = np.where(series.known, np.nansum(series.counts, axis=1), np.nan)
    fast = np.where(series.known, np.nansum(series.counts[:, within], axis=1), np.nan)
    replay = series.replay(threshold_ms, share)
    made = _with_alerts(
        replay,
        fast,
        total,
        start_at=series.start_at,
        step=_DAY,
        target=share,
        window=window,
        worst=_worst_percentiles(series, share),
    )
    return replace(made, notes=(*_threshold_notes(series.bounds_seconds, threshold_ms), *made.notes))


def _with_alerts(
    replay: Backtest,
    good: FloatArray,
    valid: FloatArray,
    *,
    start_at: datetime,
    step: timedelta,
    target: float,
    window: ComplianceWindow,
    worst: tuple[WorstWindow, ...],
) -> Backtest:
    fired = fired_alerts(good, valid, start_at=start_at, step=step, target=target, window=window.length)
    return replace(
        replay,
        alerts=tuple(
            BacktestAlert(f.rule.severity, length_text(f.rule.long_window), f.from_at, f.to_at) for f in fired
        ),
        worst_by_length=worst,
        notes=(
            *_window_notes(window),
            *_rule_notes(burn_rate_rules(window.length), target, step, step * (len(valid) - _first(valid))),
        ),
    )


def _worst_percentiles(series: LatencySeries, share: float) -> tuple[WorstWindow, ...]:
    """The slowest percentile over stretches of whole days; the newest of equals."""
    found: list[WorstWindow] = []
    for days in (1, 3, 7, 28):
        if days > len(series.counts):
            continue
        ends = np.arange(days, len(series.counts) + 1, dtype=np.int64)
        sums = window_sums(series.counts, ends, days)
        seconds = np.where(sums.sum(axis=1) > 0, percentile_seconds(sums, series.bounds_seconds, share), -1.0)
        position = len(seconds) - 1 - int(np.argmax(seconds[::-1]))
        value = float(seconds[position])
        if value < 0:
            continue
        found.append(
            WorstWindow(
                length_text(days * _DAY),
                series.start_at + _DAY * position,
                threshold_ms=value * 1000.0 if np.isfinite(value) else None,
            )
        )
    return tuple(found)


def _first(valid: FloatArray) -> int:
    """Position of the first interval with data; one is known to have some."""
    return int(np.argmax(~np.isnan(valid)))


def _window_notes(window: ComplianceWindow) -> tuple[str, ...]:
    unit = {ComplianceWindow.CALENDAR_MONTH: "month", ComplianceWindow.CALENDAR_QUARTER: "quarter"}.get(window)
    if unit is None:
        return ()
    days = window.length / _DAY
    return (
        f"past windows are {days:.1f} days, a mean {unit}, back from the newest data: not {unit}s by the calendar",
    )


def _rule_notes(
    rules: tuple[BurnRateRule, ...], target: float, step: timedelta, history: timedelta
) -> tuple[str, ...]:
    notes: list[str] = []
    longer = [rule for rule in rules if rule.long_window > history]
    unseen = [rule for rule in rules if rule.long_window < step]
    coarse = [rule for rule in rules if rule.short_window < step <= rule.long_window]
    idle = [rule for rule in rules if rule.long_window >= step and not rule.can_fire(target)]
    if unseen:
        notes.append(
            f"what is stored has steps of {length_text(step)}: no alerts over {_lengths(unseen)} are replayed"
        )
    if longer:
        notes.append(f"the history is shorter than {_lengths(longer)}: no alerts over that are replayed")
    if coarse:
        shorts = _listed([length_text(rule.short_window) for rule in coarse])
        notes.append(f"short windows of {shorts} are judged by one step of what is stored, {length_text(step)}")
    if idle:
        budget = percent_from_ratio(1.0 - target)
        notes.append(
            f"with a budget of {budget:g} % alerts over {_lengths(idle)} never fire, not even when all fails"
        )
    return tuple(notes)


def _lengths(rules: list[BurnRateRule]) -> str:
    return _listed([length_text(rule.long_window) for rule in rules])


def _listed(texts: list[str]) -> str:
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"


def _threshold_notes(bounds_seconds: FloatArray, threshold_ms: float) -> tuple[str, ...]:
    bounds = bounds_seconds * 1000.0
    if np.isclose(bounds, threshold_ms, rtol=1e-6).any():
        return ()
    below = bounds[bounds < threshold_ms]
    if below.size == 0:
        return (f"{threshold_ms:g} ms lies below the smallest bucket bound, {bounds[0]:g} ms: all counts as slow",)
    return (f"{threshold_ms:g} ms is no bucket bound: judged by the next one below, {below[-1]:g} ms",)
