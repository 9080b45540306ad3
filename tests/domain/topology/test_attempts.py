"""Calls that are tried again: what telemetry counts are attempts, what fails a caller are calls."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sloengine.domain.reliability.panel import SliPanel
from sloengine.domain.topology.dependency import Dependency
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.topology.graph_reliability import learn_reliability
from sloengine.domain.topology.observed_traffic import observed_traffic
from tests.domain.topology.organisation import HOUR, START
from tests.domain.topology.test_composite_bound import bound_of, call, graph_of, panel_of

CALLS = 4000


def played(attempts: int, sticky: float, seed: int, hours: int = 200) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Attempts, failed attempts and failed calls by hour, played call by call. It knows nothing of the engine."""
    random = np.random.default_rng(seed)
    made, failed, lost = (np.zeros(hours) for _ in range(3))
    for hour in range(hours):
        severity = random.choice([0.0, 0.002, 0.05, 0.4, 1.0], p=[0.3, 0.5, 0.1, 0.07, 0.03])
        stays = random.random(CALLS) < sticky
        open_calls = np.ones(CALLS, bool)
        first = np.zeros(CALLS, bool)
        for turn in range(attempts):
            fails = random.random(CALLS) < severity
            if turn == 0:
                first = fails
            fails = np.where(stays, first, fails) & open_calls
            made[hour] += open_calls.sum()
            failed[hour] += fails.sum()
            open_calls = fails
        lost[hour] = open_calls.sum()
    return made, failed, lost


@pytest.mark.parametrize(("attempts", "sticky"), [(2, 0.0), (3, 0.3), (3, 0.8), (2, 1.0), (3, 1.0)])
def test_no_more_calls_fail_than_their_attempts_allow(attempts, sticky):
    made, failed, lost = played(attempts, sticky, seed=attempts)
    graph = graph_of(call("root", "a", retry_config={"attempts": attempts}))
    panel = SliPanel(("a",), START, HOUR, (made - failed)[None], made[None])

    expected = 1.0 - bound_of(graph, panel).bound.observed_ratio

    true = lost.sum() / (CALLS * len(lost))
    plain = failed.sum() / made.sum()
    assert expected >= true * 0.98
    assert expected < plain
    if sticky == 1.0:
        # Then the whole limit is used, hour by hour; the hours count by attempts, of which outages have more.
        by_hour = float((lost / CALLS) @ made / made.sum())
        assert expected == pytest.approx(by_hour, rel=0.01)


def test_failed_calls_are_failed_attempts_divided_by_how_often_a_call_is_tried():
    graph = graph_of(call("root", "a", retry_config={"attempts": 3}))
    outage = np.zeros(240)
    outage[10] = 3000.0
    total = np.array([np.full(240, 1000.0), np.where(outage > 0.0, 3000.0, 1000.0)])
    bad = np.array([outage / 3.0, outage])

    traffic = learn_reliability(graph, SliPanel(("root", "a"), START, HOUR, total - bad, total)).traffic

    assert traffic.attributed([0])[0].sum() == pytest.approx(1000.0)


def test_a_caller_is_not_charged_with_what_others_tried_again_in_an_outage():
    graph = graph_of(call("root", "a", retry_config={"attempts": 2}), call("other", "a"))
    outage = np.arange(240) == 10
    total = np.array([np.full(240, 1000.0), np.full(240, 1000.0), np.where(outage, 6000.0, 2000.0)])
    bad = np.array([np.where(outage, 1000.0, 0.0), np.where(outage, 1000.0, 0.0), np.where(outage, 6000.0, 0.0)])
    panel = SliPanel(("root", "other", "a"), START, HOUR, total - bad, total)

    bound = bound_of(graph, panel).bound

    # One hour of 240: that an eightieth of the attempts at ``a`` failed is the outage that others kept trying in.
    assert bound.observed_ratio == pytest.approx(1.0 - 1.0 / 240.0, abs=1e-9)
    assert bound.contributions[0].share_ratio == pytest.approx(1.0)


def shared(own: int, others: int, share: float, sticky: float, beside: float = 99_000.0) -> tuple[SliPanel, float]:
    """``root`` (1,000 requests an hour) and ``other`` call ``a``; in 24 hours of ten days a share of it fails.

    Closed form: an attempt fails with ``share``; of the failed calls a share ``sticky`` fails with all its
    attempts, of the others each fails for itself. Also the root's lost calls in such an hour.
    """

    def booked(calls: float, attempts: int) -> tuple[float, float, float]:
        """Attempts, failed ones, lost calls."""
        tried = sum(share**turn for turn in range(attempts))
        made = sticky * (1.0 + (attempts - 1) * share) + (1.0 - sticky) * tried
        failed = sticky * attempts * share + (1.0 - sticky) * share * tried
        return calls * made, calls * failed, calls * (sticky * share + (1.0 - sticky) * share**attempts)

    mine, theirs = booked(1000.0, own), booked(beside, others)
    hours = np.arange(240) % 10 == 3
    quiet = np.array([1000.0, beside, 1000.0 + beside])[:, None] * np.ones(240)
    total = np.where(hours, np.array([[1000.0], [beside], [mine[0] + theirs[0]]]), quiet)
    bad = np.where(hours, np.array([[mine[2]], [theirs[2]], [mine[1] + theirs[1]]]), 0.0)
    return SliPanel(("root", "other", "a"), START, HOUR, total - bad, total), mine[2]


def callers(own: int, others: int) -> DependencyGraph:
    return graph_of(
        call("root", "a", retry_config={"attempts": own}), call("other", "a", retry_config={"attempts": others})
    )


@pytest.mark.parametrize(("own", "others"), [(3, 1), (1, 3), (2, 5), (3, 3)])
@pytest.mark.parametrize("share", [1.0, 0.05])
def test_failed_calls_are_exact_where_the_attempts_of_a_call_share_their_fate(own, others, share):
    panel, lost = shared(own, others, share, sticky=1.0)

    traffic = observed_traffic(callers(own, others), panel, None)

    assert traffic.attributed([0])[0].sum() == pytest.approx(24 * lost)


@given(
    own=st.integers(2, 6),
    others=st.integers(1, 6),
    share=st.floats(0.001, 1.0),
    sticky=st.floats(0.0, 1.0),
    beside=st.sampled_from([100.0, 1000.0, 99_000.0]),
)
@settings(max_examples=150, deadline=None)
def test_the_most_that_can_have_failed_is_a_limit_whether_or_not_attempts_share_their_fate(
    own, others, share, sticky, beside
):
    panel, lost = shared(own, others, share, sticky, beside)

    traffic = observed_traffic(callers(own, others), panel, None)

    assert traffic.failed_at_most([0])[0] >= 24 * lost * (1.0 - 1e-9)
    assert traffic.failed_at_most([0])[0] >= traffic.attributed([0])[0].sum() * (1.0 - 1e-9)
    assert traffic.lost_share([0])[0].max() >= lost / 1000.0 * (1.0 - 1e-9)


def test_an_outage_is_not_the_doing_of_a_caller_that_tries_more_often_than_others():
    graph = callers(3, 1)
    panel, lost = shared(3, 1, share=1.0, sticky=1.0)

    bound = bound_of(graph, panel).bound

    assert lost == 1000.0
    assert bound.contributions[0].share_ratio == pytest.approx(1.0)  # 0.34 by shares of the calls alone
    hidden = SliPanel(panel.service_ids[1:], START, HOUR, panel.good[1:], panel.total[1:])
    assert bound_of(graph, hidden).bound.observed_ratio <= 0.9


def test_a_hard_dependency_is_not_contradicted_because_others_try_more_often():
    panel, lost = shared(1, 3, share=0.05, sticky=1.0, beside=9000.0)

    model = learn_reliability(callers(1, 3), panel)

    assert lost == pytest.approx(50.0)
    assert not model.contradictions
    assert not model.pass_through.less
    assert model.measured_pass_through["root", "a"].value == pytest.approx(1.0, abs=0.02)


def test_what_is_assumed_of_repeated_calls_is_said():
    graph = graph_of(call("root", "a", retry_config={"attempts": 3}))
    panel = panel_of({"a": np.ones(240)})

    said = bound_of(graph, panel).bound.assumptions

    assert "Calls tried again count as failed when every attempt has: root → a up to 3 times." in said
    assert any("lower limit of availability" in line for line in said)


@pytest.mark.parametrize("stated", [3, 3.0, "3"])
def test_attempts_are_read_from_numbers_and_their_text(stated):
    assert Dependency("a", "b", retry_config={"attempts": stated}).attempts == 3


@pytest.mark.parametrize(
    "stated", [None, {}, {"attempts": "often"}, {"attempts": True}, {"attempts": 0}, {"backoff": 1}]
)
def test_a_configuration_that_does_not_say_how_often_means_once(stated):
    assert Dependency("a", "b", retry_config=stated).attempts == 1


def test_a_caller_that_tries_once_is_not_blamed_for_a_dependency_that_others_try_again():
    """Each attempt fails for itself: of others' failed attempts few are failed calls, of the root's all are."""
    panel, lost = shared(1, 3, share=0.05, sticky=0.0, beside=9000.0)

    bound = bound_of(callers(1, 3), panel).bound

    assert lost == pytest.approx(50.0)
    assert bound.contributions[0].share_ratio == pytest.approx(1.0)


def every_outcome(share: float, attempts: int) -> tuple[float, float, float]:
    """Attempts, failed attempts and lost calls of one call, over every way its attempts can turn out."""
    made = failed = lost = 0.0
    for fails in itertools.product([True, False], repeat=attempts):
        chance = float(np.prod([share if one else 1.0 - share for one in fails]))
        turns = next((turn for turn, one in enumerate(fails, start=1) if not one), attempts)
        made += chance * turns
        failed += chance * sum(fails[:turns])
        lost += chance * all(fails)
    return made, failed, lost


@pytest.mark.parametrize("tries", [(1, 3), (2, 2), (4, 1), (3, 5)])
@pytest.mark.parametrize("share", [0.02, 0.3, 1.0])
def test_where_each_attempt_fails_for_itself_lost_calls_are_exact_whoever_tries_how_often(tries, share):
    calls = np.array([1000.0, 7000.0])
    one = [every_outcome(share, attempts) for attempts in tries]
    made, failed = (float(calls @ [outcome[i] for outcome in one]) for i in (0, 1))
    lost = calls * [outcome[2] for outcome in one]
    total, bad = np.array([*calls, made])[:, None], np.array([*lost, failed])[:, None]

    panel = SliPanel(("root", "other", "a"), START, HOUR, total - bad, total)
    traffic = observed_traffic(callers(*tries), panel, None)

    assert traffic.failed_each_for_itself([0, 1])[:, 0] == pytest.approx(lost, rel=1e-12)


@given(own=st.integers(2, 6), others=st.integers(1, 6), share=st.floats(0.001, 1.0), sticky=st.floats(0.0, 1.0))
@settings(max_examples=100, deadline=None)
def test_no_fewer_calls_are_lost_than_if_each_attempt_failed_for_itself(own, others, share, sticky):
    panel, lost = shared(own, others, share, sticky, beside=1e-6)  # of one caller: others' fate is their own

    traffic = observed_traffic(callers(own, others), panel, None)

    assert traffic.failed_each_for_itself([0])[0].sum() <= 24 * lost * (1.0 + 1e-6) + 1e-6


def test_a_hard_dependency_is_not_contradicted_by_what_further_tries_mend():
    """Each attempt fails for itself with one half: of a thousand calls an hour an eighth is lost."""
    panel, lost = shared(3, 1, share=0.5, sticky=0.0, beside=400.0)

    model = learn_reliability(callers(3, 1), panel)

    assert lost == pytest.approx(125.0)
    assert not model.contradictions


def test_what_passes_nothing_on_is_contradicted_however_often_it_is_tried():
    panel, _ = shared(3, 1, share=1.0, sticky=1.0, beside=400.0)
    fine = panel.good.copy()
    fine[0] = panel.total[0]

    model = learn_reliability(callers(3, 1), replace(panel, good=fine))

    assert list(model.contradictions) == [("root", "a")]
