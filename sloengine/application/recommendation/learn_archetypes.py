"""Tell kinds of services apart: from the graph and the traffic, never from how reliable they were."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import numpy as np

from sloengine.application.ports.archetype_grouping import ArchetypeGrouping
from sloengine.domain.recommendation.archetype_features import features_of
from sloengine.domain.recommendation.archetypes import (
    LEAST_DAYS,
    LEAST_TEACHERS,
    Archetypes,
    archetypes_from,
    standardised,
)
from sloengine.domain.reliability.daily import daily_sums
from sloengine.domain.reliability.panel import LatencyHistory, SliPanel
from sloengine.domain.topology.graph import DependencyGraph

LEAST_FEATURES = 2
"""One figure alone makes no kinds: any cut through it would do."""
LOOKBACK_DAYS = 90
"""A year says no more about what a service is like today."""
_DAY = timedelta(days=1)


def learn_archetypes(
    graph: DependencyGraph,
    panel: SliPanel,
    latency: Mapping[str, LatencyHistory],
    grouping: ArchetypeGrouping,
    *,
    as_of: datetime,
) -> Archetypes:
    """Archetypes of the services of the graph that have 30 days with data; every other one gets the nearest.

    External providers are one of them. None where fewer than twelve have, where they differ in less than two
    features, or where no division is worth making.
    """
    days, traffic = _days_and_traffic(panel, latency, as_of)
    teachers = [one.service_id for one in graph.services if days.get(one.service_id, 0.0) >= LEAST_DAYS]
    if len(teachers) < LEAST_TEACHERS:
        return Archetypes.none()
    features = features_of(graph, traffic)
    table = standardised(features, teachers)
    if len(table.names) < LEAST_FEATURES:
        return Archetypes.none()
    external = np.array([graph.services[graph.index[one]].external for one in teachers])
    inside = np.flatnonzero(~external)
    labels = np.zeros(len(teachers), dtype=np.int64)
    labels[inside] = grouping(table.values[inside])
    labels[external] = labels.max() + 1  # a kind of their own: nobody here can mend them
    return archetypes_from(features, teachers, table, labels)


def _days_and_traffic(
    panel: SliPanel, latency: Mapping[str, LatencyHistory], as_of: datetime
) -> tuple[dict[str, float], dict[str, float]]:
    """Days with data, and valid events a day, per service; of latency where good and total are not known."""
    days: dict[str, float] = {}
    traffic: dict[str, float] = {}
    for service_id, history in latency.items():
        counts = history.counts[-LOOKBACK_DAYS:].sum(axis=1)
        known = counts[~np.isnan(counts)]
        if len(known):
            days[service_id], traffic[service_id] = float(len(known)), float(known.mean())
    if panel.service_ids:
        recent = panel.between(as_of - LOOKBACK_DAYS * _DAY, as_of)
        sums = daily_sums(recent, as_of=as_of, lookback_days=LOOKBACK_DAYS)
        rows = zip(panel.service_ids, sums.exposure.sum(axis=1), sums.expected_daily_traffic(), strict=True)
        for service_id, seen, per_day in rows:
            if seen > 0:
                # A day counts when nearly all of it is known; hours at both ends do not make one.
                days[service_id], traffic[service_id] = float(np.round(seen, 1)), float(per_day)
    return days, traffic
