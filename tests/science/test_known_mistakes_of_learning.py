"""Mistakes 11 and 12 of the first design again: what may teach a calibration map, and what it is taught of."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from sloengine.application.accuracy.past import Past
from sloengine.application.accuracy.rolling_backtests import Plan, levels_at, looks
from sloengine.domain.accuracy.calibrate import as_promised, own_map
from sloengine.domain.accuracy.judged import Level
from sloengine.domain.accuracy.outcome import outcome_of
from sloengine.domain.recommendation.model import ObjectiveKind
from sloengine.domain.recommendation.recommend import latency_draws
from sloengine.domain.recommendation.request import LatencyRequest
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.reliability.panel import SliPanel
from sloengine.domain.reliability.window import ComplianceWindow
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.topology.latency_along_calls import CallPlan, LatencyAlongCalls, LatencyTable, TimedCall
from sloengine.domain.topology.service import Service
from tests.domain.recommendation.organizations import DAY, START, latency_history, organization

MONTH, WEEK = timedelta(days=28), timedelta(days=7)
AVAILABILITY = ObjectiveKind.AVAILABILITY


def weekly(weeks: int, services: int = 12) -> list[Level]:
    """Windows of a month that begin every week: at any time four of each service are still open."""
    rng = np.random.default_rng(11)
    return [
        Level(f"s{service}", AVAILABILITY, at, at + MONTH, value, value, 90.0)
        for at in (START + WEEK * position for position in range(weeks))
        for service, value in enumerate(rng.random(services).tolist())
    ]


def test_11_a_window_that_is_still_open_teaches_no_map():
    """Only backtests finished before the as-of date: windows begun before it, and not over, are not known then."""
    honest, now = weekly(28), START + WEEK * 20
    changed = [
        replace(one, low=0.999, high=0.999) if one.as_of < now and one.ends_at > now else one for one in honest
    ]
    still_open = sum(one != other for one, other in zip(honest, changed, strict=True))

    before, after = (as_promised(known, EngineSettings(), AVAILABILITY) for known in (honest, changed))

    assert still_open == 3 * 12
    made_now = [position for position, one in enumerate(honest) if one.as_of == now]
    assert [before[i] for i in made_now] == [after[i] for i in made_now]
    # When these windows are over they do teach: the test can tell.
    later = [position for position, one in enumerate(honest) if one.as_of == now + MONTH]
    assert [before[i] for i in later] != [after[i] for i in later]


def test_11_targets_of_a_day_know_nothing_of_what_came_through_the_map_either():
    """Looking back day after day, each with the map of windows finished by then: what came later is not in it."""
    panel = organization(services=6, days=75, seed=4)
    known = 60
    good = panel.good.copy()
    good[:, known:] *= 0.98
    worse = SliPanel(panel.service_ids, panel.start_at, panel.step, good, panel.total)
    graph = DependencyGraph(tuple(Service(name) for name in panel.service_ids), ())
    plan = Plan(14, 365, ComplianceWindow.ROLLING_7D, 4, EngineSettings(n_draws=200))

    before, after = (list(looks(Past(graph, one, {}), plan)) for one in (panel, worse))

    now = panel.start_at + DAY * known
    told = [(one.as_of, [(row.target, row.promised) for row in one.targets]) for one in before if one.as_of <= now]
    again = [(one.as_of, [(row.target, row.promised) for row in one.targets]) for one in after if one.as_of <= now]
    assert told == again
    # Nobody looks at a window that is not over: the last one ends with the data.
    assert max(one.as_of for one in before) + WEEK == panel.ends_at
    # The last of these days did have windows under way whose end nobody knew, and a map that was taught.
    levels = [level for one in before for level in one.levels]
    assert any(level.as_of < told[-1][0] < level.ends_at for level in levels)
    finished = own_map([level for level in levels if level.ends_at <= told[-1][0]], AVAILABILITY)
    assert finished is not None
    # And that map was in force: without it the same day promises something else.
    [plain] = [one for one in looks(Past(graph, panel, {}), plan, recalibrate=False) if one.as_of == told[-1][0]]
    assert [(row.target, row.promised) for row in plain.targets] != told[-1][1]
    both = [[level for one in every for level in one.levels] for every in (before, after)]
    assert own_map(both[0], AVAILABILITY) != own_map(both[1], AVAILABILITY)


def test_12_own_windows_are_judged_with_the_margin_that_targets_have():
    """The margin goes in before calibration: a map taught by draws without it would have it count twice.

    The level of an outcome is the share of those draws, margin and all, that targets are read from.
    """
    past = Past(
        DependencyGraph((Service("service-0"), Service("service-1")), ()),
        None,
        {
            f"service-{seed}": latency_history(
                120, seed=seed, slow_days=(20, 55, 100), service_id=f"service-{seed}"
            )
            for seed in range(2)
        },
    )
    settings = EngineSettings(n_latency_draws=400, lookback_days=60)
    plan = Plan(60, 365, ComplianceWindow.ROLLING_28D, 7, settings)
    as_of = START + 92 * DAY

    found = levels_at(past, plan, as_of)

    evidence = past.evidence(as_of, 60, 365)
    outcome = outcome_of(None, past.latency, as_of, MONTH)
    prior = evidence.priors.latency
    assert len(found) == 4
    moved = []
    for level in found:
        history = evidence.latency[level.service_id]
        request = LatencyRequest(level.service_id, ComplianceWindow.ROLLING_28D, as_of, history, as_of)
        draws, bare = (
            latency_draws(request, prior, with_margin)
            for with_margin in (settings, replace(settings, latency_margin_ratio=0.0))
        )
        assert draws is not None
        assert bare is not None
        came = outcome.percentile_ms(level.service_id, level.kind)
        assert level.low == pytest.approx(float((draws[level.kind] < came).mean()))
        assert level.high == pytest.approx(float((draws[level.kind] <= came).mean()))
        moved.append(float((bare[level.kind] < came).mean()) - level.low)
    assert max(moved) > 0.005  # without the margin it would be another level


def test_12_what_waits_for_two_slow_at_the_same_time_is_drawn_from_the_same_minutes_unless_asked_otherwise():
    """Convolution assumes independence: of minutes slow for both it makes twice as many that are slow for one."""
    seconds = np.full((100, 2), 0.01)
    seconds[:5] = 1.0
    slow = LatencyTable(np.array([0.0, 1.0]), seconds)
    nothing = LatencyTable(np.array([0.0, 1.0]), np.zeros((100, 2)))
    plan = CallPlan(((TimedCall("a"),), (TimedCall("b"),)))
    along = LatencyAlongCalls({"root": nothing, "a": slow, "b": slow}, {"root": plan})

    usual, convolved = (
        along.draw("root", 20_000, np.random.default_rng(12), **how) for how in ({}, {"joint": False})
    )

    assert usual.share_within(0.5) == pytest.approx(0.95, abs=0.005)
    assert usual.percentile(0.96) == pytest.approx(2.0)
    assert convolved.share_within(0.5) == pytest.approx(0.95**2, abs=0.005)
    assert convolved.percentile(0.96) == pytest.approx(1.01)
