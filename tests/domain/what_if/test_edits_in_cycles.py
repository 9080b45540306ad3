"""Edits inside a cycle, whose members the model takes to fail together."""

from __future__ import annotations

import numpy as np
import pytest

from sloengine.application.recommendation.evidence import Evidence, LearntPriors
from sloengine.application.recommendation.prepared import Prepared, prepare
from sloengine.application.what_if.edited_targets import edited_targets
from sloengine.domain.recommendation.latency_prior import LatencyPrior
from sloengine.domain.recommendation.organization_prior import learn_prior
from sloengine.domain.reliability.panel import SliPanel
from sloengine.domain.reliability.window import ComplianceWindow
from sloengine.domain.topology.dependency import Dependency
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.topology.service import Service
from sloengine.domain.what_if.edits import Cut, GraphEdit, Improve, Soften
from sloengine.domain.what_if.model import WhatIfResult
from tests.domain.explanation.cases import END, HOUR, SETTINGS

MEMBERS = 12
NAMES = tuple(f"m{n:02}" for n in range(MEMBERS))
RING = tuple((NAMES[n], NAMES[(n + 1) % MEMBERS]) for n in range(MEMBERS))


@pytest.fixture(scope="module")
def ring() -> Prepared:
    """Each member fails by itself in five hours of its own, too few to refute that calls pass failure on."""
    graph = DependencyGraph(
        tuple(Service(name) for name in NAMES),
        tuple(Dependency(caller, called, call_weight=0.1) for caller, called in (*RING, (NAMES[0], NAMES[6]))),
    )
    rng = np.random.default_rng(3)
    total = np.full((MEMBERS, 60 * 24), 20_000.0)
    bad = np.zeros_like(total)
    for row, hours in enumerate(rng.permutation(total.shape[1])[: 5 * MEMBERS].reshape(MEMBERS, 5)):
        bad[row, hours] = 4_000.0
    panel = SliPanel(NAMES, END - 60 * 24 * HOUR, HOUR, total - bad, total)
    priors = LearntPriors(learn_prior(panel, as_of=END, lookback_days=365), LatencyPrior.shipped())
    prepared = prepare(Evidence(as_of=END, graph=graph, panel=panel, latency={}, edges=None, priors=priors))
    assert len(prepared.reliability.members) == 1
    return prepared


def explored(ring: Prepared, *edits: GraphEdit, root: str = NAMES[0]) -> WhatIfResult:
    return edited_targets(
        ring, edits, [root], window=ComplianceWindow.ROLLING_28D, now=END, settings=SETTINGS, measured={}
    )


@pytest.mark.parametrize("figure", [0.9995, 0.9999, 0.99999])
def test_a_better_member_in_focus_is_never_told_to_do_worse(ring: Prepared, figure: float):
    shown = 1.0 - ring.reliability.shown[0]
    assert shown < figure

    found = explored(ring, Improve(NAMES[0], figure))

    assert found.budget_minutes_gained >= 0.0
    assert all(row.after >= row.before for row in found.focus if row.before is not None and row.after is not None)


def test_an_improvement_that_the_cycle_takes_away_is_not_explained_by_less_than_was_seen(ring: Prepared):
    [note] = explored(ring, Improve(NAMES[0], 0.99999)).notes[:1]

    assert note == (
        "edit 0 is not reached: m00 is in a cycle of 12 services, which fail each other however well it does by "
        "itself; cut what closes the cycle, or improve more of them"
    )


def test_a_call_inside_a_cycle_that_holds_without_it_is_said_not_to_be_felt(ring: Prepared):
    across, closing = explored(ring, Soften(NAMES[0], NAMES[6])), explored(ring, Cut(*RING[3]))

    assert across.budget_minutes_gained == 0.0
    assert [note for note in across.notes if "cycle of 12 services" in note]
    assert not [note for note in closing.notes if "cycle" in note]
    assert closing.budget_minutes_gained != 0.0
