"""The audit trail's hash chain: each entry's hash covers its content and the hash of the entry before.

An entry that is changed, taken out, put in or moved breaks the chain at its place. A tail that is cut off shows
against the head, which is stored apart.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
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


@dataclass(slots=True)
class ChainCheck:
    """Recomputes a trail entry by entry, so that a long one need not be held. ``checked``: entries looked at."""

    checked: int = 0
    _reached: ChainHead = field(default_factory=ChainHead)
    _is_broken: bool = False

    def holds(self, event: AuditEvent | None) -> bool:
        """Whether the next entry stands as it was written; None: it cannot be read. Nothing counts after one that
        does not.
        """
        self.checked += 1
        if (
            event is None
            or event.sequence != self._reached.sequence + 1
            or event.previous_hash != self._reached.hash
            or event.hash != entry_hash(event)
        ):
            self._is_broken = True
            return False
        self._reached = ChainHead(event.sequence, event.hash)
        return True

    def against(self, head: ChainHead) -> AuditIntegrity:
        """What was found, when no more entries come or one did not hold.

        ``first_broken_sequence``: where the trail stops being what was written; for a missing tail the first
        number that is missing.
        """
        reached, newest = self._reached, head.hash or None
        if self._is_broken:
            return AuditIntegrity(False, self.checked, reached.sequence + 1, newest)
        if reached == head:
            return AuditIntegrity(True, self.checked, None, newest)
        missing_tail = head.sequence > reached.sequence
        return AuditIntegrity(
            False, self.checked, reached.sequence + 1 if missing_tail else reached.sequence, newest
        )


def verify_chain(entries: Iterable[AuditEvent], head: ChainHead) -> AuditIntegrity:
    """Recompute the chain from its first entry. ``entries``: all that are stored, by sequence."""
    check = ChainCheck()
    for event in entries:
        if not check.holds(event):
            break
    return check.against(head)


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
