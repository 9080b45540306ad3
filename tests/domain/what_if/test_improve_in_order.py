"""An improved service does what was asked in the graph as edited so far, against every state of a small graph."""

from __future__ import annotations

import itertools
import math
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sloengine.application.recommendation.prepared import prepare
from sloengine.application.what_if.edited_targets import edited_targets
from sloengine.domain.recommendation.model import ObjectiveKind, TierName
from sloengine.domain.reliability.panel import SliPanel
from sloengine.domain.reliability.window import ComplianceWindow
from sloengine.domain.topology.dependency import Dependency
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.topology.graph_reliability import learn_reliability
from sloengine.domain.topology.service import Service
from sloengine.domain.what_if.edited_model import edited_model
from sloengine.domain.what_if.edits import AddCache, AddFallback, AddReplica, Cut, Improve, MakeAsync, Soften
from sloengine.domain.what_if.inheritance import changed_inheritance
from tests.domain.explanation.cases import END, HOUR, SETTINGS, prepared_shop, shop_panel

NAMES = ("a", "b", "c", "d")
DIAMOND = (("a", "b"), ("a", "c"), ("b", "d"), ("c", "d"))
HOURS = 28 * 24
MINUTES = 28 * 24 * 60


def learnt(shown, edges=DIAMOND):
    """Services that show so much unavailability in each hour."""
    graph = DependencyGraph(
        tuple(Service(name) for name in NAMES), tuple(Dependency(*pair, call_weight=1.0) for pair in edges)
    )
    total = np.full((len(NAMES), HOURS), 1e6)
    bad = total * np.array([[shown[name]] for name in NAMES])
    return learn_reliability(graph, SliPanel(NAMES, END - HOURS * HOUR, HOUR, total - bad, total))


MODEL = learnt({"a": 2.5e-3, "b": 6e-4, "c": 5e-4, "d": 2e-4})


def enumerated(model, root):
    """Unavailability of the root, summed over every state of every service and every call."""
    index = model.graph.index
    own = -np.expm1(-model.intrinsic.service_hazard)
    calls = [
        (index[edge.caller], index[edge.dependency], passes)
        for edge, passes in zip(model.edges, model.probability.tolist(), strict=True)
    ]
    failing = 0.0
    for broken in itertools.product((False, True), repeat=len(own)):
        of_services = math.prod(u if is_broken else 1.0 - u for u, is_broken in zip(own, broken, strict=True))
        for passing in itertools.product((False, True), repeat=len(calls)):
            chance = of_services * math.prod(
                p if passes else 1.0 - p for (_, _, p), passes in zip(calls, passing, strict=True)
            )
            down = list(broken)
            for _ in own:
                for (caller, dependency, _), passes in zip(calls, passing, strict=True):
                    down[caller] = down[caller] or (passes and down[dependency])
            failing += chance * down[index[root]]
    return failing


def made(*edits, model=MODEL, root="a"):
    return edited_model(model, edits, [root])


@pytest.mark.parametrize(
    "before",
    [
        [],
        [Cut("a", "b")],
        [Cut("a", "b"), MakeAsync("a", "c")],
        [Soften("a", "c")],
        [AddCache("a", "b", 0.5)],
        [AddFallback("a", "b", availability_ratio=0.99)],
        [AddReplica("b", 2, 1, 0.0)],
        [Improve("b", 0.9997)],
        [Improve("a", 0.99), Cut("b", "d")],
        [Improve("a", 0.99999)],
    ],
    ids=repr,
)
def test_an_improved_service_does_what_was_asked_whatever_was_edited_before(before):
    edited = made(*before, Improve("a", 0.9985))

    assert enumerated(edited.reliability, "a") == pytest.approx(0.0015, rel=1e-3)
    assert len(before) not in edited.short


def test_edits_after_an_improvement_help_beyond_it():
    first = made(Improve("a", 0.9985), Cut("a", "b")).reliability
    last = made(Cut("a", "b"), Improve("a", 0.9985)).reliability

    # What came of the call is gone from the first, and made up for by the service's own part in the last.
    brought = MODEL.intrinsic_unavailability("b")
    assert enumerated(first, "a") == pytest.approx(0.0015 - brought, rel=1e-2)
    assert first.intrinsic_unavailability("a") + brought == pytest.approx(
        last.intrinsic_unavailability("a"), rel=1e-2
    )


def test_what_is_inherited_is_not_improved_away():
    edited = made(Improve("a", 0.9999))
    inherited = enumerated(edited.reliability, "a")

    assert edited.reliability.intrinsic_unavailability("a") == 0.0
    assert inherited > 1e-4
    assert edited.short == {0: pytest.approx(1.0 - inherited, rel=1e-6)}
    assert made(Cut("a", "b"), Cut("a", "c"), Improve("a", 0.9999)).short == {}


def test_a_member_of_a_cycle_is_improved_as_a_whole():
    model = learnt({"a": 3e-3, "b": 3e-3, "c": 0.0, "d": 2e-4}, (("a", "b"), ("b", "a"), ("b", "d")))

    edited = made(Improve("a", 0.998), model=model)

    assert enumerated(edited.reliability, "a") == pytest.approx(0.002, rel=1e-3)


def test_what_lies_too_far_to_be_in_the_model_is_not_felt():
    edited = made(Improve("elsewhere", 0.9), AddReplica("elsewhere", 2), Cut("elsewhere", "a"))

    assert edited.reliability.hazard_below == pytest.approx(MODEL.hazard_below)


EDITS = st.one_of(
    st.sampled_from(DIAMOND).map(lambda pair: Cut(*pair)),
    st.builds(lambda pair, share: Soften(*pair, share), st.sampled_from(DIAMOND), st.floats(0.0, 1.0)),
    st.builds(lambda pair, share: AddCache(*pair, share), st.sampled_from(DIAMOND), st.floats(0.0, 1.0)),
    st.builds(lambda name, n: AddReplica(name, n, 1), st.sampled_from(NAMES), st.integers(2, 4)),
    st.builds(lambda name, u: Improve(name, 1.0 - u), st.sampled_from(NAMES), st.floats(1e-6, 4e-3)),
)


@settings(max_examples=40, deadline=None)
@given(before=st.lists(EDITS, max_size=4), asked=st.floats(1e-5, 1e-2))
def test_the_figure_asked_for_or_what_is_inherited_if_that_is_worse(before, asked):
    edited = made(*before, Improve("a", 1.0 - asked))
    total = enumerated(edited.reliability, "a")

    if len(before) in edited.short:
        assert edited.reliability.intrinsic_unavailability("a") == 0.0
        assert total >= asked * (1.0 - 5e-3)
    else:
        assert total == pytest.approx(asked, rel=5e-3)


@pytest.fixture(scope="module")
def shop():
    return prepared_shop(shop_panel(outages_of_db=6))


def explored(shop, *edits, root="front"):
    return edited_targets(
        shop, edits, [root], window=ComplianceWindow.ROLLING_28D, now=END, settings=SETTINGS, measured={}
    )


def test_a_focus_that_is_improved_comes_out_at_the_figure_too(shop):
    """On the observed scale: minutes gained are what it showed less what was asked, whatever was cut before."""
    cut, improved = Cut("front", "cart"), Improve("front", 0.99)

    both = explored(shop, cut, improved)
    more_cut = explored(shop, cut, Cut("front", "search"), improved)
    better = explored(shop, cut, Improve("front", 0.995))
    afterwards = explored(shop, improved, Cut("front", "search"))

    assert both.budget_minutes_gained == pytest.approx(more_cut.budget_minutes_gained, rel=1e-6)
    assert better.budget_minutes_gained - both.budget_minutes_gained == pytest.approx(0.005 * MINUTES, rel=1e-6)
    assert afterwards.budget_minutes_gained != pytest.approx(both.budget_minutes_gained, rel=1e-3)
    rows = {row.tier: row for row in both.focus if row.kind is ObjectiveKind.AVAILABILITY}
    # It still fails a hundredth of the time by itself: no tier may say that it never does.
    assert rows[TierName.CONSERVATIVE].after < rows[TierName.BALANCED].after < 0.995


def test_an_improvement_that_cannot_be_reached_is_said(shop):
    found = explored(shop, Improve("front", 0.9999))

    assert any("edit 0 is not reached" in note and "front" in note for note in found.notes)


def test_memory_does_not_grow_with_the_number_of_edits(shop):
    """A model is the square of its services: they are made and dropped one after the other."""
    many = 600
    graph = shop.evidence.graph
    evidence = replace(
        shop.evidence,
        graph=DependencyGraph(
            (*graph.services, *(Service(f"extra-{place}") for place in range(many))), graph.dependencies
        ),
        asked=("front",),
    )
    large = prepare(evidence)
    edits = [Soften("cart", "db", 0.5 - 0.01 * place) for place in range(12)]
    explored(large, edits[0])

    def peak(some):
        tracemalloc.start()
        explored(large, *some)
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest

    assert peak(edits) < peak(edits[:2]) + 4 * many**2


def test_what_no_root_can_reach_is_not_worked_out():
    after = made(Cut("a", "b"), root="c").reliability
    written = {after.contracted.labels[after.graph.index[name]] for name in ("c", "d")}

    reach = after.intrinsic.reach
    assert {place for place in range(len(reach)) if len(reach[place].components)} == written


def test_a_dependency_that_never_failed_can_get_worse():
    """There is nothing to be scaled: what it then fails comes anew."""
    model = learnt({"a": 2e-3, "b": 1e-3, "c": 5e-4, "d": 0.0})

    change = changed_inheritance(model, made(Improve("d", 0.998), model=model).reliability, "a", max_depth=3)

    assert change.added == pytest.approx(0.002, rel=1e-2)
    assert set(change.by_source) <= {1.0}
