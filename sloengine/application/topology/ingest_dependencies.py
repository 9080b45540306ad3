"""Take in one source's services and dependencies: durable at once, merged afterwards by the worker."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from sloengine.application.ports.clock import Clock
from sloengine.application.ports.idempotency import KeyedRequest, check_idempotency_key
from sloengine.application.ports.ingestion_store import IngestionStore
from sloengine.application.ports.job_queue import JobQueue
from sloengine.application.topology.stated_rows import ROW_LISTS, to_lines
from sloengine.application.topology.statement_fingerprint import fingerprint, fingerprints_before
from sloengine.domain.errors import Invalid, TooLarge, Unavailable
from sloengine.domain.governance.authorization import require_admin
from sloengine.domain.governance.model import Actor
from sloengine.domain.topology.dependency import DiscoverySource
from sloengine.domain.topology.ingestion import Ingestion, JobStatus
from sloengine.domain.topology.name_decisions import cut
from sloengine.domain.topology.team_authority import TeamAuthority

MAX_TYPED_ROWS = 2_000
MAX_PAYLOAD_BYTES = 10 * 1024 * 1024
_CLOCK_SKEW = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class IngestDependenciesCommand:
    """What one source states.

    ``services`` and ``dependencies``: raw JSON rows with the API's names (``serviceId``, ``callWeight``), at most
    2,000 each; more goes into ``document``, a mapping with the same two lists. Rows are checked one by one by the
    worker. ``complete``: withdraw what this source no longer lists, of the callers named in ``services``, of all
    when none is named. ``observed_at`` None: now.
    """

    source: DiscoverySource
    services: Sequence[Mapping[str, Any]] = ()
    dependencies: Sequence[Mapping[str, Any]] = ()
    document: Mapping[str, Any] | None = None
    complete: bool = False
    observed_at: datetime | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class IngestDependencies:
    """Store the payload, then have it merged. Who may: sre_admin.

    ``dump``: plain JSON values as bytes, equal for equal values. ``teams``: which teams a source may give: what
    other sources than a person say of teams is left out of what is stored, with a warning for each row.
    """

    store: IngestionStore
    queue: JobQueue
    clock: Clock
    dump: Callable[[object], bytes]
    teams: TeamAuthority = field(default_factory=TeamAuthority)

    async def __call__(self, command: IngestDependenciesCommand, *, actor: Actor) -> Ingestion:
        """The queued ingestion; the same idempotency key gives the same one.

        A broker that is away does not refuse it: a warning says that merging starts later.
        Raises ``Forbidden``, ``Invalid``, ``TooLarge``, ``IdempotencyMismatch``.
        """
        require_admin(actor, "ingest dependencies")
        check_idempotency_key(command.idempotency_key)
        now = self.clock.now()
        said = _stated(command, now)
        stated = await asyncio.to_thread(self._authorised, command.source, said)
        payload = await asyncio.to_thread(to_lines, stated, self.dump)
        if len(payload) > MAX_PAYLOAD_BYTES:
            raise TooLarge(
                f"{len(payload) / 2**20:.1f} MB of rows; one ingestion takes {MAX_PAYLOAD_BYTES // 2**20} MB:"
                " split it by caller",
                path=("input", "document" if command.document is not None else "dependencies"),
            )
        warnings = tuple(stated.get("warnings", ()))
        queued = Ingestion(str(uuid4()), command.source, JobStatus.QUEUED, warnings=warnings, submitted_at=now)
        request = None
        if command.idempotency_key is not None:
            request = KeyedRequest(
                actor.subject,
                "ingestDependencies",
                command.idempotency_key,
                await asyncio.to_thread(fingerprint, said),
                await asyncio.to_thread(fingerprints_before, stated, payload, self.dump),
            )
        stored = await self.store.submit(queued, payload, actor=actor.subject, request=request)
        if stored.ingestion_id != queued.ingestion_id:
            return stored
        try:
            await self.queue.enqueue("topology.merge_ingestion", ingestion_id=stored.ingestion_id)
        except Unavailable as error:
            waiting = f"stored, but merging starts later, within minutes of the queue being back: {error.message}"
            return replace(stored, warnings=(*stored.warnings, waiting))
        return stored

    def _authorised(self, source: DiscoverySource, stated: dict[str, Any]) -> dict[str, Any]:
        """The rows without teams that the source may not give."""
        rows: list[Any] = []
        warnings: list[str] = []
        for place, row in enumerate(stated["services"]):
            team = row.get("team") if isinstance(row, Mapping) else None
            # What is no text is refused by the check of rows.
            if isinstance(team, str) and not self.teams.gives(source, team):
                warnings.append(f"services.{place}.team: {self.teams.refusal(source, team)}.")
                rows.append({name: value for name, value in row.items() if name != "team"})
            else:
                rows.append(row)
        if not warnings:
            return stated
        return {**stated, "services": rows, "warnings": cut(warnings, "more teams were not taken")}


def _stated(command: IngestDependenciesCommand, now: datetime) -> dict[str, Any]:
    """What the caller said. ``observed_at`` None stays None, so that a retry says the same."""
    rows: dict[str, Any] = {name: list(getattr(command, name)) for name in ROW_LISTS}
    for name in ROW_LISTS:
        if len(rows[name]) > MAX_TYPED_ROWS:
            raise TooLarge(
                f"{len(rows[name])} typed rows; at most {MAX_TYPED_ROWS}: put them into document",
                path=("input", name),
            )
    if command.document is not None:
        if any(rows.values()):
            raise Invalid("give rows either typed or in document, not both", path=("input", "document"))
        rows = _rows_of(command.document)
    if not any(rows.values()) and not command.complete:
        raise Invalid("nothing to ingest: no services, no dependencies", path=("input", "dependencies"))
    observed_at = command.observed_at
    if observed_at is not None:
        observed_at = observed_at.astimezone(UTC) if observed_at.tzinfo else observed_at.replace(tzinfo=UTC)
        if observed_at > now + _CLOCK_SKEW:
            raise Invalid(f"observedAt {observed_at.isoformat()} lies ahead", path=("input", "observedAt"))
    return {
        "source": command.source.value,
        "complete": command.complete,
        "observedAt": None if observed_at is None else observed_at.isoformat(),
        **rows,
    }


def _rows_of(document: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(document, Mapping):
        raise Invalid("document is a JSON object with services and dependencies", path=("input", "document"))
    rows: dict[str, Any] = {}
    for name in ROW_LISTS:
        listed = document.get(name)
        if listed is not None and not isinstance(listed, list | tuple):
            raise Invalid(f"{name} is a list of rows", path=("input", "document", name))
        rows[name] = listed or []
    unknown = sorted(str(name) for name in document if name not in ROW_LISTS)
    if unknown:
        raise Invalid(
            f"document has services and dependencies, not {', '.join(unknown[:5])}", path=("input", "document")
        )
    return rows
