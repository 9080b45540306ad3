"""What reaches what, against the formula on a full matrix."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sloengine.domain.topology.reach_rows import ReachRows
from sloengine.domain.topology.system import Call, Group

SHARES = st.sampled_from([0.001, 0.1, 0.5, 1.0])


@st.composite
def graphs(draw):
    """Calls go to lower numbers, so that dependencies come first."""
    size = draw(st.integers(2, 9))
    calls, groups = [], []
    for caller in range(size):
        below = st.lists(st.integers(0, caller - 1), max_size=4) if caller else st.just([])
        calls.append([Call(caller, called, draw(SHARES)) for called in draw(below)])
        members = [Call(caller, called, draw(SHARES)) for called in draw(below)]
        groups.append([Group(caller, tuple(members), draw(st.integers(1, len(members))))] if members else [])
    return calls, groups


def at_least(fatal, passed):
    """P(at least ``fatal`` of independent events), by counting."""
    counts = np.array([1.0])
    for p in passed:
        counts = np.convolve(counts, [1.0 - p, p])
    return counts[fatal:].sum()


@given(graphs(), st.integers(0, 100))
@settings(max_examples=80, deadline=None)
def test_rows_hold_what_the_full_matrix_holds(graph, seed):
    calls, groups = graph
    size = len(calls)
    rows, full = ReachRows(size), np.zeros((size, size))
    hazards = np.random.default_rng(seed).random(size)

    for component in range(size):
        rows.fill(component, calls[component], [rows.fatal(group) for group in groups[component]])
        for source in range(size):
            good = np.prod([1.0 - call.probability * full[call.dependency, source] for call in calls[component]])
            for group in groups[component]:
                passed = [call.probability * full[call.dependency, source] for call in group.calls]
                good *= 1.0 - at_least(group.fatal, passed)
            full[component, source] = 1.0 - good
        full[component, component] = 1.0

    for component in range(size):
        assert rows[component].times(np.ones(size)) == pytest.approx(full[component], abs=1e-6)
        assert rows[component].times(hazards) == pytest.approx(full[component] * hazards, abs=1e-6)
        assert rows[component].dot(hazards) == pytest.approx(full[component] @ hazards, abs=1e-5)


def test_a_row_is_told_without_the_component_itself():
    rows = ReachRows(2)
    rows.fill(0, [])

    found = rows.fill(1, [Call(1, 0, 0.5)])

    assert found.components.tolist() == [0]
    assert sorted(rows[1].components.tolist()) == [0, 1]


def test_only_pairs_of_which_one_lies_below_the_other_are_kept():
    """A thousand pairs of services that know nothing of each other: two thousand entries beside their own."""
    rows = ReachRows(2_000)
    for component in range(1_000):
        rows.fill(component, [])
        rows.fill(1_000 + component, [Call(1_000 + component, component, 1.0)])

    assert rows.entries == 3_000
