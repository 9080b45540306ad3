"""The recalibration maps an organisation starts with; written by ``python -m bench.shipped_map``.

Beta maps: attained(p) = I_p(a, b), learnt by penalised maximum likelihood on where outcomes lay in what the model
said of them. Availability: 24,192 windows of
504 organisations with 14, 30 and 90 days of history; latency: 6,048 windows of 504.
"""

from __future__ import annotations

AVAILABILITY_A = 1.3289
AVAILABILITY_B = 1.1826
LATENCY_A = 0.3754
LATENCY_B = 0.7356
ORGANIZATIONS = 504
SOURCE = "shipped map, learnt on 504 simulated organisations"
