"""The hourly pass over all budgets on every store: what a reader of the outbox sees of an SLO at risk."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np

from sloengine.application.forecast.forecast_budgets import ForecastBudgets
from sloengine.application.forecast.watch_budgets import WatchBudgets
from sloengine.application.ports.sli_history import Watermark
from sloengine.application.recommendation.learnt_priors import CurrentPriors
from sloengine.domain.forecast.risk import RiskThreshold
from sloengine.domain.recommendation.model import SliType
from sloengine.domain.reliability.panel import SliPanel
from sloengine.domain.reliability.window import ComplianceWindow
from sloengine.domain.topology.service import Service
from sloengine.infrastructure.memory.small_stores import SetClock
from tests.contracts.conftest import Stores
from tests.contracts.recommendation_samples import NOW, slo
from tests.contracts.test_forecast_store import told
from tests.contracts.test_slo_ledger import decide, put

HOUR = timedelta(hours=1)
END = NOW.replace(minute=0, second=0, microsecond=0)
DAYS = 40


async def failing(stores: Stores, share: float, hours: int = DAYS * 24) -> None:
    """The newest hours failed so much; 1,000 requests an hour."""
    total = np.full((1, hours), 1_000.0)
    await stores.sli_history.write(SliPanel(("a",), END - hours * HOUR, HOUR, total * (1 - share), total))


async def test_an_slo_at_risk_is_written_once_with_its_forecast_and_again_only_after_it_has_recovered(
    stores: Stores,
):
    """March began 12 hours ago, and 2.5 % fails where 1 % may: the month's budget will run out."""
    await stores.graph.register([Service("a")], now=NOW)
    await stores.sli_history.set_watermark(Watermark(END, NOW))
    promised = replace(slo("slo-1", ratio=0.99), window=ComplianceWindow.CALENDAR_MONTH)
    await decide(stores.ledger, put(promised))
    [target] = promised.targets
    assert target.availability_ratio is not None
    budget = 1 - target.availability_ratio
    clock = SetClock(NOW)
    priors = CurrentPriors(stores.priors, stores.calibrations, trusted_for=timedelta())
    forecasts = ForecastBudgets(stores.sli_history, stores.ledger, stores.forecasts, priors, clock)
    watch = WatchBudgets(stores.graph, stores.ledger, forecasts, stores.forecasts, clock, RiskThreshold(0.3))

    await failing(stores, 2.5 * budget)
    [expected] = (await forecasts(["a"], SliType.AVAILABILITY)).values()
    first, same = await watch(), await watch()
    await failing(stores, 0.0)
    recovered = await watch()
    await failing(stores, 2.5 * budget)
    again = await watch()

    assert 0.3 <= expected.probability_budget_exhausted < 1.0  # forecast, not counted
    assert [list(one.at_risk) for one in (first, same, recovered, again)] == [["slo-1"], [], [], ["slo-1"]]
    assert await told(stores) == ["slo-1", "slo-1"]
    event = next(one for one in await stores.outbox.pending(100) if one.kind == "SloAtRisk")
    assert (event.service_id, event.at, event.payload["slo"]) == ("a", NOW, "slo-1")
    assert event.payload["forecast"] == {
        "probabilityBudgetExhausted": expected.probability_budget_exhausted,
        "expectedExhaustionAt": expected.expected_exhaustion_at and expected.expected_exhaustion_at.isoformat(),
        "horizonEnd": expected.horizon_end.isoformat(),
        "method": expected.method,
    }
    assert dict(await stores.forecasts.at_risk(["slo-1"])) == {"slo-1": NOW}
