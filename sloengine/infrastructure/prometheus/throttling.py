"""CPU that the kernel withheld: cAdvisor's counters of the completely fair scheduler's quota.

Source of the metrics: google/cadvisor, docs/storage/prometheus.md.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from sloengine.infrastructure.prometheus.identities import reconcile
from sloengine.infrastructure.prometheus.promql import service_matcher
from sloengine.infrastructure.prometheus.promql_names import name, selector

LABEL = "container"
"""The label that carries the service's identity unless told otherwise."""
_THROTTLED = "container_cpu_cfs_throttled_periods_total"
_PERIODS = "container_cpu_cfs_periods_total"


def query(label: str, service_ids: Sequence[str], *, range_: str = "1d") -> str:
    """Throttled periods over all periods of each service; sums first, so that busy instances weigh more."""
    matcher = service_matcher(label, service_ids)
    throttled, periods = (
        f"sum by ({name(label)}) (increase({selector(metric, [matcher])}[{range_}]))"
        for metric in (_THROTTLED, _PERIODS)
    )
    return f"{throttled} / {periods}"


def shares(answer: Sequence[Mapping[str, Any]], label: str, service_ids: Sequence[str]) -> dict[str, float]:
    """Share by service; no periods at all (0/0) is no data."""
    found = {str(one["metric"].get(label, "")): float(one["value"][1]) for one in answer}
    identities = reconcile(found, service_ids)
    named = ((identities(value), share) for value, share in found.items())
    return {
        service_id: min(1.0, share)
        for service_id, share in named
        if service_id is not None and math.isfinite(share)
    }
