"""Cycles, their shortest path, their lasting identity, and their alerts."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sloengine.domain.topology.alerts import decided, reconcile_alerts
from sloengine.domain.topology.condensation import condense
from sloengine.domain.topology.graph import Supernode
from sloengine.domain.topology.ingestion import AlertStatus
from tests.processor_time import processor_seconds

NOW = datetime(2025, 6, 1, tzinfo=UTC)


def edges(text: str) -> list[tuple[str, str]]:
    return [tuple(edge.split(">")) for edge in text.split()]  # type: ignore[misc]


def of(text: str, previous=()):
    pairs = edges(text)
    return condense(sorted({end for pair in pairs for end in pair}), pairs, previous)


@st.composite
def digraphs(draw):
    size = draw(st.integers(1, 8))
    pairs = [(f"s{a}", f"s{b}") for a in range(size) for b in range(size) if a != b]
    return [f"s{i}" for i in range(size)], draw(st.lists(st.sampled_from(pairs), max_size=20)) if pairs else []


def closure(ids, pairs):
    reach = {i: {i} for i in ids}
    for _ in ids:
        for a, b in pairs:
            for i in ids:
                if a in reach[i]:
                    reach[i] |= {b}
    return reach


@given(digraphs())
@settings(max_examples=300, deadline=None)
def test_supernodes_are_the_services_that_reach_each_other(graph):
    ids, pairs = graph
    reach = closure(ids, pairs)

    found = condense(ids, pairs)

    expected = {tuple(sorted(j for j in ids if j in reach[i] and i in reach[j])) for i in ids}
    assert {node.members for node in found.supernodes} == {group for group in expected if len(group) > 1}


@given(digraphs())
@settings(max_examples=300, deadline=None)
def test_cycle_paths_are_real_and_shortest(graph):
    ids, pairs = graph
    known = set(pairs)

    for node in condense(ids, pairs).supernodes:
        path = node.cycle_path
        assert path[0] == path[-1]
        assert len(set(path)) == len(path) - 1
        assert set(itertools.pairwise(path)) <= known
        assert len(path) - 1 == shortest(node.members, known)


def shortest(members, known):
    """Length of a shortest cycle, by trying every walk."""
    for length in range(2, len(members) + 1):
        walks = [(m,) for m in members]
        for _ in range(length - 1):
            walks = [(*w, n) for w in walks for n in members if (w[-1], n) in known and n not in w]
        if any((w[-1], w[0]) in known for w in walks):
            return length
    return None


@given(digraphs())
@settings(max_examples=200, deadline=None)
def test_the_condensation_has_no_cycles_and_keeps_every_way(graph):
    ids, pairs = graph
    found = condense(ids, pairs)
    home = {member: node.supernode_id for node in found.supernodes for member in node.members}

    assert set(found.edges) == {
        (home.get(a, a), home.get(b, b)) for a, b in pairs if home.get(a, a) != home.get(b, b)
    }
    components = sorted({home.get(i, i) for i in ids})
    assert condense(components, found.edges).supernodes == ()


@given(digraphs(), st.randoms())
@settings(max_examples=100, deadline=None)
def test_order_does_not_matter(graph, shuffler):
    ids, pairs = graph
    again = list(pairs)
    shuffler.shuffle(again)

    assert condense(ids, pairs) == condense(list(reversed(ids)), again)


def test_a_supernode_keeps_its_id_when_members_come_and_go():
    (first,) = of("a>b b>c c>a").supernodes

    (second,) = of("a>b b>c c>d d>a", (first,)).supernodes
    (third,) = of("c>d d>c", (second,)).supernodes

    assert first.supernode_id == second.supernode_id == third.supernode_id


def test_when_a_cycle_splits_the_larger_part_keeps_the_id():
    (whole,) = of("a>b b>c c>a c>d d>e e>d d>c").supernodes

    parts = of("a>b b>c c>a d>e e>d", (whole,)).supernodes

    ids = {node.members: node.supernode_id for node in parts}
    assert ids["a", "b", "c"] == whole.supernode_id
    assert ids["d", "e"] != whole.supernode_id


def test_when_cycles_join_the_larger_id_stays():
    before = of("a>b b>c c>a d>e e>d").supernodes
    large = next(node for node in before if len(node.members) == 3)

    (joined,) = of("a>b b>c c>a d>e e>d c>d d>c", before).supernodes

    assert joined.supernode_id == large.supernode_id


@pytest.mark.parametrize("shape", ["random", "ring", "circulant", "long way back"])
def test_giant_cycles_are_fast(shape):
    chosen = random.Random(1)
    size = 5000
    ids = [f"s{i:04}" for i in range(size)]
    steps = {
        "random": [(i, chosen.randrange(size)) for i in range(size) for _ in range(10)],
        "ring": [(i, (i + 1) % size) for i in range(size)],
        "circulant": [(i, (i + k) % size) for i in range(size) for k in range(1, 11)],
        "long way back": [(i, min(size - 1, i + chosen.randrange(1, 50))) for i in range(size) for _ in range(10)]
        + [(i, i + 1) for i in range(size - 1)]
        + [(size - 1, 0)],
    }[shape]
    pairs = [(ids[a], ids[b]) for a, b in steps if a != b]

    spent, found = processor_seconds(lambda: condense(ids, pairs), 2.0)

    assert spent < 2.0
    assert max(len(node.members) for node in found.supernodes) > 4900
    assert all(set(zip(n.cycle_path, n.cycle_path[1:], strict=False)) <= set(pairs) for n in found.supernodes)


HOUR = timedelta(hours=1)


def node(name: str, members: str) -> Supernode:
    return Supernode(name, tuple(members), (*members, members[0]))


def opened(*nodes):
    return reconcile_alerts((), nodes, NOW).opened


def test_a_new_cycle_opens_an_alert():
    (alert,) = opened(node("n", "abc"))

    assert (alert.status, alert.supernode_id, alert.cycle_path) == (AlertStatus.OPEN, "n", ("a", "b", "c", "a"))
    assert alert.detected_at == NOW


def test_reconciling_again_changes_nothing():
    nodes = node("n", "abc"), node("m", "xy")

    assert reconcile_alerts(opened(*nodes), nodes, NOW + timedelta(hours=1)).all == ()


def test_an_alert_resolves_itself_when_the_cycle_is_gone():
    later = NOW + timedelta(hours=1)

    (resolved,) = reconcile_alerts(opened(node("n", "abc")), (), later).resolved

    assert (resolved.status, resolved.resolved_at, resolved.supernode_id) == (AlertStatus.RESOLVED, later, None)


def test_a_cycle_that_comes_back_is_news():
    first = opened(node("n", "abc"))
    gone = reconcile_alerts(first, (), NOW + timedelta(hours=1)).all

    (again,) = reconcile_alerts(gone, (node("n", "abc"),), NOW + timedelta(hours=2)).opened

    assert again.alert_id != first[0].alert_id


def acknowledged(*nodes):
    return tuple(
        decided(alert, AlertStatus.ACKNOWLEDGED, note="known", actor="ann", now=NOW) for alert in opened(*nodes)
    )


def test_an_acknowledgement_survives_small_changes():
    changes = reconcile_alerts(acknowledged(node("n", "abc")), (node("n", "abcd"),), NOW)

    (alert,) = changes.updated
    assert (alert.status, alert.members, alert.note) == (AlertStatus.ACKNOWLEDGED, tuple("abcd"), "known")


def test_an_acknowledgement_does_not_cover_another_cycle():
    (alert,) = reconcile_alerts(acknowledged(node("n", "ab")), (node("n", "abcdefg"),), NOW).updated

    assert alert.status is AlertStatus.OPEN


def test_an_acknowledgement_ends_however_small_the_steps_are_in_which_a_cycle_becomes_another_one():
    (alert,) = acknowledged(node("n", "ab"))
    seen = []
    for size in range(3, 8):
        (alert,) = reconcile_alerts([alert], (node("n", "abcdefg"[:size]),), NOW + size * HOUR).updated
        seen.append(alert.status)

    assert seen == [AlertStatus.ACKNOWLEDGED] * 2 + [AlertStatus.OPEN] * 3
    assert [line.by for line in alert.history] == [None, "ann"] + [None] * 5
    again = decided(alert, AlertStatus.ACKNOWLEDGED, note=None, actor="bob", now=NOW + 9 * HOUR)
    assert again.acknowledged_members == tuple("abcdefg")


def test_a_part_of_mostly_new_members_that_breaks_off_is_not_known():
    (grown,) = reconcile_alerts(acknowledged(node("n", "abcde")), (node("n", "abcdefgh"),), NOW).updated

    parts = node("n", "abcde"), node("m", "fgh")
    (alert,) = reconcile_alerts([grown], parts, NOW + HOUR).opened

    assert (grown.status, alert.status, alert.note) == (AlertStatus.ACKNOWLEDGED, AlertStatus.OPEN, None)


def test_a_part_that_breaks_off_a_known_cycle_is_known():
    changes = reconcile_alerts(acknowledged(node("n", "abcde")), (node("n", "abc"), node("m", "de")), NOW)

    (alert,) = changes.opened
    assert (alert.status, alert.note, alert.supernode_id) == (AlertStatus.ACKNOWLEDGED, "known", "m")


def test_what_a_person_resolved_stays_resolved_until_members_join():
    done = tuple(
        replace(alert, status=AlertStatus.RESOLVED, updated_by="ann") for alert in opened(node("n", "abc"))
    )

    assert reconcile_alerts(done, (node("n", "abc"),), NOW).all == ()
    assert reconcile_alerts(done, (node("n", "ab"),), NOW).opened == ()
    assert len(reconcile_alerts(done, (node("n", "abcd"),), NOW).opened) == 1
