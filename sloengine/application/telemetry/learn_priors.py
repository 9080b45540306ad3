"""Learn what the organisation's services have in common."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sloengine.application.ports.archetype_grouping import ArchetypeGrouping
from sloengine.application.ports.clock import Clock
from sloengine.application.ports.prior_store import PriorStore
from sloengine.application.ports.service_graph import ServiceGraph
from sloengine.application.ports.sli_history import SliHistory
from sloengine.application.recommendation.learn_archetypes import learn_archetypes
from sloengine.application.telemetry.pulled_hours import DAY, HOUR, floor_to
from sloengine.domain.recommendation import telemetry_checks
from sloengine.domain.recommendation.latency_prior import learn_latency_prior
from sloengine.domain.recommendation.model import SliType
from sloengine.domain.recommendation.organization_prior import SCHEMA, OrganizationPrior, learn_prior
from sloengine.domain.reliability.panel import SliPanel

_DUE_AFTER = timedelta(hours=20)
_YOUNG_DAYS = 14.0


@dataclass(frozen=True, slots=True)
class LearnPriors:
    """Run after aggregation; safe to run twice. A year teaches more than a quarter: older days are discounted."""

    history: SliHistory
    priors: PriorStore
    clock: Clock
    graph: ServiceGraph
    grouping: ArchetypeGrouping
    lookback_days: int = 365

    async def __call__(self, *, only_if_due: bool = False) -> Sequence[SliType]:
        """The SLI types a prior was learnt for; none while there is no data.

        ``only_if_due``: a prior that was learnt today stays, unless the organisation is so young that every hour
        teaches something. Reading a year is dear.
        """
        if only_if_due and not await self._is_due():
            return ()
        watermark = await self.history.watermark()
        if watermark.aggregated_to is None:
            return ()
        as_of = floor_to(watermark.aggregated_to, HOUR)
        from_at = as_of - self.lookback_days * DAY
        learnt: list[SliType] = []
        panel = await self.history.read(None, from_at, as_of)
        histories = await self.history.read_latency(None, floor_to(from_at, DAY), floor_to(as_of, DAY))
        kinds = await asyncio.to_thread(
            learn_archetypes, await self.graph.snapshot(), panel, histories, self.grouping, as_of=as_of
        )
        if panel.service_ids:
            prior = await asyncio.to_thread(self._learn, panel)
            prior = prior.with_archetypes(kinds)
            await self.priors.save(SliType.AVAILABILITY, prior.to_dict(), learnt_at=self.clock.now())
            learnt.append(SliType.AVAILABILITY)
        if histories:
            slow_days = await asyncio.to_thread(
                learn_latency_prior, histories, as_of=as_of, lookback_days=self.lookback_days
            )
            slow_days = slow_days.with_archetypes(kinds)
            await self.priors.save(SliType.LATENCY, slow_days.to_dict(), learnt_at=self.clock.now())
            learnt.append(SliType.LATENCY)
        return learnt

    async def _is_due(self) -> bool:
        stored = await self.priors.load(SliType.AVAILABILITY)
        if stored is None or self.clock.now() - stored[1] >= _DUE_AFTER:
            return True
        if stored[0].get("schema") != SCHEMA:
            return True
        days = stored[0].get("days") or [0.0]
        return float(sum(days)) / len(days) < _YOUNG_DAYS

    def _learn(self, panel: SliPanel) -> OrganizationPrior:
        findings = telemetry_checks.inspect(panel)
        return learn_prior(
            findings.cleaned,
            as_of=panel.ends_at,
            lookback_days=self.lookback_days,
            exclude=tuple(findings.refused),
        )
