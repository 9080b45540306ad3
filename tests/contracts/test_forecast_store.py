from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import numpy as np

from sloengine.application.ports.forecast_store import NotedForecast
from sloengine.domain.forecast.conformal import AdaptiveLevels
from sloengine.domain.forecast.forecast import Forecast
from sloengine.domain.forecast.learnt import Correction, Learnt
from sloengine.domain.forecast.probability_map import ProbabilityMap
from tests.contracts.conftest import Stores
from tests.contracts.recommendation_samples import NOW, slo
from tests.contracts.test_slo_ledger import decide, put

HOUR = timedelta(hours=1)
LIKELY = Forecast(0.6, NOW + 48 * HOUR, NOW + 168 * HOUR, "drawn")
RISK = NotedForecast("slo-1", "a", LIKELY, True)


async def told(stores: Stores) -> list[str]:
    return [event.payload["slo"] for event in await stores.outbox.pending(100) if event.kind == "SloAtRisk"]


async def test_what_was_learnt_comes_back_and_is_replaced(stores: Stores):
    absent = await stores.forecasts.learnt()
    levels = AdaptiveLevels.fresh().after(np.linspace(0, 0.5, 30))
    taught = Learnt(
        Correction(levels, ProbabilityMap(0.75, 30)), Correction(levels, ProbabilityMap(0.5, 7, by_spent=0.25))
    )

    await stores.forecasts.save_learnt(Learnt.fresh(), learnt_at=NOW)
    await stores.forecasts.save_learnt(taught, learnt_at=NOW + HOUR)

    assert absent is None
    found = await stores.forecasts.learnt()
    assert found is not None
    assert found[1] == NOW + HOUR
    rolling, month = found[0].rolling, found[0].month
    assert (rolling.levels.origins, rolling.levels.outcomes) == (1, 30)
    assert np.array_equal(rolling.levels.used, levels.used)
    assert (rolling.probability, month.probability) == (
        ProbabilityMap(0.75, 30),
        ProbabilityMap(0.5, 7, by_spent=0.25),
    )


async def test_an_slo_at_risk_is_told_of_once_until_it_no_longer_is(stores: Stores):
    await decide(stores.ledger, put(slo("slo-1")))

    first = await stores.forecasts.note([RISK], now=NOW)
    again = await stores.forecasts.note([RISK], now=NOW + HOUR)
    unsure = await stores.forecasts.note([replace(RISK, risk=None)], now=NOW + 2 * HOUR)
    still = await stores.forecasts.note([RISK], now=NOW + 3 * HOUR)
    since = await stores.forecasts.at_risk(["slo-1", "unknown"])
    calm = await stores.forecasts.note([replace(RISK, risk=False)], now=NOW + 4 * HOUR)
    nobody = await stores.forecasts.at_risk(["slo-1"])
    once_more = await stores.forecasts.note([RISK], now=NOW + 5 * HOUR)

    assert [list(ids) for ids in (first, again, unsure, still, calm, once_more)] == [
        ["slo-1"],
        [],
        [],
        [],
        [],
        ["slo-1"],
    ]
    assert dict(since) == {"slo-1": NOW}
    assert dict(nobody) == {}
    assert await told(stores) == ["slo-1", "slo-1"]
    event = next(one for one in await stores.outbox.pending(100) if one.kind == "SloAtRisk")
    assert (event.service_id, event.at) == ("a", NOW)
    assert event.payload["forecast"] == {
        "probabilityBudgetExhausted": 0.6,
        "expectedExhaustionAt": (NOW + 48 * HOUR).isoformat(),
        "horizonEnd": (NOW + 168 * HOUR).isoformat(),
        "method": "drawn",
    }


async def test_five_at_once_tell_once(stores: Stores):
    await decide(stores.ledger, put(slo("slo-1")))

    found = await asyncio.gather(*(stores.forecasts.note([RISK], now=NOW) for _ in range(5)))

    assert sorted(len(ids) for ids in found) == [0, 0, 0, 0, 1]
    assert await told(stores) == ["slo-1"]


async def test_a_new_slo_starts_without_risk_and_a_replaced_one_is_left_alone(stores: Stores):
    await decide(stores.ledger, put(slo("slo-1")))
    await stores.forecasts.note([RISK], now=NOW)
    await decide(stores.ledger, put(slo("slo-2")), now=NOW + HOUR)

    late = await stores.forecasts.note([RISK, replace(RISK, slo_id="unknown")], now=NOW + HOUR)
    new = await stores.forecasts.note([replace(RISK, slo_id="slo-2")], now=NOW + HOUR)

    assert (list(late), list(new)) == ([], ["slo-2"])
    assert set(await stores.forecasts.at_risk(["slo-1", "slo-2"])) == {"slo-2"}
