from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from sloengine.application.accuracy.measure_accuracy import MeasureAccuracyCommand, measure_accuracy
from sloengine.application.accuracy.past import Past
from sloengine.application.accuracy.rolling_backtests import Plan, days_to_look, look_back
from sloengine.application.recommendation.learn_archetypes import learn_archetypes
from sloengine.domain.accuracy.judged import ENGINE
from sloengine.domain.errors import Invalid
from sloengine.domain.recommendation.model import ObjectiveKind, SliType, TierName
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.reliability.panel import SliPanel
from sloengine.domain.reliability.window import ComplianceWindow
from sloengine.domain.topology.dependency import Dependency
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.topology.service import Service
from sloengine.infrastructure.memory.archetype_groups import GapGroups
from tests.domain.recommendation.organizations import latency_history, organization

DAY = timedelta(days=1)
SETTINGS = EngineSettings(n_draws=400, n_latency_draws=400)
NO_GRAPH = DependencyGraph(tuple(Service(f"service-{i}") for i in range(4)), ())


def plan(**changes: object) -> Plan:
    values: dict[str, object] = {
        "train_days": 30,
        "prior_days": 365,
        "window": ComplianceWindow.ROLLING_28D,
        "every_days": 14,
        "settings": SETTINGS,
    } | changes
    return Plan(**values)  # type: ignore[arg-type]


def test_the_last_look_has_its_window_just_finished_and_the_first_its_history():
    panel = organization(services=4, days=90)
    past = Past(NO_GRAPH, panel, {})

    days = days_to_look(past, plan())

    assert days == [panel.ends_at - DAY * back for back in (56, 42, 28)]


def test_a_look_back_knows_nothing_of_what_came():
    panel = organization(services=4, days=90)
    as_of = panel.start_at + DAY * 45
    good = panel.good.copy()
    good[:, 45:] *= 0.5
    worse = SliPanel(panel.service_ids, panel.start_at, panel.step, good, panel.total)

    before, after = (look_back(Past(NO_GRAPH, one, {}), plan(), as_of) for one in (panel, worse))

    assert [row.target for row in before.targets] == [row.target for row in after.targets]
    assert any(row.held for row in before.targets)
    assert not any(row.held for row in after.targets)


def test_own_history_is_cut_to_what_is_asked_for():
    panel = organization(services=4, days=90)
    as_of = panel.start_at + DAY * 60
    good = panel.good.copy()
    good[:, :30] *= 0.9  # older than the 30 days that are seen
    changed = SliPanel(panel.service_ids, panel.start_at, panel.step, good, panel.total)

    seen = [
        [row.target for row in look_back(Past(NO_GRAPH, one, {}), plan(prior_days=30), as_of).targets]
        for one in (panel, changed)
    ]

    assert seen[0] == seen[1]


def test_services_younger_than_the_history_asked_for_are_left_out():
    panel = organization(services=4, days=90)
    total = panel.total.copy()
    total[0, :25] = np.nan
    young = SliPanel(panel.service_ids, panel.start_at, panel.step, panel.good, total)

    look = look_back(Past(NO_GRAPH, young, {}), plan(), panel.start_at + DAY * 40)

    assert {row.service_id for row in look.targets} == {"service-1", "service-2", "service-3"}


def test_kinds_of_services_are_told_apart_by_what_was_known_on_the_day():
    panel = organization(services=14, days=90)
    as_of = panel.start_at + DAY * 45
    # Seven are asked a thousand times as often as the others; after as-of all are asked alike.
    scale = np.where(np.arange(14) < 7, 1e-3, 1.0)[:, None] * np.ones(90)
    scale[:, 45:] = 1.0
    told = SliPanel(panel.service_ids, panel.start_at, panel.step, panel.good * scale, panel.total * scale)
    services = tuple(Service(service_id) for service_id in panel.service_ids)
    calls = tuple(Dependency("service-0", f"service-{i}") for i in range(7, 14))
    part, whole = DependencyGraph(services, ()), DependencyGraph(services, calls)

    plain, grouped = (
        Past(part, told, {}, grouping=grouping, whole=whole).evidence(as_of, 30, 365).priors.availability
        for grouping in (None, GapGroups())
    )

    kinds = learn_archetypes(whole, told.between(told.start_at, as_of), {}, GapGroups(), as_of=as_of)
    assert len(kinds) == 2
    assert grouped.digest == plain.with_archetypes(kinds).digest
    assert not len(plain.archetypes)


def test_hold_rate_and_tightness_stand_side_by_side():
    panel = organization(services=12, days=150)

    report = measure_accuracy(
        MeasureAccuracyCommand({}, panel, None, train_days=(14, 30), every_days=28, settings=SETTINGS)
    )

    mine = [row for row in report.tiers if row.estimator == ENGINE and row.traffic is None]
    assert {(row.train_days, row.tier) for row in mine} == {(d, t) for d in (14, 30) for t in TierName}
    for row in mine:
        assert row.promised is not None
        assert row.over_promise is not None
        assert row.over_promise.value == pytest.approx(row.promised - row.attained.value)
        assert 0.9 <= row.median_target < 1
    assert {row.rule for row in report.comparisons} == {
        "OWN_BOOTSTRAP",
        "MEAN_30_DAYS",
        "WORST_WINDOW",
        "FIXED_99_5",
        "FIXED_99_9",
    }
    assert report.calibration
    assert not report.warnings


def test_one_block_of_time_gives_no_interval_unless_services_are_of_many_organisations():
    panel = organization(services=6, days=70)
    command = MeasureAccuracyCommand({}, panel, None, every_days=7, settings=SETTINGS)

    alone = measure_accuracy(command)
    named = measure_accuracy(replace(command, clusters={f"service-{i}": f"org-{i % 3}" for i in range(6)}))

    assert "no interval" in alone.warnings[-1]
    assert all(row.attained.low is None and not row.over_promises for row in alone.tiers)
    assert all(row.attained.low is not None for row in named.tiers if row.traffic is None)


def test_latency_is_judged_as_well():
    histories = {
        name: replace(latency_history(days=100, seed=seed, slow_days=(20, 61)), service_id=name)
        for seed, name in enumerate(("service-0", "service-1", "service-2"))
    }

    report = measure_accuracy(
        MeasureAccuracyCommand({}, None, histories, horizon_days=7, every_days=21, settings=SETTINGS)
    )

    assert {row.kind for row in report.tiers} == {ObjectiveKind.LATENCY_P95, ObjectiveKind.LATENCY_P99}
    assert {point.sli_type for point in report.calibration} == {SliType.LATENCY}
    rules = {"OWN_BOOTSTRAP", "MEAN_30_DAYS", "WORST_WINDOW", "FIXED_LATENCY"}
    assert {(row.rule, row.kind) for row in report.comparisons} == {
        (rule, kind) for rule in rules for kind in (ObjectiveKind.LATENCY_P95, ObjectiveKind.LATENCY_P99)
    }
    promised = {row.estimator for row in report.tiers if row.promised is not None}
    assert promised == {ENGINE, "OWN_BOOTSTRAP"}
    # Judged by the same windows, each counted once.
    assert {row.windows for row in report.tiers if row.traffic is None} == {4 * 3}


def test_a_short_history_says_what_it_lacks():
    with pytest.raises(Invalid, match=r"40 days are too short.*need 58"):
        measure_accuracy(MeasureAccuracyCommand({}, organization(services=2, days=40), None, settings=SETTINGS))


def test_a_window_of_nine_days_is_refused():
    with pytest.raises(Invalid, match="7, 28 or 30"):
        measure_accuracy(
            MeasureAccuracyCommand({}, organization(services=2, days=80), None, horizon_days=9, settings=SETTINGS)
        )
