"""Organisations with known truth: their calls, failures and latency, hour by hour.

Nothing here is shared with the estimator. The simulator plays requests, calls and incidents forwards, in counts;
it knows no bound, no posterior and no percentile, so agreement between the two means something.
"""
