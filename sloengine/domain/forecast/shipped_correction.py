"""What an organisation starts with; to be written by ``python -m bench.forecast_map``."""

from __future__ import annotations

ROLLING = 0.820
MONTH = 0.820
ROLLING_LEVELS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99)
MONTH_LEVELS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99)
