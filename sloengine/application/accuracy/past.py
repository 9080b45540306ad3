"""All that was seen, cut so that a recommendation of an earlier day knows nothing of later ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property

import numpy as np

from sloengine.application.ports.archetype_grouping import ArchetypeGrouping
from sloengine.application.recommendation.evidence import Evidence
from sloengine.application.recommendation.learn_archetypes import learn_archetypes
from sloengine.application.recommendation.recommend_from_files import priors_before
from sloengine.domain.recommendation.model import SliType
from sloengine.domain.reliability.panel import LatencyHistory, SliPanel
from sloengine.domain.topology.graph import DependencyGraph

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Past:
    """Series and graph. ``clusters``: what a service belongs to, itself where it is not named.

    ``grouping``: tells kinds of services apart, as the product does, by what was known on each day; None: all
    count as of one kind. ``whole``: the graph that they are told apart by, where ``graph`` is a part of it; who
    calls whom is taken as it is today.

    Raises: ValueError, when there is no series at all.
    """

    graph: DependencyGraph
    panel: SliPanel | None
    latency: Mapping[str, LatencyHistory]
    clusters: Mapping[str, str] = field(default_factory=dict)
    grouping: ArchetypeGrouping | None = None
    whole: DependencyGraph | None = None

    def __post_init__(self) -> None:
        """Refuse an empty past."""
        if self.panel is None and not self.latency:
            raise ValueError("neither availability nor latency")

    @property
    def starts_at(self) -> datetime:
        """Begin of the first interval."""
        starts = [history.start_at for history in self.latency.values()]
        return min([*starts, *([] if self.panel is None else [self.panel.start_at])])

    @property
    def ends_at(self) -> datetime:
        """End of the last interval."""
        ends = [history.start_at + DAY * len(history.counts) for history in self.latency.values()]
        return max([*ends, *([] if self.panel is None else [self.panel.ends_at])])

    @property
    def first_at(self) -> datetime | None:
        """Begin of the first interval in which anything is known; None: nothing is."""
        return min(self._began.values(), default=None)

    def began(self, service_id: str, sli_type: SliType) -> datetime:
        """Begin of the service's first interval with data; the end of time where it has none."""
        return self._began.get((service_id, sli_type), _NEVER)

    @cached_property
    def _began(self) -> Mapping[tuple[str, SliType], datetime]:
        found: dict[tuple[str, SliType], datetime] = {}
        if self.panel is not None:
            known = ~np.isnan(self.panel.total)
            for row in np.flatnonzero(known.any(axis=1)):
                at = self.panel.start_at + self.panel.step * int(known[row].argmax())
                found[self.panel.service_ids[row], SliType.AVAILABILITY] = at
        for service_id, history in self.latency.items():
            days = ~np.isnan(history.counts).any(axis=1)
            if days.any():
                found[service_id, SliType.LATENCY] = history.start_at + DAY * int(days.argmax())
        return found

    def evidence(self, as_of: datetime, days: int, prior_days: int) -> Evidence:
        """What was known at as-of: own series of the ``days`` before it, priors learnt from ``prior_days``."""
        panel, latency = self._between(as_of - DAY * days, as_of)
        known = self._between(as_of - DAY * prior_days, as_of)
        priors = priors_before(*known, as_of, prior_days)
        if self.grouping is not None:
            graph = self.graph if self.whole is None else self.whole
            priors = priors.with_archetypes(learn_archetypes(graph, *known, self.grouping, as_of=as_of))
        return Evidence(
            as_of=as_of,
            graph=self.graph,
            panel=panel,
            latency=latency,
            priors=priors,
            source="files",
        )

    def _between(self, from_at: datetime, as_of: datetime) -> tuple[SliPanel, dict[str, LatencyHistory]]:
        if self.panel is None:
            nothing = np.empty((0, 1))
            panel = SliPanel((), as_of - HOUR, HOUR, nothing, nothing)
        else:
            panel = self.panel.between(from_at, as_of)
        latency = {
            service_id: cut
            for service_id, history in self.latency.items()
            if len((cut := _between(history, from_at, as_of)).counts)
        }
        return panel, latency


def _between(history: LatencyHistory, from_at: datetime, to_at: datetime) -> LatencyHistory:
    first = max(0, -((history.start_at - from_at) // DAY))
    last = max(first, min(len(history.counts), (to_at - history.start_at) // DAY))
    return LatencyHistory(
        history.service_id,
        history.start_at + DAY * first,
        history.bounds_seconds,
        history.counts[first:last],
        history.percentiles_only,
    )
