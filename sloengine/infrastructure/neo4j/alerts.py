"""Circular-dependency alerts in Neo4j."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sloengine.application.ports.paging import Page, PageRequest
from sloengine.domain.errors import Conflict
from sloengine.domain.topology.alerts import decided
from sloengine.domain.topology.ingestion import AlertChange, AlertStatus, CircularDependencyAlert
from sloengine.infrastructure.alert_documents import detected_event
from sloengine.infrastructure.documents import decode, encode
from sloengine.infrastructure.neo4j.connection import Neo4jConnection, Transaction, first_of
from sloengine.infrastructure.neo4j.cursors import key_of, page_of, rows_to_read
from sloengine.infrastructure.neo4j.instants import instant, microseconds, optional_instant
from sloengine.infrastructure.neo4j.outbox import event_properties


def alert_of(row: Sequence[Any]) -> CircularDependencyAlert:
    """The alert of a row of ``read/alerts_by_id``."""
    return CircularDependencyAlert(
        alert_id=row[0],
        status=AlertStatus(row[1]),
        cycle_path=tuple(row[2]),
        members=tuple(row[3]),
        detected_at=instant(row[4]),
        supernode_id=row[5],
        updated_by=row[6],
        note=row[7],
        resolved_at=optional_instant(row[8]),
        history=tuple(decode(AlertChange, line) for line in row[9]),
        revision=row[10],
        acknowledged_members=tuple(row[11]),
    )


def alert_parameters(alert: CircularDependencyAlert, place: int, now: datetime) -> dict[str, Any]:
    """An alert as a row of ``write/merge_alerts``; ``place`` orders the events of one write."""
    return {
        "event": event_properties(detected_event(alert, now), place),
        "alert_id": alert.alert_id,
        "supernode_id": alert.supernode_id,
        "properties": {
            "status": alert.status.value,
            "cycle_path": list(alert.cycle_path),
            "members": list(alert.members),
            "detected_at": alert.detected_at,
            "supernode_id": alert.supernode_id,
            "updated_by": alert.updated_by,
            "note": alert.note,
            "resolved_at": alert.resolved_at,
            "history": [encode(line).decode() for line in alert.history],
            "revision": alert.revision,
            "acknowledged_members": list(alert.acknowledged_members),
        },
    }


async def write_alerts(
    transaction: Transaction, alerts: Sequence[CircularDependencyAlert], *, now: datetime
) -> None:
    """Create or change these; an event for each that is new.

    Raises ``Conflict`` when one was changed since it was read.
    """
    ordered = sorted(alerts, key=lambda alert: alert.alert_id)
    rows = [alert_parameters(alert, place, now) for place, alert in enumerate(ordered)]
    written = first_of(await transaction.rows("write/merge_alerts", rows=rows))
    if written < len(rows):
        raise Conflict(f"{len(rows) - written} alerts were changed meanwhile")


async def page_of_alerts(
    connection: Neo4jConnection, status: AlertStatus | None, page: PageRequest
) -> Page[CircularDependencyAlert]:
    """Newest first."""
    limit = rows_to_read(page)
    before_us, after_id = key_of(page.after, int, str) or (None, None)
    wanted = None if status is None else status.value

    async def work(transaction: Transaction) -> tuple[list[Any], int]:
        rows = await transaction.rows(
            "read/page_of_alerts", status=wanted, before_us=before_us, after_id=after_id, limit=limit
        )
        return rows, first_of(await transaction.rows("read/count_of_alerts", status=wanted))

    rows, total = await connection.in_read(work)
    return page_of(
        [alert_of(row) for row in rows],
        page,
        total,
        lambda alert: (microseconds(alert.detected_at), alert.alert_id),
    )


async def alerts_by_id(
    connection: Neo4jConnection, alert_ids: Sequence[str]
) -> Mapping[str, CircularDependencyAlert]:
    """These alerts; unknown ids are absent."""
    rows = await connection.read("alerts_by_id", alert_ids=list(alert_ids))
    return {row[0]: alert_of(row) for row in rows}


async def set_status(
    connection: Neo4jConnection,
    alert_id: str,
    status: AlertStatus,
    *,
    note: str | None,
    actor: str,
    now: datetime,
) -> CircularDependencyAlert | None:
    """Change one alert; None when there is none of this id."""
    made: CircularDependencyAlert | None = None

    async def work(transaction: Transaction) -> CircularDependencyAlert | None:
        nonlocal made
        if not await transaction.rows("write/lock_alert", alert_id=alert_id, now=now):
            return None
        [row] = await transaction.rows("read/alerts_by_id", alert_ids=[alert_id])
        stands = alert_of(row)
        if made is not None and made.history[-1] in stands.history:
            return stands  # done when this ran before, whatever somebody else has done since
        made = decided(stands, status, note=note, actor=actor, now=now)
        await write_alerts(transaction, [made], now=now)
        return made

    return await connection.in_write(work, knows_itself=True)
