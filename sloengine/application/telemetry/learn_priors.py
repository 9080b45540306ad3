"""Learn what the organisation's services have in common."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from sloengine.application.ports.clock import Clock
from sloengine.application.ports.prior_store import PriorStore
from sloengine.application.ports.sli_history import SliHistory
from sloengine.application.telemetry.pulled_hours import DAY, HOUR, floor_to
from sloengine.domain.recommendation import telemetry_checks
from sloengine.domain.recommendation.latency_prior import learn_latency_prior
from sloengine.domain.recommendation.model import SliType
from sloengine.domain.recommendation.organization_prior import OrganizationPrior, learn_prior
from sloengine.domain.reliability.panel import SliPanel


@dataclass(frozen=True, slots=True)
class LearnPriors:
    """Run after aggregation; safe to run twice."""

    history: SliHistory
    priors: PriorStore
    clock: Clock
    lookback_days: int = 90

    async def __call__(self) -> Sequence[SliType]:
        """The SLI types a prior was learnt for; none while there is no data.

        All the history there is teaches: older days are discounted, not cut.
        """
        watermark = await self.history.watermark()
        if watermark.aggregated_to is None:
            return ()
        as_of = floor_to(watermark.aggregated_to, HOUR)
        from_at = as_of - self.lookback_days * DAY
        learnt: list[SliType] = []
        panel = await self.history.read(None, from_at, as_of)
        if panel.service_ids:
            prior = await asyncio.to_thread(self._learn, panel)
            await self.priors.save(SliType.AVAILABILITY, prior.to_dict(), learnt_at=self.clock.now())
            learnt.append(SliType.AVAILABILITY)
        histories = await self.history.read_latency(None, floor_to(from_at, DAY), floor_to(as_of, DAY))
        if histories:
            slow_days = await asyncio.to_thread(
                learn_latency_prior, histories, as_of=as_of, lookback_days=self.lookback_days
            )
            await self.priors.save(SliType.LATENCY, slow_days.to_dict(), learnt_at=self.clock.now())
            learnt.append(SliType.LATENCY)
        return learnt

    def _learn(self, panel: SliPanel) -> OrganizationPrior:
        findings = telemetry_checks.inspect(panel)
        return learn_prior(
            findings.cleaned,
            as_of=panel.ends_at,
            lookback_days=self.lookback_days,
            exclude=tuple(findings.refused),
        )
