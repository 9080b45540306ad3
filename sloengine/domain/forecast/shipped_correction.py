"""What an organisation starts with; written by ``python -m bench.forecast_map``.

Learnt from 40,621 and 42,738 finished forecasts of 37 simulated organisations, of rolling windows and of
months: the ratio of odds with nothing spent and what a whole budget spent adds to its logarithm, and the model's
own level that is used for each of ``conformal.LEVELS``.
"""

from __future__ import annotations

ROLLING = (0.616, 0.572)
MONTH = (0.712, 0.578)
ROLLING_LEVELS = (0.051, 0.099, 0.199, 0.301, 0.408, 0.511, 0.616, 0.714, 0.808, 0.896, 0.941, 0.974, 0.987)
MONTH_LEVELS = (0.053, 0.108, 0.221, 0.325, 0.426, 0.523, 0.616, 0.704, 0.793, 0.886, 0.940, 0.976, 0.988)
