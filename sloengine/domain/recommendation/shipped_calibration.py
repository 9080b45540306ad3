"""Recalibration map of availability that an organisation starts with; ``bench.shipped_map`` writes it.

Share of windows in which targets at each of ``LEVELS`` of the model held, counted in 504 simulated
organisations, half of them unlike what the shipped prior expects, with 14, 30 and 90 days of history. One row for
each length of the window.
"""

from __future__ import annotations

ORGANIZATIONS = 504
SOURCE = "shipped map, learnt on 504 simulated organisations"
WINDOW_DAYS = (7.0, 28.0)
# fmt: off
LEVELS = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9,
 0.92, 0.94, 0.96, 0.98, 0.99, 0.995)
ATTAINED = (
    (0.0709, 0.1173, 0.1646, 0.2092, 0.2526, 0.2953, 0.3383, 0.3812, 0.4271, 0.4701, 0.5142, 0.5631,
     0.6125, 0.6648, 0.7211, 0.7819, 0.8426, 0.9054, 0.9284, 0.9506, 0.9695, 0.9872, 0.9944, 0.997),
    (0.0671, 0.1042, 0.139, 0.1751, 0.2131, 0.2561, 0.2999, 0.3461, 0.3981, 0.4547, 0.514, 0.5769,
     0.6416, 0.7051, 0.7712, 0.8297, 0.8828, 0.9299, 0.9477, 0.9628, 0.9764, 0.9884, 0.9934, 0.996),
)
# fmt: on
