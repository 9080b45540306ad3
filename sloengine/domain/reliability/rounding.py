"""Figures people use: the printed grids of availability and latency targets, always to the safe side."""

from __future__ import annotations

import math
from bisect import bisect_right

UNAVAILABILITY_FIGURES = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0)
"""Unavailability is one of these times a power of ten: 99.9, 99.85, 99.8, 99.75, 99.7, 99.6 … 99.1, 99 %."""
LATENCY_FIGURES = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0)
"""Milliseconds are one of these times a power of ten: 100, 120, 150, 200, 250, 300, 400, 500, 600, 800."""

_FINEST_DECADE = -7
_TINY = 1e-9


def availability_grid(least_ratio: float = 0.9) -> tuple[float, ...]:
    """Every availability that is published, ascending, from ``least_ratio`` up to seven nines.

    >>> availability_grid(0.99)[:3], availability_grid()[-1]
    ((0.99, 0.991, 0.992), 0.9999999)
    """
    return tuple(ratio for ratio in _GRID if ratio >= least_ratio - _TINY)


def _target(figure: float, decade: int) -> float:
    """1 - figure x 10^decade without binary noise."""
    return round(1.0 - figure * 10.0**decade, 1 - decade)


_GRID = tuple(
    sorted(
        {
            _target(figure, decade)
            for decade in range(_FINEST_DECADE, 0)
            for figure in UNAVAILABILITY_FIGURES
            if figure * 10.0**decade < 1
        }
    )
)


def tightest_availability(window_requests: float | None, failures: float = 1.0) -> float:
    """Tightest target whose budget is at least ``failures`` of the window's requests.

    A target may never be tighter than one failure; None: traffic not known, then the grid's tightest.
    """
    if window_requests is None:
        return _GRID[-1]
    return max(0.0, 1.0 - failures / window_requests) if window_requests > 0 else 0.0


def figures_tighter(ratio: float, than: float) -> int:
    """How many published figures ``ratio`` is tighter than another one; negative: looser.

    >>> figures_tighter(0.999, 0.997), figures_tighter(0.997, 0.9975)
    (4, -1)
    """
    return bisect_right(_GRID, ratio + 1e-12) - bisect_right(_GRID, than + 1e-12)


def round_availability_down(ratio: float, window_requests: float | None = None) -> float | None:
    """Largest figure of the grid that is no tighter than ``ratio`` and allows one failure in the window.

    Never 1. None: below the grid (10 %), where no figure is left.

    >>> round_availability_down(0.99962), round_availability_down(1.0, window_requests=3_000)
    (0.9996, 0.9996)
    """
    limit = min(ratio, tightest_availability(window_requests))
    # Twelve digits: a ratio that is a figure but for binary noise is that figure.
    below = bisect_right(_GRID, limit + 1e-12)
    return _GRID[below - 1] if below else None


def round_latency_up(milliseconds: float) -> float:
    """Smallest figure that is no tighter than ``milliseconds``.

    Raises: ValueError, if not positive and finite.

    >>> round_latency_up(231.0), round_latency_up(250.0), round_latency_up(0.83)
    (250.0, 250.0, 1.0)
    """
    if not (milliseconds > 0 and math.isfinite(milliseconds)):
        raise ValueError("a latency must be positive and finite")
    decade = math.floor(math.log10(milliseconds))
    for power in (decade - 1, decade, decade + 1):
        for figure in LATENCY_FIGURES:
            # Powers above 0 and below are computed so that 250 is 250.0 and 0.25 is 0.25.
            candidate = figure * 10**power if power >= 0 else round(figure * 10.0**power, 1 - power)
            if candidate >= milliseconds * (1 - 1e-12):
                return float(candidate)
    raise ValueError("unreachable: the grid covers every positive number")
