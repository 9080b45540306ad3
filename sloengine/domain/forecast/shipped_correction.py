"""What an organisation starts with; written by ``python -m bench.forecast_map``.

Learnt from 11,004 and 11,584 finished forecasts of 10 simulated organisations, of rolling windows and of
months: the ratios of odds, and the model's own level that is used for each of ``conformal.LEVELS``.
"""

from __future__ import annotations

ROLLING = 0.864
MONTH = 0.877
ROLLING_LEVELS = (0.055, 0.102, 0.204, 0.310, 0.418, 0.518, 0.621, 0.716, 0.807, 0.893, 0.940, 0.971, 0.986)
MONTH_LEVELS = (0.059, 0.113, 0.226, 0.328, 0.431, 0.529, 0.619, 0.704, 0.794, 0.881, 0.933, 0.971, 0.985)
