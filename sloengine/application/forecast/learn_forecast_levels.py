"""Learn from finished weeks how far the forecasts of budgets can be believed."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sloengine.application.forecast.forecast_budgets import promise_of
from sloengine.application.ports.clock import Clock
from sloengine.application.ports.forecast_store import ForecastStore
from sloengine.application.ports.service_graph import ServiceGraph
from sloengine.application.ports.sli_history import SliHistory
from sloengine.application.ports.slo_ledger import SloLedger
from sloengine.application.telemetry.pulled_hours import DAY, HOUR, floor_to
from sloengine.domain.forecast.forecast import LEARN_ORIGINS, LOOKBACK_DAYS, Promise, learn
from sloengine.domain.forecast.learnt import Learnt
from sloengine.domain.recommendation import telemetry_checks
from sloengine.domain.recommendation.model import SliType
from sloengine.domain.recommendation.organization_prior import learn_prior
from sloengine.domain.reliability.panel import SliPanel

MOST_SERVICES = 150
"""Services whose forecasts are judged: the same ones each time. More would share the same incidents."""
PRIOR_SERVICES = 300
"""Services, promised or not, that tell what was to be expected then: forecasts are made with the organisation's
prior, and the few services that have an SLO would give another one."""
DUE_AFTER = timedelta(hours=20)


@dataclass(frozen=True, slots=True)
class LearnForecastLevels:
    """Worked out anew from the finished weeks of the last quarter, so nothing is kept. Safe to run twice."""

    graph: ServiceGraph
    history: SliHistory
    ledger: SloLedger
    store: ForecastStore
    clock: Clock
    prior_lookback_days: int = 365

    async def __call__(self, *, only_if_due: bool = False) -> Learnt | None:
        """What was learnt; None: nothing to learn from, or learnt today and ``only_if_due``."""
        stored = await self.store.learnt()
        now = self.clock.now()
        if only_if_due and stored is not None and now - stored[1] < DUE_AFTER:
            return None
        aggregated_to = (await self.history.watermark()).aggregated_to
        if aggregated_to is None:
            return None
        as_of = floor_to(aggregated_to, HOUR)
        services = [service.service_id for service in (await self.graph.snapshot()).services]
        active = await self.ledger.active(services, SliType.AVAILABILITY)
        promises = [one for one in map(promise_of, active.values()) if one is not None]
        promises.sort(key=lambda one: _lot(one.service_id))
        chosen = promises[:MOST_SERVICES]
        if not chosen:
            return None
        reach = max(self.prior_lookback_days, LOOKBACK_DAYS) * DAY + LEARN_ORIGINS * 7 * DAY
        promised = {one.service_id for one in chosen}
        others = sorted(set(services) - promised, key=_lot)
        names = sorted({*promised, *others[: max(0, PRIOR_SERVICES - len(promised))]})
        panel = await self.history.read(names, as_of - reach, as_of)
        learnt = await asyncio.to_thread(self._learn, panel, chosen, as_of)
        await self.store.save_learnt(learnt, learnt_at=now)
        return learnt

    def _learn(self, panel: SliPanel, promises: Sequence[Promise], as_of: datetime) -> Learnt:
        findings = telemetry_checks.inspect(panel)
        origins = [as_of - 7 * DAY * back for back in range(1, LEARN_ORIGINS + 1)]
        priors = {
            origin: learn_prior(
                findings.cleaned,
                as_of=origin,
                lookback_days=self.prior_lookback_days,
                exclude=tuple(findings.refused),
            )
            for origin in origins
            if origin > panel.start_at
        }
        trusted = [one for one in promises if one.service_id not in findings.refused]
        return learn(findings.cleaned, trusted, priors, as_of=as_of)


def _lot(service_id: str) -> bytes:
    """The same for a service each time, and without any order among services."""
    return hashlib.sha256(service_id.encode()).digest()
