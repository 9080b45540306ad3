"""Audit entries and SLOs as nodes and rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sloengine.domain.governance.model import AuditAction, AuditEvent, Slo, SloSnapshot, TargetDelta
from sloengine.domain.recommendation.model import ObjectiveKind, SliType
from sloengine.infrastructure.documents import decode, encode
from sloengine.infrastructure.neo4j.connection import Transaction
from sloengine.infrastructure.neo4j.instants import instant

ENTRY_COLUMNS = (
    "audit_id",
    "sequence",
    "action",
    "actor",
    "service_id",
    "sli_type",
    "at_us",
    "hash",
    "previous_hash",
    "recommendation_id",
    "previous",
    "new",
    "delta",
    "rationale",
)
_TARGET_PROPERTIES = {
    ObjectiveKind.AVAILABILITY: "availability_target",
    ObjectiveKind.LATENCY_P95: "latency_p95_ms",
    ObjectiveKind.LATENCY_P99: "latency_p99_ms",
}


def entry_properties(event: AuditEvent) -> dict[str, Any]:
    """An entry as a node: each fact stands once, so that none can be changed beside the hash."""
    return {
        "audit_id": event.audit_id,
        "sequence": event.sequence,
        "action": event.action.value,
        "actor": event.actor,
        "service_id": event.service_id,
        "sli_type": None if event.sli_type is None else event.sli_type.value,
        "at": event.at,
        "hash": event.hash,
        "previous_hash": event.previous_hash,
        "recommendation_id": event.recommendation_id,
        "previous": _document(event.previous),
        "new": _document(event.new),
        "delta": encode_deltas(event.delta),
        "rationale": event.rationale,
    }


def entry_of(row: Sequence[Any]) -> AuditEvent:
    """The entry of a row of ``ENTRY_COLUMNS``. Raises ``ValueError`` when somebody made it unreadable."""
    return AuditEvent(
        audit_id=row[0],
        sequence=row[1],
        action=AuditAction(row[2]),
        actor=row[3],
        service_id=row[4],
        sli_type=None if row[5] is None else SliType(row[5]),
        at=instant(row[6]),
        hash=row[7],
        previous_hash=row[8],
        recommendation_id=row[9],
        previous=None if row[10] is None else decode(SloSnapshot, row[10]),
        new=None if row[11] is None else decode(SloSnapshot, row[11]),
        delta=_decode_deltas(row[12]),
        rationale=row[13],
    )


async def is_written(transaction: Transaction, entry: AuditEvent) -> bool:
    """Whether this very entry stands in the trail, that is whether the decision that it tells of was made."""
    return bool(await transaction.rows("read/audit_by_id", audit_ids=[entry.audit_id]))


def slo_properties(slo: Slo) -> dict[str, Any]:
    """An SLO as a node: its document, and beside it what ad-hoc Cypher asks for."""
    numbers = {
        _TARGET_PROPERTIES[t.kind]: t.availability_ratio if t.threshold_ms is None else t.threshold_ms
        for t in slo.targets
    }
    return {
        "slo_id": slo.slo_id,
        "service_id": slo.service_id,
        "sli_type": slo.sli_type.value,
        "window": slo.window.value,
        "window_days": slo.window.length.total_seconds() / 86_400,
        "source": slo.source.value,
        "activated_at": slo.activated_at,
        "activated_by": slo.activated_by,
        "recommendation_id": slo.recommendation_id,
        "review_at": slo.review_at,
        **numbers,
        "document": encode(slo).decode(),
    }


def encode_deltas(deltas: Sequence[TargetDelta]) -> list[str]:
    """One JSON document a delta."""
    return [encode(delta).decode() for delta in deltas]


def _decode_deltas(documents: Sequence[str] | None) -> tuple[TargetDelta, ...]:
    return tuple(decode(TargetDelta, document) for document in documents or ())


def _document(snapshot: SloSnapshot | None) -> str | None:
    return None if snapshot is None else encode(snapshot).decode()
