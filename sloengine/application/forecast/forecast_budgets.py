"""Forecast when error budgets run out. Every role may."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sloengine.application.ports.clock import Clock
from sloengine.application.ports.forecast_store import ForecastStore
from sloengine.application.ports.sli_history import SliHistory, Watermark
from sloengine.application.ports.slo_ledger import SloLedger
from sloengine.application.recommendation.learnt_priors import CurrentPriors
from sloengine.application.telemetry.pulled_hours import DAY, HOUR, floor_to
from sloengine.domain.forecast.forecast import LOOKBACK_DAYS, Forecast, Promise, forecast, outlook
from sloengine.domain.forecast.learnt import Learnt
from sloengine.domain.governance.model import Slo
from sloengine.domain.recommendation import telemetry_checks
from sloengine.domain.recommendation.model import SliType
from sloengine.domain.recommendation.organization_prior import OrganizationPrior
from sloengine.domain.reliability.panel import SliPanel
from sloengine.domain.reliability.window import ComplianceWindow


@dataclass(frozen=True, slots=True)
class ForecastBudgets:
    """From stored events as of the newest aggregated hour, with as many queries for one service as for many."""

    history: SliHistory
    ledger: SloLedger
    store: ForecastStore
    priors: CurrentPriors
    clock: Clock

    async def __call__(self, service_ids: Sequence[str], sli_type: SliType) -> Mapping[str, Forecast]:
        """Forecasts by service; absent without an active SLO, where nothing can be said, or not better than
        simple rules would.

        Latency has none: its distribution is of thresholds, not of requests over one, and no forecast of it has
        been measured.
        """
        if sli_type is not SliType.AVAILABILITY:
            return {}
        active = await self.ledger.active(service_ids, sli_type)
        found = await self.of_slos(list(active.values()))
        return {slo.service_id: one for slo, one in found.items() if one.given_out}

    async def of_slos(self, slos: Sequence[Slo]) -> Mapping[Slo, Forecast]:
        """The same for SLOs that are at hand, those that are not given out among them."""
        promises = {slo: promise for slo in slos if (promise := promise_of(slo)) is not None}
        if not promises:
            return {}
        now = self.clock.now()
        watermark = await self.history.watermark()
        as_of = watermark.aggregated_to or floor_to(now, HOUR)
        names = sorted({promise.service_id for promise in promises.values()})
        panel = await self.history.read(names, as_of - LOOKBACK_DAYS * DAY, as_of)
        prior = (await self.priors(now)).availability
        stored = await self.store.learnt()
        learnt = Learnt.fresh() if stored is None else stored[0]
        return await asyncio.to_thread(_forecasts, panel, promises, prior, learnt, as_of, watermark)


def promise_of(slo: Slo) -> Promise | None:
    """What is forecast of an SLO; None for latency, and for a quarter: hourly detail is kept for less."""
    if slo.window is ComplianceWindow.CALENDAR_QUARTER:
        return None
    ratio = next((one.availability_ratio for one in slo.targets if one.availability_ratio is not None), None)
    return None if ratio is None else Promise(slo.service_id, ratio, slo.window)


def _forecasts(
    panel: SliPanel,
    promises: Mapping[Slo, Promise],
    prior: OrganizationPrior,
    learnt: Learnt,
    as_of: datetime,
    watermark: Watermark,
) -> dict[Slo, Forecast]:
    findings = telemetry_checks.inspect(panel)
    found: dict[Slo, Forecast] = {}
    for slo, promise in promises.items():
        if promise.service_id in findings.refused or promise.service_id in watermark.refused:
            continue
        # Daily data end with a day that is not over yet.
        known = outlook(findings.cleaned, promise, prior, as_of=max(as_of, panel.ends_at))
        if known is not None:
            found[slo] = forecast(known, promise, learnt)
    return found
