"""What is known of one service does not depend on the step in which another one is stored."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sloengine.application.recommendation.recommend_command import RecommendCommand
from sloengine.application.telemetry.load_sli import LoadSliCommand
from sloengine.application.telemetry.read_sli import SliWindow
from sloengine.domain.recommendation.model import Recommendation, SliType
from sloengine.domain.reliability.daily import daily_sums
from sloengine.domain.reliability.panel import SliPanel
from sloengine.infrastructure.memory.small_stores import SetClock
from tests.application.organisation import ADMIN, DAY, HOUR, Engine, hourly_panel

MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)
HALF = [hour % 2 == 0 for hour in range(24)]
WHOLE = [True] * 24


def with_hours(known: list[bool], days: int, until: datetime = MIDNIGHT) -> SliPanel:
    """The same hours of each day have data; of the first day all have."""
    panel = hourly_panel("a", days=days, until=until)
    mask = np.tile(known, days)[None, :]
    mask[:, :24] = True
    return replace(panel, good=np.where(mask, panel.good, np.nan), total=np.where(mask, panel.total, np.nan))


def daily(name: str, days: int = 60, until: datetime = MIDNIGHT) -> SliPanel:
    total = np.full((1, days), 24_000.0)
    return SliPanel((name,), until.replace(hour=0) - days * DAY, DAY, total - 3.0, total)


async def engine_with(*panels: SliPanel, at: datetime = MIDNIGHT) -> Engine:
    engine = Engine(clock=SetClock(at + timedelta(minutes=20)))
    for panel in panels:
        await engine.use.load_sli(LoadSliCommand(panel), actor=ADMIN)
    return engine


async def recommended(engine: Engine) -> Recommendation:
    [found] = await engine.use.recommend(RecommendCommand(["a"], sli_types=[SliType.AVAILABILITY]), actor=ADMIN)
    assert isinstance(found, Recommendation)
    return found


def numbers(found: Recommendation) -> list[float | None]:
    return [target.availability_ratio for tier in found.tiers for target in tier.targets]


@given(st.lists(st.booleans(), min_size=24, max_size=24).filter(any), st.integers(20, 70))
@settings(max_examples=8)
def test_what_is_known_of_a_service_does_not_depend_on_a_daily_series_beside_it(known: list[bool], days: int):
    async def beside(*others: SliPanel) -> Recommendation:
        return await recommended(await engine_with(with_hours(known, days), *others))

    alone, mixed = asyncio.run(beside()), asyncio.run(beside(daily("b")))

    one, other = alone.data_quality, mixed.data_quality
    assert one.days_of_history == pytest.approx((24 + sum(known) * (days - 1)) / 24)
    assert other.days_of_history == pytest.approx(one.days_of_history, abs=1e-9)
    assert other.completeness == pytest.approx(one.completeness, abs=1e-9)
    assert (other.sample_count, other.cold_start) == (one.sample_count, one.cold_start)
    assert other.warnings == one.warnings
    assert mixed.confidence == pytest.approx(alone.confidence, abs=1e-9)
    assert numbers(mixed) == numbers(alone)


@pytest.mark.parametrize("hour", [1, 12, 23])
async def test_in_the_middle_of_a_day_they_differ_by_the_day_that_is_not_over(hour: int):
    at = MIDNIGHT + hour * HOUR
    own = with_hours(HALF, 60, until=at)

    alone = (await recommended(await engine_with(own, at=at))).data_quality
    mixed = (await recommended(await engine_with(own, daily("b"), at=at))).data_quality

    assert alone.completeness == pytest.approx(0.5, abs=0.01)
    assert mixed.completeness == pytest.approx(0.5, abs=0.02)
    assert 0.0 <= alone.days_of_history - mixed.days_of_history <= 1.0


async def test_a_service_of_whole_hours_stays_complete():
    alone, mixed = [
        await recommended(await engine_with(with_hours(WHOLE, 60), *others)) for others in ((), (daily("b"),))
    ]

    assert (mixed.data_quality, mixed.confidence) == (alone.data_quality, alone.confidence)
    assert mixed.data_quality.completeness == 1.0
    assert mixed.tiers == alone.tiers


async def test_folded_days_count_the_hours_that_were_known():
    by_hour, folded = [await engine_with(with_hours(HALF, 60)) for _ in range(2)]
    await folded.history.prune(detail_before=MIDNIGHT, all_before=MIDNIGHT - 365 * DAY)
    assert (await folded.history.read(["a"], MIDNIGHT - 60 * DAY, MIDNIGHT)).step == DAY

    before, after = await recommended(by_hour), await recommended(folded)

    assert before.data_quality.days_of_history == pytest.approx((24 + 59 * 12) / 24)
    assert after.data_quality.days_of_history == pytest.approx(before.data_quality.days_of_history)
    assert after.data_quality.completeness == pytest.approx(before.data_quality.completeness)
    assert after.confidence == pytest.approx(before.confidence)


async def test_an_sli_is_as_complete_as_its_hours():
    engine = await engine_with(with_hours(HALF, 60), daily("b"))

    alone = await engine.use.read_sli.sli(["a"], SliType.AVAILABILITY, SliWindow.LAST_7D)
    mixed = await engine.use.read_sli.sli(["a", "b"], SliType.AVAILABILITY, SliWindow.LAST_7D)

    assert alone["a"].completeness == mixed["a"].completeness == 0.5
    assert mixed["b"].completeness == 1.0


async def test_a_day_that_is_not_over_counts_with_what_was_seen_of_it():
    at = MIDNIGHT + 6 * HOUR
    engine = await engine_with(with_hours(WHOLE, 40, until=at), daily("b"), at=at)

    panel = await engine.history.read(None, at - 365 * DAY, at)
    days = daily_sums(panel, as_of=panel.ends_at, lookback_days=365).row("a")  # as priors are learnt

    assert panel.step == DAY
    assert days.exposure[0, -1] == 0.25
    assert days.exposure.sum() == pytest.approx(40.0)


async def test_young_services_of_unlike_steps_are_read_some_at_a_time():
    # One reaches back to hours only, the other to days: a year of both is put together.
    old = 85 * DAY
    engine = await engine_with(
        with_hours(WHOLE, 20),
        replace(with_hours(WHOLE, 20, until=MIDNIGHT - old), service_ids=("a",)),
        daily("b", 20),
        daily("b", 20, until=MIDNIGHT - old),
        replace(with_hours(WHOLE, 20), service_ids=("c",)),
        replace(with_hours(WHOLE, 20, until=MIDNIGHT - old), service_ids=("c",)),
    )
    reader = engine.use.explore_edits.evidence
    scope = await reader.scope(["a"])

    at_once, one_by_one = [
        await replace(reader, young_at_once=count).read(scope, as_of=MIDNIGHT, filled=0) for count in (200, 1)
    ]

    assert at_once.older is not None
    assert one_by_one.older is not None
    assert at_once.older.service_ids == one_by_one.older.service_ids == ("a", "b", "c")
    np.testing.assert_allclose(one_by_one.older.known_days, at_once.older.known_days)
    np.testing.assert_array_equal(
        np.nansum(one_by_one.older.total, axis=1), np.nansum(at_once.older.total, axis=1)
    )
