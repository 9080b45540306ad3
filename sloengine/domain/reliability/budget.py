"""Error budgets and the speed at which they are spent."""

from __future__ import annotations

from datetime import timedelta


def error_budget_minutes(target: float, window: timedelta) -> float:
    """Minutes of full outage that the target allows over the window.

    >>> round(error_budget_minutes(0.999, timedelta(days=28)), 2)
    40.32
    """
    return (1.0 - _ratio(target, "target")) * (window / timedelta(minutes=1))


def error_budget_requests(target: float, window_requests: float) -> float:
    """Failed requests that the target allows among the window's requests. Raises ``ValueError`` outside its range.

    >>> round(error_budget_requests(0.999, 30_000), 6)
    30.0
    """
    if window_requests < 0:
        raise ValueError("window_requests must not be negative")
    return (1.0 - _ratio(target, "target")) * window_requests


def error_budget_remaining_ratio(bad_ratio: float, target: float) -> float:
    """What is left of the budget, 1 untouched, negative when overspent.

    ``bad_ratio``: bad over valid events of the whole window.

    >>> round(error_budget_remaining_ratio(0.0004, 0.999), 6)
    0.6
    """
    return 1.0 - burn_rate(bad_ratio, target)


def burn_rate(bad_ratio: float, target: float) -> float:
    """Speed at which the error budget is spent; 1.0 spends it in exactly one window.

    Raises: ValueError, if a ratio is outside its range; a target of 1 has no budget to spend.
    Source: The Site Reliability Workbook, ch. 5, "Alerting on SLOs".

    >>> round(burn_rate(bad_ratio=0.0144, target=0.999), 6)
    14.4
    """
    if _ratio(target, "target") >= 1.0:
        raise ValueError("target must be below 1: a target of 1 has no error budget")
    return _ratio(bad_ratio, "bad_ratio") / (1.0 - target)


def _ratio(value: float, name: str) -> float:
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"{name} must lie in [0, 1], not {value}")
    return value
