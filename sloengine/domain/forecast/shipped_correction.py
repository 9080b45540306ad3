"""What an organisation starts with; written by ``python -m bench.forecast_map``.

Learnt from 3,809 and 4,028 finished forecasts of 7 simulated organisations, of rolling windows and of
months: the ratios of odds, and the model's own level that is used for each of ``conformal.LEVELS``.
"""

from __future__ import annotations

ROLLING = 0.729
MONTH = 0.798
ROLLING_LEVELS = (0.0532, 0.1009, 0.2052, 0.3101, 0.4207, 0.5185, 0.6186, 0.7115, 0.8042, 0.8915, 0.9397, 0.9709, 0.9861)
MONTH_LEVELS = (0.0602, 0.1141, 0.2276, 0.3294, 0.4296, 0.5281, 0.6181, 0.7025, 0.7920, 0.8820, 0.9322, 0.9710, 0.9868)
