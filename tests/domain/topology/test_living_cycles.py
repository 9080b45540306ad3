"""Supernodes and alerts under any sequence of edits, compared with a run from scratch after each."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from sloengine.domain.topology.alerts import HISTORY_LINES, decided, reconcile_alerts
from sloengine.domain.topology.condensation import condense
from sloengine.domain.topology.graph import Supernode
from sloengine.domain.topology.ingestion import AlertStatus, CircularDependencyAlert

NOW = datetime(2026, 3, 1, tzinfo=UTC)
IDS = tuple("abcdefg")
PAIRS = [(a, b) for a in IDS for b in IDS if a != b]

edits = st.lists(st.sets(st.sampled_from(PAIRS), min_size=1, max_size=4), min_size=1, max_size=12)


@dataclass
class Living:
    """A graph that is edited, with what is stored of its cycles."""

    pairs: set[tuple[str, str]] = field(default_factory=set)
    supernodes: tuple[Supernode, ...] = ()
    alerts: dict[str, CircularDependencyAlert] = field(default_factory=dict)
    now: datetime = NOW

    def edit(self, toggled: set[tuple[str, str]], random: Random) -> None:
        self.pairs ^= toggled
        shuffled = sorted(self.pairs)
        random.shuffle(shuffled)
        self.supernodes = condense(IDS, shuffled, self.supernodes).supernodes
        self.now += timedelta(hours=1)
        news = reconcile_alerts(list(self.alerts.values()), self.supernodes, self.now)
        self.alerts |= {alert.alert_id: alert for alert in news.all}

    def decide(self, random: Random) -> None:
        standing = sorted(key for key, alert in self.alerts.items() if alert.supernode_id is not None)
        if standing:
            key = random.choice(standing)
            status = random.choice(list(AlertStatus))
            self.alerts[key] = decided(self.alerts[key], status, note=f"at {self.now}", actor="ann", now=self.now)


@settings(max_examples=80, deadline=None)
@given(steps=edits, random=...)
def test_after_any_edit_supernodes_are_those_of_a_run_from_scratch(
    steps: list[set[tuple[str, str]]], random: Random
):
    living = Living()
    for toggled in steps:
        before = living.supernodes
        living.edit(toggled, random)

        scratch = condense(IDS, sorted(living.pairs))

        assert {(n.members, n.cycle_path) for n in living.supernodes} == {
            (n.members, n.cycle_path) for n in scratch.supernodes
        }
        names = [n.supernode_id for n in living.supernodes]
        assert len(set(names)) == len(names)
        check_ids_are_kept(before, living.supernodes)


def check_ids_are_kept(before: tuple[Supernode, ...], after: tuple[Supernode, ...]) -> None:
    """The part with most members keeps the id, unless it got that of a cycle it shares as much with."""
    by_id = {node.supernode_id: node for node in after}

    def shared(old: Supernode, new: Supernode) -> int:
        return len(set(old.members) & set(new.members))

    origin = {node.supernode_id: node for node in before}
    for old in before:
        keeper = by_id.get(old.supernode_id)
        for part in after:
            if not shared(old, part) or part is keeper:
                continue
            own = origin.get(part.supernode_id)
            kept_another = own is not None and shared(own, part) >= shared(old, part)
            assert kept_another or (keeper is not None and shared(old, keeper) >= shared(old, part))


@settings(max_examples=80, deadline=None)
@given(steps=edits, random=...)
def test_after_any_edit_each_cycle_has_its_alert_and_none_has_lost_its_history(
    steps: list[set[tuple[str, str]]], random: Random
):
    living = Living()
    for toggled in steps:
        before = dict(living.alerts)
        living.edit(toggled, random)

        present = {node.supernode_id: node for node in living.supernodes}
        standing = [alert for alert in living.alerts.values() if alert.supernode_id is not None]
        assert sorted(alert.supernode_id or "" for alert in standing) == sorted(present)
        for alert in living.alerts.values():
            if alert.supernode_id is None:
                assert alert.status is AlertStatus.RESOLVED
            elif alert.status is not AlertStatus.RESOLVED:
                node = present[alert.supernode_id]
                assert (alert.members, alert.cycle_path) == (node.members, node.cycle_path)
            else:
                assert set(present[alert.supernode_id].members) <= set(alert.members)  # a person's word
            earlier = before.get(alert.alert_id)
            if earlier is not None:
                assert alert.history[: len(earlier.history)] == earlier.history
                assert (alert.note, alert.updated_by) == (earlier.note, earlier.updated_by)
                assert alert.revision == earlier.revision + (alert != earlier)
        assert set(before) <= set(living.alerts)

        values = list(living.alerts.values())
        random.shuffle(values)
        assert reconcile_alerts(values, living.supernodes[::-1], living.now + timedelta(hours=1)).all == ()
        if random.random() < 0.5:
            living.decide(random)


@settings(max_examples=60, deadline=None)
@given(steps=edits, random=...)
def test_an_acknowledged_cycle_that_grows_by_less_than_was_acknowledged_keeps_everything(
    steps: list[set[tuple[str, str]]], random: Random
):
    living = Living()
    for toggled in steps:
        living.edit(toggled, random)
        for key, alert in living.alerts.items():
            if alert.status is AlertStatus.OPEN:
                living.alerts[key] = decided(
                    alert, AlertStatus.ACKNOWLEDGED, note=f"note of {key}", actor=f"who saw {key}", now=living.now
                )
        before = dict(living.alerts)
        known = {
            member
            for a in before.values()
            if a.supernode_id is not None and a.status is AlertStatus.ACKNOWLEDGED
            for member in a.acknowledged_members
        }
        living.edit({random.choice(PAIRS)}, random)

        for key, alert in before.items():
            after = living.alerts[key]
            if after.supernode_id is None or after.status is AlertStatus.RESOLVED:
                continue
            assert (after.note, after.updated_by) == (alert.note, alert.updated_by)
            mostly_known = 2 * len(known & set(after.members)) >= len(after.members)
            assert (after.status is AlertStatus.ACKNOWLEDGED) == mostly_known


def ring(members: str) -> set[tuple[str, str]]:
    return set(zip(members, members[1:] + members[0], strict=True))


def test_two_acknowledged_cycles_that_join_stay_acknowledged_and_one_alert_says_where_it_went():
    living, random = Living(), Random(1)
    living.edit(ring("abc") | ring("de"), random)
    for key, alert in living.alerts.items():
        living.alerts[key] = decided(alert, AlertStatus.ACKNOWLEDGED, note=key, actor="ann", now=living.now)

    living.edit({("c", "d"), ("d", "c")}, random)

    joined, gone = sorted(living.alerts.values(), key=lambda alert: alert.status)
    assert (joined.status, joined.members) == (AlertStatus.ACKNOWLEDGED, tuple("abcde"))
    assert joined.history[-1].text == "joined by d, e"
    assert (gone.status, gone.supernode_id) == (AlertStatus.RESOLVED, None)
    assert gone.history[-1].text == "the cycle has become part of a larger one"


def test_a_cycle_that_vanishes_and_comes_back_in_the_same_moment_has_two_alerts():
    first = reconcile_alerts((), condense(IDS, sorted(ring("ab"))).supernodes, NOW).opened
    gone = reconcile_alerts(first, (), NOW).resolved
    again = reconcile_alerts(gone, condense(IDS, sorted(ring("ab"))).supernodes, NOW).opened

    assert again[0].alert_id != first[0].alert_id


def test_of_a_very_long_history_what_people_said_is_kept():
    (alert,) = reconcile_alerts((), condense(IDS, sorted(ring("ab"))).supernodes, NOW).opened
    alert = decided(alert, AlertStatus.ACKNOWLEDGED, note="known", actor="ann", now=NOW)
    for step in range(HISTORY_LINES + 50):
        nodes = condense(IDS, sorted(ring("abc" if step % 2 else "abd"))).supernodes
        renamed = [Supernode(alert.supernode_id or "", n.members, n.cycle_path) for n in nodes]
        (alert,) = reconcile_alerts([alert], renamed, NOW + timedelta(hours=step)).updated

    assert len(alert.history) == HISTORY_LINES
    assert [line.text for line in alert.history if line.by] == ["known"]
    assert alert.revision == HISTORY_LINES + 52
