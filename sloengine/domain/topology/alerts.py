"""The life of circular-dependency alerts: opened by a cycle, resolved when it is gone."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sloengine.domain.topology.graph import Supernode
from sloengine.domain.topology.ingestion import AlertChange, AlertStatus, CircularDependencyAlert

#: Lines of history that are kept of one alert: a cycle that comes and goes every hour fills them in eight days.
HISTORY_LINES = 200
_NAMED_AT_MOST = 5


@dataclass(frozen=True, slots=True)
class AlertChanges:
    """What has to be written. ``opened`` are new, ``updated`` known, ``resolved`` just ended by themselves."""

    opened: tuple[CircularDependencyAlert, ...] = ()
    updated: tuple[CircularDependencyAlert, ...] = ()
    resolved: tuple[CircularDependencyAlert, ...] = ()

    @property
    def all(self) -> tuple[CircularDependencyAlert, ...]:
        """Every alert that differs from what is stored."""
        return *self.opened, *self.updated, *self.resolved


def reconcile_alerts(
    previous: Sequence[CircularDependencyAlert], supernodes: Sequence[Supernode], now: datetime
) -> AlertChanges:
    """Bring alerts in line with the supernodes that there are now. Running it again changes nothing.

    The order of ``previous`` and ``supernodes`` does not matter.

    - A supernode without an alert opens one. If all its members were under an acknowledged alert (a piece broke
      off a known cycle), and at least half of them when it was acknowledged, the new alert starts acknowledged,
      with the same note.
    - An alert whose supernode is gone is resolved and lets go of its supernode, so that the same cycle coming back
      is news.
    - An alert whose supernode changed follows it, with its id, its note and its history. An acknowledgement holds
      while at least half of the members were there when that cycle, or one that joined it, was acknowledged, in
      however many steps it has grown since; beyond that the cycle is another one than was acknowledged, and the
      alert opens again.
    - An alert that a person resolved although the cycle is there stays resolved until new members join.
    """
    known = sorted(previous, key=lambda alert: (alert.detected_at, alert.alert_id))
    present = {node.supernode_id: node for node in supernodes}
    current, updated, resolved = _standing(known, present, now)
    opened: list[CircularDependencyAlert] = []
    taken = {alert.alert_id for alert in known}
    for supernode_id, node in sorted(present.items()):
        alert = current.get(supernode_id)
        if alert is None or (alert.status is AlertStatus.RESOLVED and not set(node.members) <= set(alert.members)):
            opened.append(_opened(node, known, taken, now))
            if alert is not None:
                updated.append(
                    _changed(alert, now, None, "the cycle grew: another alert stands for it", supernode_id=None)
                )
        elif alert.status is not AlertStatus.RESOLVED:
            followed = _followed(alert, node, known, now)
            if followed is not alert:
                updated.append(followed)
    return AlertChanges(tuple(opened), tuple(updated), tuple(resolved))


def decided(
    alert: CircularDependencyAlert, status: AlertStatus, *, note: str | None, actor: str, now: datetime
) -> CircularDependencyAlert:
    """The alert after a person changed it; ``note`` None leaves the earlier one."""
    return _changed(
        alert,
        now,
        actor,
        note or f"{status.lower()}",
        status=status,
        note=alert.note if note is None else note,
        updated_by=actor,
        resolved_at=now if status is AlertStatus.RESOLVED else None,
        acknowledged_members=alert.members if status is AlertStatus.ACKNOWLEDGED else (),
    )


def _standing(
    known: Iterable[CircularDependencyAlert], present: Mapping[str, Supernode], now: datetime
) -> tuple[dict[str, CircularDependencyAlert], list[CircularDependencyAlert], list[CircularDependencyAlert]]:
    """The alert that speaks for each supernode, those that let go of theirs, and those that end."""
    current: dict[str, CircularDependencyAlert] = {}
    released: list[CircularDependencyAlert] = []
    resolved: list[CircularDependencyAlert] = []
    for alert in known:
        if alert.supernode_id is None:
            continue
        if alert.supernode_id in present:
            # Of several, an unresolved one speaks for the supernode; else the newest.
            other = current.get(alert.supernode_id)
            if other is None or other.status is AlertStatus.RESOLVED or alert.status is not AlertStatus.RESOLVED:
                current[alert.supernode_id] = alert
        elif alert.status is AlertStatus.RESOLVED:
            released.append(_changed(alert, now, None, "the cycle is gone", supernode_id=None))
        else:
            resolved.append(
                _changed(
                    alert,
                    now,
                    None,
                    _ending(alert, present.values()),
                    status=AlertStatus.RESOLVED,
                    supernode_id=None,
                    resolved_at=now,
                )
            )
    return current, released, resolved


def _ending(alert: CircularDependencyAlert, supernodes: Iterable[Supernode]) -> str:
    members = set(alert.members)
    if any(members <= set(node.members) for node in supernodes):
        return "the cycle has become part of a larger one"
    return "the cycle is gone"


def _opened(
    node: Supernode, known: Sequence[CircularDependencyAlert], taken: set[str], now: datetime
) -> CircularDependencyAlert:
    members = set(node.members)
    parent = next(
        (
            alert
            for alert in reversed(known)
            if alert.status is AlertStatus.ACKNOWLEDGED
            and members <= set(alert.members)
            and 2 * len(members.intersection(alert.acknowledged_members)) >= len(members)
        ),
        None,
    )
    status = AlertStatus.ACKNOWLEDGED if parent else AlertStatus.OPEN
    text = "the cycle was seen"
    if parent is not None:
        text = f"broke off a cycle that {parent.updated_by or 'somebody'} had acknowledged ({parent.alert_id})"
    return CircularDependencyAlert(
        alert_id=_new_id(node.supernode_id, taken, now),
        status=status,
        cycle_path=node.cycle_path,
        members=node.members,
        detected_at=now,
        supernode_id=node.supernode_id,
        updated_by=parent.updated_by if parent else None,
        note=parent.note if parent else None,
        acknowledged_members=parent.acknowledged_members if parent else (),
        history=(AlertChange(now, status, None, text),),
        revision=1,
    )


def _new_id(supernode_id: str, taken: set[str], now: datetime) -> str:
    """Derived from the cycle and the moment; of two in the same moment, the second gets another one."""
    salt = ""
    while True:
        digest = hashlib.sha256(f"{supernode_id}\x00{now.isoformat()}{salt}".encode()).hexdigest()
        alert_id = f"alert-{digest[:16]}"
        if alert_id not in taken:
            taken.add(alert_id)
            return alert_id
        salt += "+"


def _followed(
    alert: CircularDependencyAlert, node: Supernode, known: Sequence[CircularDependencyAlert], now: datetime
) -> CircularDependencyAlert:
    if (alert.cycle_path, alert.members) == (node.cycle_path, node.members):
        return alert
    status, text = alert.status, _difference(alert.members, node.members)
    seen = alert.acknowledged_members
    if status is AlertStatus.ACKNOWLEDGED:
        acknowledged = {
            member
            for one in known
            if one.status is AlertStatus.ACKNOWLEDGED and one.supernode_id is not None
            for member in one.acknowledged_members
        }
        # Of cycles that joined this one, too: their own alerts end with this.
        seen = tuple(sorted({*seen, *acknowledged.intersection(node.members)}))
        if 2 * len(acknowledged.intersection(node.members)) < len(node.members):
            status, seen = AlertStatus.OPEN, ()
            text = f"opened again, because most of its members are new: {text}"
    return _changed(
        alert,
        now,
        None,
        text,
        status=status,
        cycle_path=node.cycle_path,
        members=node.members,
        acknowledged_members=seen,
    )


def _difference(before: Sequence[str], after: Sequence[str]) -> str:
    joined, left = sorted(set(after) - set(before)), sorted(set(before) - set(after))
    parts = [f"{word} {_names(ids)}" for word, ids in (("joined by", joined), ("left by", left)) if ids]
    return "; ".join(parts) or "the same members call each other along another path"


def _names(ids: Collection[str]) -> str:
    shown = ", ".join(list(ids)[:_NAMED_AT_MOST])
    return shown if len(ids) <= _NAMED_AT_MOST else f"{shown} and {len(ids) - _NAMED_AT_MOST} more"


def _changed(
    alert: CircularDependencyAlert, now: datetime, by: str | None, text: str, **what: Any
) -> CircularDependencyAlert:
    changed = replace(alert, **what)
    line = AlertChange(now, changed.status, by, text)
    return replace(changed, history=_kept((*alert.history, line)), revision=alert.revision + 1)


def _kept(history: tuple[AlertChange, ...]) -> tuple[AlertChange, ...]:
    """What people said is kept longer than what the engine noticed."""
    if len(history) <= HISTORY_LINES:
        return history
    drop = next((place for place, line in enumerate(history) if line.by is None), 0)
    return history[:drop] + history[drop + 1 :]
