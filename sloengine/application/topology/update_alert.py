"""Acknowledge, resolve or reopen a circular-dependency alert."""

from __future__ import annotations

from dataclasses import dataclass

from sloengine.application.ports.clock import Clock
from sloengine.application.ports.service_graph import ServiceGraph
from sloengine.domain.errors import Forbidden, Invalid, NotFound
from sloengine.domain.governance.authorization import may_decide_on
from sloengine.domain.governance.model import Actor
from sloengine.domain.topology.ingestion import AlertStatus, CircularDependencyAlert

MAX_NOTE_CHARACTERS = 4_000


@dataclass(frozen=True, slots=True)
class UpdateAlertCommand:
    """The new status and, if wanted, a note."""

    alert_id: str
    status: AlertStatus
    note: str | None = None


@dataclass(frozen=True, slots=True)
class UpdateAlert:
    """A service owner may when one of the members is theirs."""

    graph: ServiceGraph
    clock: Clock

    async def __call__(self, command: UpdateAlertCommand, *, actor: Actor) -> CircularDependencyAlert:
        """The alert as it stands now. Raises ``NotFound``, ``Forbidden``, ``Invalid``."""
        if command.note is not None and len(command.note) > MAX_NOTE_CHARACTERS:
            raise Invalid(f"a note has at most {MAX_NOTE_CHARACTERS} characters", path=("input", "note"))
        alert = (await self.graph.alerts_by_id([command.alert_id])).get(command.alert_id)
        if alert is None:
            raise _no_such(command.alert_id)
        members = await self.graph.services(alert.members)
        if not any(may_decide_on(actor, member.team) for member in members.values()):
            raise Forbidden(
                f"{actor.subject} ({actor.role}) owns no service of this cycle; an sre_admin may",
                path=("input", "id"),
            )
        changed = await self.graph.set_alert_status(
            command.alert_id, command.status, note=command.note, actor=actor.subject, now=self.clock.now()
        )
        if changed is None:
            raise _no_such(command.alert_id)
        return changed


def _no_such(alert_id: str) -> NotFound:
    return NotFound(f"no alert {alert_id!r}", path=("input", "id"))
