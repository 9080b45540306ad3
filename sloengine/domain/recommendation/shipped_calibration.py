"""Recalibration map of availability that an organisation starts with; ``bench.shipped_map`` writes it.

A beta map: attained(p) = I_p(a, b), learnt by penalised maximum likelihood on where outcomes lay in what the model
said of them. 24,192 windows of
504 organisations with 14, 30 and 90 days of history.
"""

from __future__ import annotations

AVAILABILITY_A = 1.3289
AVAILABILITY_B = 1.1826
ORGANIZATIONS = 504
SOURCE = "shipped map, learnt on 504 simulated organisations"
