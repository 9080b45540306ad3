"""Edits against closed forms and against the explanation's own counterfactuals."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sloengine.application.recommendation.evidence import DEPTH
from sloengine.application.what_if.edited_targets import edited_targets
from sloengine.domain.recommendation.model import ObjectiveKind, TierName
from sloengine.domain.reliability.window import ComplianceWindow
from sloengine.domain.what_if.edited_model import edited_model
from sloengine.domain.what_if.edits import (
    AddCache,
    AddFallback,
    AddReplica,
    Cut,
    Improve,
    MakeAsync,
    Soften,
)
from sloengine.domain.what_if.inheritance import changed_inheritance
from tests.domain.explanation.cases import END, SETTINGS, case_of, prepared_shop, shop_panel

AVAILABILITY, BALANCED = ObjectiveKind.AVAILABILITY, TierName.BALANCED
ROOT = "front"


@pytest.fixture(scope="module")
def shop():
    return prepared_shop(shop_panel(outages_of_db=6))


def change(shop, *edits):
    model = shop.reliability
    return changed_inheritance(model, edited_model(model, edits, [ROOT]).reliability, ROOT, max_depth=DEPTH)


def targets(shop, *edits, root=ROOT):
    found = edited_targets(
        shop,
        edits,
        [root],
        window=ComplianceWindow.ROLLING_28D,
        now=END,
        settings=SETTINGS,
        measured={},
    )
    rows = {row.tier: row for row in found.focus if row.kind is AVAILABILITY}
    return rows, found


def test_nothing_edited_changes_nothing(shop):
    assert change(shop, Improve("db", latency_scale=0.5)).is_none


def test_what_is_cut_brings_nothing_any_more(shop):
    sources = shop.reliability
    without = change(shop, Cut("cart", "db"))

    assert without.by_source == change(shop, MakeAsync("cart", "db")).by_source
    assert min(without.by_source) == 0.0
    assert max(without.by_source) == 1.0
    assert sources.names  # the model is untouched


def test_a_soft_call_and_a_cache_scale_what_comes_through(shop):
    # All that front inherits of the database comes through the cart.
    assert min(change(shop, Soften("cart", "db", 0.25)).by_source) == pytest.approx(0.25, rel=2e-3)
    assert min(change(shop, AddCache("cart", "db", 0.8)).by_source) == pytest.approx(0.2, rel=2e-3)
    assert min(change(shop, AddFallback("cart", "db", availability_ratio=0.99)).by_source) == pytest.approx(
        0.01, rel=2e-2
    )


def test_an_improved_dependency_brings_its_new_share(shop):
    model = shop.reliability
    own = model.intrinsic_unavailability("db")
    assert own is not None

    halved = change(shop, Improve("db", availability_ratio=1.0 - own / 2))

    assert min(halved.by_source) == pytest.approx(0.5, rel=2e-3)


def test_improving_the_root_leaves_what_it_inherits(shop):
    model = shop.reliability
    own = model.intrinsic_unavailability(ROOT)
    inherited = 1 - (1 - own) * 1  # of the root itself nothing is inherited twice
    better = change(shop, AddReplica(ROOT, 2, 1, 0.0))

    assert better.by_source == tuple(1.0 for _ in better.by_source)
    assert better.own == pytest.approx(inherited, rel=1e-2)


@pytest.mark.parametrize("root", ["front", "cart"])
def test_an_edit_is_what_the_counterfactual_says(shop, root):
    """One way to do one thing: a softened call and a second instance, told twice."""
    told = case_of(root, shop_panel(outages_of_db=6)).explain().counterfactuals
    softened = [c for c in told if c.change.startswith("With the call to")]
    redundant = [c for c in told if "independent second" in c.change]

    for found in softened:
        rows, _ = targets(shop, Soften(root, found.service_id), root=root)
        assert 100 * rows[BALANCED].after == pytest.approx(found.resulting_target, abs=1e-9)
    for found in redundant:
        rows, _ = targets(shop, AddReplica(found.service_id, 2, 1), root=root)
        assert 100 * rows[BALANCED].after == pytest.approx(found.resulting_target, abs=1e-9)
    assert redundant
    assert softened or root == "front"  # what matters most to the front is not called by it


def test_each_edit_is_worth_its_own_minutes(shop):
    edits = (Cut("cart", "db"), Soften(ROOT, "cart"))
    rows, both = targets(shop, *edits)
    alone = [targets(shop, edit)[1].budget_minutes_gained for edit in edits]

    assert [one.budget_minutes_gained for one in both.edits] == pytest.approx(alone)
    assert all(minutes > 0.0 for minutes in alone)
    # Both help against the database's failures, which come through the cart.
    assert max(alone) < both.budget_minutes_gained < sum(alone)
    assert rows[BALANCED].after > rows[BALANCED].before
    assert "budget" in both.summary


def test_the_minutes_of_a_cut_are_what_came_through_it(shop):
    """Closed form: what the database alone costs the front, in minutes of 28 days."""
    model = shop.reliability
    before = change(shop, Cut("cart", "db"))
    _, found = targets(shop, Cut("cart", "db"))
    own = model.intrinsic_unavailability("db")

    assert before.added == 0.0
    assert found.budget_minutes_gained == pytest.approx(own * timedelta(days=28) / timedelta(minutes=1), rel=0.1)


def test_a_better_dependency_never_makes_a_target_worse(shop):
    for edit in (Cut("cart", "db"), AddReplica("db", 2, 1), AddCache(ROOT, "cart", 0.5), AddReplica("db", 3, 2)):
        rows, _ = targets(shop, edit)
        for row in rows.values():
            if row.before is not None:
                assert row.after >= row.before
