"""What discovery keeps: the name rules in force, the ids that names were given, when each source was read last."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import uuid4

from sloengine.application.ports.paging import Page, PageRequest
from sloengine.domain.governance.model import AuditAction, AuditEvent
from sloengine.domain.topology.dependency import DiscoverySource
from sloengine.domain.topology.name_choices import ChosenNames
from sloengine.domain.topology.name_decisions import RememberedName, RememberedNames
from sloengine.domain.topology.name_rules import NameRules


@dataclass(frozen=True, slots=True)
class StoredNameRules:
    """Rules as somebody saved them. ``revision``: 1 for the first that were saved; the shipped ones are 0."""

    rules: NameRules
    saved_by: str
    saved_at: datetime
    revision: int = 1


@dataclass(frozen=True, slots=True)
class DiscoveryRun:
    """The newest reading of one source that was not a dry run.

    ``error`` None: it went well. ``ingestion_id`` None: there was nothing to take in.
    """

    source: DiscoverySource
    started_at: datetime
    since: datetime
    until: datetime
    services: int = 0
    dependencies: int = 0
    ingestion_id: str | None = None
    warnings: tuple[str, ...] = ()
    error: str | None = None


def name_entry(chosen: ChosenNames, actor: str, rationale: str, now: datetime) -> AuditEvent:
    """The audit entry of a decision on a name, not yet numbered and hashed."""
    return AuditEvent(
        audit_id=str(uuid4()),
        sequence=0,
        action=AuditAction.NAME_DECIDED,
        actor=actor,
        service_id=chosen.before.service_id,
        sli_type=None,
        at=now,
        hash="",
        previous_hash="",
        rationale=f"{chosen.in_words}. {rationale}",
    )


class DiscoveryStore(Protocol):
    """Durable."""

    async def name_rules(self) -> StoredNameRules | None:
        """The rules that somebody saved; None: nobody did, the shipped ones are in force."""
        ...

    async def save_name_rules(self, stored: StoredNameRules) -> None:
        """Replace all rules. Raises ``Conflict`` unless the revision is the stored one's next, 1 where none is."""
        ...

    async def remembered_names(self) -> RememberedNames:
        """The id that each name was given when it was first taken in."""
        ...

    async def remember_names(self, names: Sequence[RememberedName]) -> None:
        """Keep these for good; again is no change.

        Raises ``Conflict``, and keeps none of them, where a name has another id already, or a short id another
        owner: another reading was faster.
        """
        ...

    async def page_of_names(self, search: str | None, page: PageRequest) -> Page[RememberedName]:
        """By short id, namespace and kind. ``search``: part of short id, id or source name, in any letter case."""
        ...

    async def decide_name(
        self,
        short_id: str,
        decide: Callable[[list[RememberedName]], ChosenNames],
        *,
        actor: str,
        rationale: str,
        now: datetime,
    ) -> tuple[ChosenNames, AuditEvent]:
        """Let ``decide`` choose among everybody of this short id, as it stands, and keep that with an audit entry.

        One transaction; what ``decide`` raises ends it, and nothing is written. The entry is about the service
        that the name was before.
        """
        ...

    async def runs(self) -> Mapping[DiscoverySource, DiscoveryRun]:
        """The newest run of each source that ever ran."""
        ...

    async def note_run(self, run: DiscoveryRun) -> None:
        """Replace the source's newest run."""
        ...
