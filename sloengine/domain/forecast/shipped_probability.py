"""The ratios of odds that an organisation starts with; to be written by ``python -m bench.forecast_map``.

Still the ratio of counts of 10,901 finished forecasts of 28 days of 20 simulated organisations, for both kinds.
"""

from __future__ import annotations

ROLLING = 0.820
MONTH = 0.820
