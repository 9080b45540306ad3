"""Forecast every active SLO, and tell once of each that has become at risk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sloengine.application.forecast.forecast_budgets import ForecastBudgets
from sloengine.application.ports.clock import Clock
from sloengine.application.ports.forecast_store import ForecastStore, NotedForecast
from sloengine.application.ports.service_graph import ServiceGraph
from sloengine.application.ports.slo_ledger import SloLedger
from sloengine.domain.forecast.risk import RiskThreshold
from sloengine.domain.recommendation.model import SliType

BATCH = 500
"""Services whose quarter of history is read at once."""


@dataclass(frozen=True, slots=True)
class WatchReport:
    """``slos``: forecasts made; ``at_risk``: ids of SLOs that have become at risk."""

    slos: int = 0
    at_risk: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WatchBudgets:
    """Run hourly. Safe to run twice and beside itself: an event is told once for each crossing."""

    graph: ServiceGraph
    ledger: SloLedger
    forecasts: ForecastBudgets
    store: ForecastStore
    clock: Clock
    threshold: RiskThreshold
    batch: int = BATCH

    async def __call__(self) -> WatchReport:
        """What was found."""
        every = sorted(service.service_id for service in (await self.graph.snapshot()).services)
        active = await self.ledger.active(every, SliType.AVAILABILITY)
        slos = [active[service_id] for service_id in sorted(active)]
        told: list[str] = []
        count = 0
        for start in range(0, len(slos), self.batch):
            found = await self.forecasts.of_slos(slos[start : start + self.batch])
            noted = [
                NotedForecast(
                    slo.slo_id,
                    slo.service_id,
                    one,
                    self.threshold.is_crossed(one.probability_budget_exhausted, may_alarm=one.given_out),
                )
                for slo, one in found.items()
            ]
            told.extend(await self._note(noted))
            count += len(noted)
        return WatchReport(count, tuple(told))

    async def _note(self, noted: Sequence[NotedForecast]) -> Sequence[str]:
        return await self.store.note(noted, now=self.clock.now()) if noted else ()
