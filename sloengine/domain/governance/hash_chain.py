"""The audit trail's hash chain: each entry's hash covers its content and the hash of the entry before.

An entry that is changed, taken out, put in or moved breaks the chain at its place. A tail that is cut off shows
against the head, which is stored apart.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sloengine.domain.governance.model import AuditEvent, AuditIntegrity, SloSnapshot

GENESIS_HASH = ""
"""What the first entry names as the hash before it."""


@dataclass(frozen=True, slots=True)
class ChainHead:
    """The newest entry's sequence and hash; 0 and ``GENESIS_HASH`` before the first."""

    sequence: int = 0
    hash: str = GENESIS_HASH


def canonical_entry(event: AuditEvent) -> bytes:
    """What the hash of an entry is taken of: JSON, keys sorted, times in UTC, without the hash itself.

    Numbers are written as the shortest text that reads back to the same double, so that a store that keeps doubles
    changes nothing.
    """
    content = {
        "audit_id": event.audit_id,
        "sequence": event.sequence,
        "action": event.action.value,
        "actor": event.actor,
        "service_id": event.service_id,
        "sli_type": None if event.sli_type is None else event.sli_type.value,
        "at": _time(event.at),
        "recommendation_id": event.recommendation_id,
        "rationale": event.rationale,
        "previous": _snapshot(event.previous),
        "new": _snapshot(event.new),
        "delta": [[d.kind.value, _number(d.before), _number(d.after)] for d in event.delta],
        "previous_hash": event.previous_hash,
    }
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def entry_hash(event: AuditEvent) -> str:
    """SHA-256 of the canonical entry, in hexadecimal."""
    return hashlib.sha256(canonical_entry(event)).hexdigest()


def chained(event: AuditEvent, head: ChainHead) -> AuditEvent:
    """The event as the next entry behind this head: numbered and hashed."""
    numbered = replace(event, sequence=head.sequence + 1, previous_hash=head.hash, hash="")
    return replace(numbered, hash=entry_hash(numbered))


def verify_chain(entries: Iterable[AuditEvent], head: ChainHead) -> AuditIntegrity:
    """Recompute the chain from its first entry.

    ``entries``: all that are stored, by sequence. ``first_broken_sequence``: where the trail stops being what was
    written; for a missing tail the first number that is missing.
    """
    reached = ChainHead()
    checked = 0
    for event in entries:
        checked += 1
        expected = reached.sequence + 1
        fits = event.sequence == expected and event.previous_hash == reached.hash
        if not fits or event.hash != entry_hash(event):
            return AuditIntegrity(False, checked, expected, head.hash or None)
        reached = ChainHead(event.sequence, event.hash)
    if reached == head:
        return AuditIntegrity(True, checked, None, head.hash or None)
    missing_tail = head.sequence > reached.sequence
    return AuditIntegrity(
        False, checked, reached.sequence + 1 if missing_tail else reached.sequence, head.hash or None
    )


def _snapshot(snapshot: SloSnapshot | None) -> Any:
    if snapshot is None:
        return None
    return {
        "window": snapshot.window.value,
        "source": snapshot.source.value,
        "targets": [
            [target.kind.value, _number(target.availability_ratio), _number(target.threshold_ms)]
            for target in snapshot.targets
        ],
    }


def _number(value: float | None) -> float | None:
    return None if value is None else float(value)


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")
