"""Who may do what. Every role may read; deciding and changing is checked here, so that no door can skip it."""

from __future__ import annotations

from collections.abc import Iterable

from sloengine.domain.errors import Forbidden
from sloengine.domain.governance.model import Actor, Role
from sloengine.domain.topology.service import Service


def may_decide_on(actor: Actor, team: str | None) -> bool:
    """Whether the actor may change SLOs of a service of this team; None: the service has no team.

    >>> may_decide_on(Actor("user:ada", Role.SERVICE_OWNER, frozenset({"payments"})), "payments")
    True
    >>> may_decide_on(Actor("user:ada", Role.SERVICE_OWNER, frozenset({"payments"})), None)
    False
    """
    if actor.role is Role.SRE_ADMIN:
        return True
    return actor.role is Role.SERVICE_OWNER and team is not None and team in actor.teams


def require_decider(actor: Actor, services: Iterable[Service], *, path: tuple[str, ...] = ()) -> None:
    """Raise ``Forbidden`` unless the actor may decide on all of these services."""
    for service in services:
        if not may_decide_on(actor, service.team):
            owner = f"team {service.team!r}" if service.team else "no team"
            raise Forbidden(
                f"{actor.subject} ({actor.role}) may not decide on {service.service_id!r}, which belongs to"
                f" {owner}; ask its owners or an sre_admin",
                path=path,
            )


def require_editor(actor: Actor, what: str) -> None:
    """Raise ``Forbidden`` for those who may only read. ``what``: the deed, for the message."""
    if actor.role is Role.VIEWER:
        raise Forbidden(f"{actor.subject} (viewer) may only read, not {what}; ask for the role service_owner")


def require_admin(actor: Actor, what: str) -> None:
    """Raise ``Forbidden`` for all but sre_admin."""
    if actor.role is not Role.SRE_ADMIN:
        raise Forbidden(f"{actor.subject} ({actor.role}) may not {what}; an sre_admin may")
