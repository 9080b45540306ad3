"""The life of circular-dependency alerts: opened by a cycle, resolved when it is gone."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sloengine.domain.topology.graph import Supernode
from sloengine.domain.topology.ingestion import AlertStatus, CircularDependencyAlert


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

    - A supernode without an alert opens one. If all its members were under an acknowledged alert (a piece broke
      off a known cycle), the new alert starts acknowledged, with the same note.
    - An alert whose supernode is gone is resolved and lets go of its supernode, so that the same cycle coming back
      is news.
    - An alert whose supernode changed follows it. An acknowledgement holds while at least half of the members were
      in it; beyond that the cycle is another one than was acknowledged, and the alert opens again.
    - An alert that a person resolved although the cycle is there stays resolved until new members join.
    """
    opened: list[CircularDependencyAlert] = []
    updated: list[CircularDependencyAlert] = []
    resolved: list[CircularDependencyAlert] = []
    present = {node.supernode_id: node for node in supernodes}
    current: dict[str, CircularDependencyAlert] = {}
    for alert in sorted(previous, key=lambda alert: (alert.detected_at, alert.alert_id)):
        if alert.supernode_id is None:
            continue
        if alert.supernode_id in present:
            # Of several, an unresolved one speaks for the supernode; else the newest.
            known = current.get(alert.supernode_id)
            if known is None or known.status is AlertStatus.RESOLVED or alert.status is not AlertStatus.RESOLVED:
                current[alert.supernode_id] = alert
        elif alert.status is AlertStatus.RESOLVED:
            updated.append(replace(alert, supernode_id=None))
        else:
            resolved.append(replace(alert, status=AlertStatus.RESOLVED, supernode_id=None, resolved_at=now))
    for supernode_id, node in sorted(present.items()):
        known = current.get(supernode_id)
        if known is None or (known.status is AlertStatus.RESOLVED and not set(node.members) <= set(known.members)):
            opened.append(_opened(node, previous, now))
            if known is not None:
                updated.append(replace(known, supernode_id=None))
        elif known.status is not AlertStatus.RESOLVED:
            followed = _followed(known, node)
            if followed != known:
                updated.append(followed)
    return AlertChanges(tuple(opened), tuple(updated), tuple(resolved))


def _opened(
    node: Supernode, previous: Sequence[CircularDependencyAlert], now: datetime
) -> CircularDependencyAlert:
    parent = next(
        (
            alert
            for alert in previous
            if alert.status is AlertStatus.ACKNOWLEDGED and set(node.members) <= set(alert.members)
        ),
        None,
    )
    digest = hashlib.sha256(f"{node.supernode_id}\x00{now.isoformat()}".encode()).hexdigest()
    return CircularDependencyAlert(
        alert_id=f"alert-{digest[:16]}",
        status=AlertStatus.ACKNOWLEDGED if parent else AlertStatus.OPEN,
        cycle_path=node.cycle_path,
        members=node.members,
        detected_at=now,
        supernode_id=node.supernode_id,
        updated_by=parent.updated_by if parent else None,
        note=parent.note if parent else None,
    )


def _followed(alert: CircularDependencyAlert, node: Supernode) -> CircularDependencyAlert:
    status = alert.status
    known_members = len(set(node.members) & set(alert.members))
    if status is AlertStatus.ACKNOWLEDGED and 2 * known_members < len(node.members):
        status = AlertStatus.OPEN
    return replace(alert, status=status, cycle_path=node.cycle_path, members=node.members)
