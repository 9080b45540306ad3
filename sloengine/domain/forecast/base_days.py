"""How what fails outside incidents goes up and down from day to day.

What is known of a service is the variance of its weeks (over Poisson's). Days of one week resemble each other, so
a single day varies less than independent days of such weeks would, and a month more: the variance of a mean over h
days falls like h ** (2 H - 2), which is fractional Gaussian noise. Independent days would be H = 0.5.
Source: Leland, Taqqu, Willinger & Wilson (1994), IEEE/ACM Transactions on Networking 2:1, section 3 (variance-time
plot); Mandelbrot & Van Ness (1968), SIAM Review 10:422 (covariance).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from sloengine.domain.reliability.panel import FloatArray

MEMORY = 0.75
"""H: on simulated organisations, whose days are autoregressive, the spread of 1, 3, 7, 14 and 28 days is met."""
_WEEK = 7


def daily_factors(rng: np.random.Generator, week_variance: float, n_draws: int, n_steps: int) -> FloatArray:
    """What each coming day's base failures are multiplied with, shape (n_draws, n_steps); log-normal with mean 1.

    ``week_variance``: squared coefficient of variation of a week's mean, at least 0.
    """
    if week_variance <= 0:
        return np.ones((n_draws, n_steps))
    log_variance = float(np.log1p(week_variance * _WEEK ** (2 - 2 * MEMORY)))
    noise = rng.standard_normal((n_draws, n_steps)) @ _root(n_steps).T
    return np.asarray(np.exp(np.sqrt(log_variance) * noise - log_variance / 2))


@lru_cache(maxsize=64)
def _root(n_steps: int) -> FloatArray:
    """Cholesky factor of the correlation of days, shape (n_steps, n_steps)."""
    apart = np.abs(np.subtract.outer(np.arange(n_steps), np.arange(n_steps))).astype(np.float64)
    power = 2 * MEMORY
    return np.asarray(
        np.linalg.cholesky(((apart + 1) ** power - 2 * apart**power + np.abs(apart - 1) ** power) / 2)
    )
