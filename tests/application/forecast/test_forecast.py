from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest

from sloengine.application.governance.set_slo import SetSloCommand
from sloengine.application.ports.sli_history import Watermark
from sloengine.domain.forecast.absent import NoForecast, NoForecastReason
from sloengine.domain.governance.model import Slo, SloTarget
from sloengine.domain.recommendation.model import ObjectiveKind, SliType
from sloengine.domain.reliability.panel import SliPanel
from sloengine.domain.reliability.window import ComplianceWindow
from sloengine.domain.topology.service import Service
from tests.application.organisation import ADMIN, HOUR, NOW, Engine

END = NOW.replace(minute=0)
DAYS = 40
AVAILABILITY = SliType.AVAILABILITY


def steady(*service_ids: str, end: datetime = END, share: float = 1e-5) -> SliPanel:
    shape = (len(service_ids), DAYS * 24)
    total = np.full(shape, 1e5)
    return SliPanel(service_ids, end - DAYS * 24 * HOUR, HOUR, total * (1 - share), total)


async def promised(*service_ids: str, percent: float = 0.999) -> Engine:
    engine = Engine()
    await engine.graph.register([Service(one) for one in service_ids], now=NOW)
    await engine.history.write(steady(*service_ids))
    await engine.history.set_watermark(Watermark(END, NOW))
    for one in service_ids:
        target = SloTarget(ObjectiveKind.AVAILABILITY, availability_ratio=percent)
        await engine.use.set_slo(SetSloCommand(one, AVAILABILITY, (target,), "needed"), actor=ADMIN)
    return engine


async def fail(engine: Engine, service_id: str, hours: int, share: float) -> None:
    """The newest hours failed so much."""
    total = np.full((1, hours), 1e5)
    await engine.history.write(SliPanel((service_id,), END - hours * HOUR, HOUR, total * (1 - share), total))


async def active(engine: Engine, service_id: str) -> Mapping[str, Slo]:
    return await engine.stores.ledger.active([service_id], AVAILABILITY)


def events(engine: Engine) -> list[str | None]:
    return [event.service_id for event in engine.db.outbox.values() if event.kind == "SloAtRisk"]


async def test_an_slo_whose_budget_runs_out_is_told_of_once_and_again_after_it_has_recovered():
    engine = await promised("a", "b")

    calm = await engine.use.watch_budgets()
    await fail(engine, "a", 3, 0.5)  # 1.5 hours of outage where 40 minutes are allowed
    hit = await engine.use.watch_budgets()
    same = await engine.use.watch_budgets()
    await engine.history.write(steady("a"))
    recovered = await engine.use.watch_budgets()
    await fail(engine, "a", 3, 0.5)
    again = await engine.use.watch_budgets()

    assert [len(report.at_risk) for report in (calm, hit, same, recovered, again)] == [0, 1, 0, 0, 1]
    assert (calm.slos, again.slos) == (2, 2)
    assert events(engine) == ["a", "a"]


async def test_a_spent_budget_is_certain_and_a_calm_service_is_not_at_risk():
    engine = await promised("a", "b")
    await fail(engine, "a", 3, 0.5)

    found = await engine.use.forecast_budgets(["a", "b", "unknown"], AVAILABILITY)

    assert found.keys() == {"a"}  # of a calm service with much traffic nothing is given out
    [calm] = (await engine.use.forecast_budgets.of_slos(list((await active(engine, "b")).values()))).values()
    assert found["a"].probability_budget_exhausted == 1.0
    assert found["a"].expected_exhaustion_at == END
    assert (calm.given_out, calm.horizon_end) == (False, END + timedelta(days=7))
    assert calm.probability_budget_exhausted < 0.3


async def test_nothing_is_said_without_an_slo_about_latency_or_on_telemetry_that_cannot_be_true():
    engine = await promised("a", "b")
    await fail(engine, "a", 3, 0.5)
    await engine.graph.register([Service("free")], now=NOW)
    await engine.history.write(steady("free"))
    broken = steady("b")
    await engine.history.write(replace(broken, good=broken.total * 1.5))

    assert (await engine.use.forecast_budgets(["a", "b", "free"], AVAILABILITY)).keys() == {"a"}
    assert await engine.use.forecast_budgets(["a"], SliType.LATENCY) == {}


async def test_where_there_is_no_forecast_the_reason_is_told():
    engine = await promised("spent", "calm", "broken", "gone", "silent", "weekly", "quarterly")
    await fail(engine, "spent", 3, 0.5)
    broken = steady("broken")
    await engine.history.write(replace(broken, good=broken.total * 1.5))
    await engine.history.set_watermark(Watermark(END, NOW, refused={"gone": "counts go back"}))
    nothing = np.zeros((1, 24))
    await engine.history.write(SliPanel(("silent",), END - 24 * HOUR, HOUR, nothing, nothing))
    target = SloTarget(ObjectiveKind.AVAILABILITY, availability_ratio=0.999)
    for name, window in (
        ("weekly", ComplianceWindow.ROLLING_7D),
        ("quarterly", ComplianceWindow.CALENDAR_QUARTER),
    ):
        await engine.use.set_slo(SetSloCommand(name, AVAILABILITY, (target,), "so", window), actor=ADMIN)
    await engine.graph.register([Service("free")], now=NOW)
    names = ["spent", "calm", "broken", "gone", "silent", "weekly", "quarterly", "free"]

    found = await engine.use.forecast_budgets.or_why_not(names, AVAILABILITY)
    latency = await engine.use.forecast_budgets.or_why_not(["spent"], SliType.LATENCY)

    absent = {name: one for name, one in found.items() if isinstance(one, NoForecast)}
    assert found.keys() - absent.keys() == {"spent"}
    assert {name: one.reason for name, one in absent.items()} == {
        "calm": NoForecastReason.SIMPLE_RULES,
        "broken": NoForecastReason.REFUSED,
        "gone": NoForecastReason.REFUSED,
        "silent": NoForecastReason.NO_REQUESTS,
        "weekly": NoForecastReason.WINDOW,
        "quarterly": NoForecastReason.WINDOW,
        "free": NoForecastReason.NO_SLO,
    }
    assert absent["gone"].found == "counts go back"
    assert "more good than total" in (absent["broken"].found or "")
    assert absent["silent"].as_of == END
    assert absent["weekly"].window is ComplianceWindow.ROLLING_7D
    assert latency == {"spent": NoForecast(NoForecastReason.LATENCY)}


async def test_a_series_that_the_newest_pull_refused_has_no_forecast():
    engine = await promised("a", "b")
    await fail(engine, "a", 3, 0.5)
    await fail(engine, "b", 3, 0.5)
    await engine.history.set_watermark(Watermark(END, NOW, refused={"a": "counts go back"}))

    assert (await engine.use.forecast_budgets(["a", "b"], AVAILABILITY)).keys() == {"b"}


async def test_levels_are_learnt_from_weeks_that_are_over_once_a_day():
    engine = await promised("a", "b", "c")
    slos = list((await active(engine, "a")).values())
    [before] = (await engine.use.forecast_budgets.of_slos(slos)).values()

    learnt = await engine.use.learn_forecast_levels(only_if_due=True)
    again = await engine.use.learn_forecast_levels(only_if_due=True)

    assert learnt is not None
    levels = learnt.rolling.levels
    assert again is None
    assert learnt.rolling.probability.outcomes == levels.outcomes
    assert levels.outcomes == 3 * levels.origins == 15  # five whole weeks before as-of have data before them
    [after] = (await engine.use.forecast_budgets.of_slos(slos)).values()
    assert after.probability_budget_exhausted < before.probability_budget_exhausted
    assert "15 finished forecasts" in after.method


async def test_an_empty_engine_has_nothing_to_forecast():
    engine = Engine()

    assert (await engine.use.watch_budgets()).slos == 0
    assert await engine.use.learn_forecast_levels() is None


@pytest.mark.parametrize("batch", [1, 2, 50])
async def test_batches_change_nothing(batch: int):
    engine = await promised("a", "b", "c")
    await fail(engine, "b", 3, 0.5)

    report = await replace(engine.use.watch_budgets, batch=batch)()

    assert (report.slos, events(engine)) == (3, ["b"])


async def test_a_quarter_is_not_forecast():
    engine = await promised("a")
    [slo] = (await active(engine, "a")).values()

    found = await engine.use.forecast_budgets.of_slos([replace(slo, window=ComplianceWindow.CALENDAR_QUARTER)])

    assert found == {}


async def test_no_more_is_read_than_hourly_detail_is_kept_for():
    engine = await promised("a")
    start = (END - 101 * 24 * HOUR).replace(hour=0)
    requests = np.full((1, 11), 2.4e6)
    daily = SliPanel(("a",), start, 24 * HOUR, requests, requests)
    await engine.history.write(daily)
    await fail(engine, "a", 3, 0.5)

    found = await engine.use.forecast_budgets(["a"], AVAILABILITY)

    assert found["a"].expected_exhaustion_at == END  # to the hour, not to the day
