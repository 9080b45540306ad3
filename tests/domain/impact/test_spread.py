"""What is kept of a network brings up what a walk brings up; rows in the order of their sort key."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sloengine.domain.impact.analyse import ImpactBasis, analyse_availability
from sloengine.domain.impact.build_network import failure_network
from sloengine.domain.impact.kept_reach import kept_reach
from sloengine.domain.impact.model import SloChange, worst_first
from sloengine.domain.impact.spread import KeptSpread, WalkedSpread
from sloengine.domain.impact.stated import learn_standing
from sloengine.domain.topology.dependency import DependencyCriticality
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.topology.service import Service
from tests.domain.impact.test_availability_impact import edge, slo, target

SIZE = 70


def network_of(seed, *, back=2):
    """Seventy services, redundancy groups and a few calls back, of which some close cycles."""
    rng = np.random.default_rng(seed)
    names = [f"s{place:02d}" for place in range(SIZE)]
    pairs = {(int(a), int(b)) for a, b in np.sort(rng.integers(0, SIZE, (220, 2)), axis=1) if a < b}
    pairs |= {(b, a) for a, b in sorted(pairs)[:back]}
    edges = []
    for a, b in sorted(pairs):
        kind = list(DependencyCriticality)[int(rng.integers(3))]
        group = "spare" if rng.random() < 0.3 else None
        weight = float(rng.choice([0.1, 0.5, 1.0]))
        edges.append(edge(names[a], names[b], kind, weight, redundancy_group=group, required=1 if group else None))
    return failure_network(DependencyGraph(tuple(Service(name) for name in names), tuple(edges), version=1))


def kept_of(network, **options):
    groups = [[], *([group for _, group in step.groups] for step in network.steps)]
    return kept_reach(network.contracted, network.by_level, groups, network.only_call == -1, **options)


@given(st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_what_is_kept_brings_up_what_a_walk_brings_up(seed):
    network = network_of(seed)
    rng = np.random.default_rng(seed)
    own = rng.lognormal(-6, 2, (network.size, 2)) * (rng.random((network.size, 1)) < 0.7)
    found = []

    for spread in (WalkedSpread(network, 2), KeptSpread(network, 2, kept_of(network))):
        arrived = np.zeros((network.size, 2))
        for height, components in enumerate(network.by_level):
            arrived[components] = spread.arrived(height, components)
            spread.up(components, own[components])
        found.append((arrived, spread.shared))

    assert network.group_count > 3
    assert found[0][0].any()
    for walked, kept in zip(*found, strict=True):
        assert kept == pytest.approx(walked, rel=1e-5, abs=1e-7 * own.sum())  # single precision


def test_some_of_a_level_can_be_asked_for():
    network = network_of(3)
    spread = KeptSpread(network, 1, kept_of(network))
    spread.up(network.by_level[0], np.full((len(network.by_level[0]), 1), 0.01))
    level = network.by_level[1]

    whole = spread.arrived(1, level)

    assert len(level) > 3
    assert whole.any()
    assert (spread.arrived(1, level[1:2]) == whole[1:2]).all()
    assert (spread.arrived(1, level[1:]) == whole[1:]).all()


def test_a_network_too_dense_to_keep_is_walked():
    network = network_of(4)

    assert kept_of(network, most=50) is None

    walked = network_of(4)
    walked.__dict__["kept_reach"] = None  # as it is where there is too much to keep
    nothing, shown = np.full(SIZE, np.nan), np.full(SIZE, 1e-3)
    first, second = learn_standing(network, shown, nothing), learn_standing(walked, shown, nothing)
    assert second.inherited == pytest.approx(first.inherited, rel=1e-4)


def test_members_of_cycles_are_held_to_the_worst_of_the_others():
    network = network_of(5, back=12)
    promised = np.where(np.arange(SIZE) % 2 == 0, 0.001 * (1 + np.arange(SIZE)), np.nan)
    standing = learn_standing(network, np.full(SIZE, 1e-4), promised)
    inherited = standing.inherited[:, 0]

    own = standing.own_of(network, standing.promises, inherited)

    assert len(network.in_cycles[1]) > 0
    for service in range(SIZE):
        component = network.labels[service]
        others = [member for member in network.members_of(component) if member != service]
        least = max((standing.promises[member] for member in others), default=0.0) - inherited[component]
        expected = standing.own[component, 1] if not others else max(standing.own[component, 1], least)
        assert own[service] == pytest.approx(expected, abs=1e-12)


def test_rows_come_in_the_order_of_their_sort_key():
    rng = np.random.default_rng(6)
    network = network_of(6)
    names = [service.service_id for service in network.graph.services]
    promised = np.where(rng.random(SIZE) < 0.6, rng.choice([0.002, 0.01, 0.1], SIZE), np.nan)
    held = {names[place]: slo(names[place], 1.0 - promised[place]) for place in np.flatnonzero(promised > 0.0)}
    basis = ImpactBasis(network, learn_standing(network, np.full(SIZE, 1e-4), promised), held, frozenset(names))

    rows = analyse_availability(basis, [SloChange(names[place], target(0.97)) for place in (55, 60, 68)])

    assert len(rows) > 30
    assert {row.violates for row in rows} == {True, False}
    assert rows == tuple(sorted(rows, key=worst_first))
