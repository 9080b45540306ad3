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
from sloengine.domain.forecast.absent import NoForecast, NoForecastReason, told
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
        found = await self.or_why_not(service_ids, sli_type)
        return {service_id: one for service_id, one in found.items() if isinstance(one, Forecast)}

    async def or_why_not(
        self, service_ids: Sequence[str], sli_type: SliType
    ) -> Mapping[str, Forecast | NoForecast]:
        """The same with the reason where there is none, for each of the services."""
        if sli_type is not SliType.AVAILABILITY:
            return dict.fromkeys(service_ids, NoForecast(NoForecastReason.LATENCY))
        active = await self.ledger.active(service_ids, sli_type)
        worked_out = await self._worked_out(list(active.values()))
        found: dict[str, Forecast | NoForecast] = dict.fromkeys(service_ids, NoForecast(NoForecastReason.NO_SLO))
        for slo, one in worked_out.items():
            found[slo.service_id] = one if isinstance(one, NoForecast) else told(one, slo.window)
        return found

    async def of_slos(self, slos: Sequence[Slo]) -> Mapping[Slo, Forecast]:
        """Forecasts of SLOs that are at hand, those that are not given out among them."""
        found = await self._worked_out(slos)
        return {slo: one for slo, one in found.items() if isinstance(one, Forecast)}

    async def _worked_out(self, slos: Sequence[Slo]) -> Mapping[Slo, Forecast | NoForecast]:
        promises = {slo: promise for slo in slos if (promise := promise_of(slo)) is not None}
        found: dict[Slo, Forecast | NoForecast] = {
            slo: NoForecast(NoForecastReason.WINDOW, slo.window) for slo in slos if slo not in promises
        }
        if not promises:
            return found
        now = self.clock.now()
        watermark = await self.history.watermark()
        as_of = watermark.aggregated_to or floor_to(now, HOUR)
        names = sorted({promise.service_id for promise in promises.values()})
        panel = await self.history.read(names, as_of - LOOKBACK_DAYS * DAY, as_of)
        prior = (await self.priors(now)).availability
        stored = await self.store.learnt()
        learnt = Learnt.fresh() if stored is None else stored[0]
        return found | await asyncio.to_thread(_forecasts, panel, promises, prior, learnt, as_of, watermark)


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
) -> dict[Slo, Forecast | NoForecast]:
    findings = telemetry_checks.inspect(panel)
    refused = {**findings.refused, **watermark.refused}
    found: dict[Slo, Forecast | NoForecast] = {}
    # Daily data end with a day that is not over yet.
    newest = max(as_of, panel.ends_at)
    for slo, promise in promises.items():
        if promise.service_id in refused:
            found[slo] = NoForecast(NoForecastReason.REFUSED, found=refused[promise.service_id])
            continue
        known = outlook(findings.cleaned, promise, prior, as_of=newest)
        found[slo] = (
            NoForecast(NoForecastReason.NO_REQUESTS, as_of=newest)
            if known is None
            else forecast(known, promise, learnt)
        )
    return found
