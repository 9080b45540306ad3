"""The probability map that an organisation starts with; written by ``python -m bench.forecast_map``.

Learnt from 10,901 finished forecasts of 20 simulated organisations.
"""

from __future__ import annotations

RATIO = 0.820
