"""Create or update services as a person states them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sloengine.application.ports.clock import Clock
from sloengine.application.ports.idempotency import keyed_request
from sloengine.application.ports.service_graph import RegisteredServices, ServiceGraph
from sloengine.application.topology.ingest_dependencies import MAX_TYPED_ROWS
from sloengine.domain.errors import ErrorCode, Invalid, TooLarge
from sloengine.domain.governance.authorization import may_decide_on, require_editor
from sloengine.domain.governance.model import Actor
from sloengine.domain.topology.ingestion import RejectedItem
from sloengine.domain.topology.service import Service
from sloengine.domain.topology.validation import check_rows


@dataclass(frozen=True, slots=True)
class RegisterServicesCommand:
    """``services``: raw JSON rows with the API's names, at most 2,000."""

    services: Sequence[Mapping[str, Any]]
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class RegisterServices:
    """A service owner may register services of own teams only."""

    graph: ServiceGraph
    clock: Clock

    async def __call__(self, command: RegisterServicesCommand, *, actor: Actor) -> RegisteredServices:
        """Good rows land, bad rows are rejected one by one; the same idempotency key gives the same answer.

        Raises ``Forbidden``, ``Invalid``, ``TooLarge``, ``IdempotencyMismatch``.
        """
        require_editor(actor, "register services")
        rows = [dict(row) for row in command.services]
        request = keyed_request(actor.subject, "registerServices", command.idempotency_key, rows)
        if not command.services:
            raise Invalid("name at least one service", path=("input", "services"))
        if len(command.services) > MAX_TYPED_ROWS:
            raise TooLarge(
                f"{len(command.services)} services; at most {MAX_TYPED_ROWS} at once: send the rest in another"
                " request, or ingest them as a document",
                path=("input", "services"),
            )
        checked = check_rows(command.services, ())
        now = self.clock.now()
        existing = await self.graph.services([row.service_id for row in checked.services])
        stated: list[Service] = []
        rejected = list(checked.rejected)
        positions = {
            str(row.get("serviceId")): at for at, row in enumerate(command.services) if "serviceId" in row
        }
        for row in checked.services:
            before = existing.get(row.service_id)
            after = row.onto(before, now)
            teams = {after.team} if before is None else {before.team, after.team}
            if all(may_decide_on(actor, team) for team in teams):
                stated.append(replace(after, discovered=False))
            else:
                at = positions[row.service_id]
                rejected.append(
                    RejectedItem(
                        at,
                        f"services.{at}.team",
                        ErrorCode.FORBIDDEN,
                        f"{actor.subject} may register services of own teams only",
                    )
                )
        answer = RegisteredServices(stated, tuple(rejected), checked.warnings)
        if request is not None:
            return await self.graph.register_once(answer, request, now=now)
        return replace(answer, services=await self.graph.register(stated, now=now) if stated else ())
