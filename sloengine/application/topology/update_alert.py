"""Acknowledge, resolve or reopen a circular-dependency alert."""

from __future__ import annotations

from dataclasses import dataclass

from sloengine.domain.governance.model import Actor
from sloengine.domain.topology.ingestion import AlertStatus, CircularDependencyAlert


@dataclass(frozen=True, slots=True)
class UpdateAlertCommand:
    """The new status and, if wanted, a note."""

    alert_id: str
    status: AlertStatus
    note: str | None = None


@dataclass(frozen=True, slots=True)
class UpdateAlert:
    """A service owner may when one of the members is theirs."""

    async def __call__(self, command: UpdateAlertCommand, *, actor: Actor) -> CircularDependencyAlert:
        """The alert as it stands now. Raises ``NotFound``."""
        raise NotImplementedError
