"""What an organisation starts with; written by ``python -m bench.forecast_map``.

Learnt from 13,221 and 13,903 finished forecasts of 12 simulated organisations, of rolling windows and of
months: the ratios of odds, and the model's own level that is used for each of ``conformal.LEVELS``.
"""

from __future__ import annotations

ROLLING = 0.848
MONTH = 0.872
ROLLING_LEVELS = (0.055, 0.102, 0.204, 0.311, 0.417, 0.519, 0.623, 0.718, 0.807, 0.894, 0.941, 0.972, 0.985)
MONTH_LEVELS = (0.058, 0.113, 0.225, 0.329, 0.431, 0.529, 0.618, 0.704, 0.794, 0.881, 0.933, 0.969, 0.983)
