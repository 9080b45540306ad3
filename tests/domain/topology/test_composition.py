"""How reliability composes, against an enumeration that shares no code with it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sloengine.domain.topology.composition import Call, compose
from sloengine.domain.topology.system import edge_key, pass_probability
from tests.domain.topology import brute_force
from tests.processor_time import processor_seconds

probabilities = st.one_of(st.just(1.0), st.sampled_from([0.0, 0.1, 0.5]), st.floats(0.0, 1.0))
unavailabilities = st.one_of(st.floats(0.0, 1.0), st.floats(1e-6, 1e-3), st.just(0.0), st.just(1.0))


@st.composite
def systems(draw, *, cyclic=True, max_edges=9):
    size = draw(st.integers(1, 6))
    own = draw(st.lists(unavailabilities, min_size=size, max_size=size))
    pairs = [(i, j) for i in range(size) for j in range(size) if i != j and (cyclic or i < j)]
    chosen = draw(st.lists(st.sampled_from(pairs), max_size=max_edges, unique=True)) if pairs else []
    edges = [(i, j, draw(probabilities)) for i, j in chosen]
    grouped: dict[int, list] = {}
    plain = []
    for edge in edges:
        if draw(st.booleans()):
            grouped.setdefault(edge[0], []).append(edge)
        else:
            plain.append(edge)
    groups = [(members, draw(st.integers(1, len(members)))) for members in grouped.values()]
    return own, plain, groups


def composed(own, plain, groups, root=0, **options):
    return compose(
        root,
        own,
        [Call(*edge, key=edge_key(*edge[:2])) for edge in plain],
        [([Call(*edge, key=edge_key(*edge[:2])) for edge in members], required) for members, required in groups],
        **options,
    )


@given(systems())
@settings(max_examples=400, deadline=None)
def test_small_systems_are_exact(system):
    own, plain, groups = system

    answer = composed(own, plain, groups)

    assert answer.standard_error == 0.0
    assert answer.probability == pytest.approx(brute_force.failure_probability(0, own, plain, groups), abs=1e-9)


@given(systems())
@settings(max_examples=200, deadline=None)
def test_shares_add_up_to_the_probability(system):
    own, plain, groups = system

    answer = composed(own, plain, groups)

    assert sum(answer.share.values()) == pytest.approx(answer.probability, abs=1e-9)
    assert all(part >= 0.0 for part in answer.share.values())


@given(systems(), st.data())
@settings(max_examples=200, deadline=None)
def test_a_better_component_never_makes_the_root_worse(system, data):
    own, plain, groups = system
    node = data.draw(st.integers(0, len(own) - 1))
    better = list(own)
    better[node] = data.draw(st.floats(0.0, 1.0)) * own[node]

    before, after = composed(own, plain, groups).probability, composed(better, plain, groups).probability

    assert after <= before + 1e-12


@given(systems())
@settings(max_examples=200, deadline=None)
def test_the_root_fails_at_least_as_often_as_each_call_brings_failure(system):
    own, plain, groups = system

    probability = composed(own, plain, groups).probability

    for caller, dependency, passes in plain:
        if caller == 0:
            assert probability >= passes * own[dependency] - 1e-12


def test_a_dependency_reached_by_two_paths_counts_once():
    calls = [(0, 1, 1.0), (0, 2, 1.0), (1, 3, 1.0), (2, 3, 1.0)]

    answer = composed([0.0, 0.0, 0.0, 0.01], calls, [])

    assert answer.probability == pytest.approx(0.01, abs=1e-15)


def test_what_replicas_share_is_not_redundant():
    members = [(0, 1, 1.0), (0, 2, 1.0)]
    below = [(1, 3, 1.0), (2, 3, 1.0)]

    answer = composed([0.0, 0.1, 0.2, 0.01], below, [(members, 1)])

    assert answer.probability == pytest.approx(1 - 0.99 * (1 - 0.02), abs=1e-12)


def test_a_cycle_is_one_component():
    calls = [(0, 1, 1.0), (1, 2, 0.3), (2, 1, 0.2)]

    answer = composed([0.0, 0.1, 0.2], calls, [])

    assert answer.probability == pytest.approx(1 - 0.9 * 0.8, abs=1e-12)


@pytest.mark.parametrize(
    ("pass_through", "weight", "expected"),
    [(1.0, 1.0, 1.0), (1.0, 0.25, 0.25), (0.1, 1.0, 0.1), (0.1, 2.0, 0.19), (0.5, 0.5, 0.25), (0.0, 7.0, 0.0)],
)
def test_pass_probability_follows_the_definition(pass_through, weight, expected):
    assert pass_probability(pass_through, weight) == pytest.approx(expected, abs=1e-12)


def layered(services, degree, seed, soft=0.5):
    """A layered graph: each service calls later ones; node 0 is the root."""
    random = np.random.default_rng(seed)
    calls = []
    for node in range(services - 1):
        for other in random.choice(np.arange(node + 1, services), min(degree, services - node - 1), replace=False):
            passes = float(random.choice([0.1, 0.5, 0.3])) if random.random() < soft else 1.0
            calls.append((node, int(other), passes))
    return random.lognormal(np.log(2e-4), 1.0, services).tolist(), calls


def test_sampling_agrees_with_exact_elimination_within_its_error():
    misses = 0
    for seed in range(30):
        own, calls = layered(16, 3, seed, soft=0.9)
        groups = [([c for c in calls if c[0] == 2], 1)]
        plain = [c for c in calls if c[0] != 2]
        exact = composed(own, plain, groups)
        padding = 30  # leaves beyond what is computed exactly, which never fail
        wide = [*plain, *((0, 16 + i, 0.5) for i in range(padding)), *((16 + i, 15, 0.0) for i in range(padding))]
        from sloengine.domain.topology.composition import evaluate_scenarios, without_certainties
        from sloengine.domain.topology.system import acyclic_system

        made = acyclic_system(
            0,
            [*own, *[0.0] * padding],
            [Call(*edge, key=edge_key(*edge[:2])) for edge in wide],
            [([Call(*edge, key=edge_key(*edge[:2])) for edge in members], k) for members, k in groups],
        )[0]
        rest, taken = without_certainties(made)
        sampled = evaluate_scenarios(rest, taken, made.unavailability, seed, 1024)
        assert sampled.standard_error > 0.0
        misses += abs(sampled.probability - exact.probability) > 3 * sampled.standard_error
        assert sampled.probability == pytest.approx(exact.probability, rel=0.05)
    assert misses <= 1


def test_a_thousand_components_take_milliseconds():
    own, calls = layered(1000, 10, 3)
    made = [Call(*edge, key=edge_key(*edge[:2])) for edge in calls]
    compose(0, own, made)

    spent, answer = processor_seconds(lambda: compose(0, own, made), 0.25)

    assert spent < 0.25
    assert answer.standard_error < 0.01 * answer.probability


def test_the_same_seed_gives_the_same_answer():
    own, calls = layered(200, 5, 1)

    assert composed(own, calls, [], seed=7) == composed(own, calls, [], seed=7)
