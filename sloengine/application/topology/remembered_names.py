"""See which service id each name was given, and decide otherwise."""

from __future__ import annotations

from dataclasses import dataclass

from sloengine.application.ports.clock import Clock
from sloengine.application.ports.discovery_store import DiscoveryStore
from sloengine.application.ports.paging import Page, PageRequest
from sloengine.domain.governance.authorization import require_admin
from sloengine.domain.governance.decisions import require_rationale
from sloengine.domain.governance.model import Actor, AuditEvent
from sloengine.domain.topology.name_choices import ChosenNames, NameChoice, choose
from sloengine.domain.topology.name_decisions import RememberedName


@dataclass(frozen=True, slots=True)
class ReadRememberedNames:
    """The ids that names were given, by short id. Every role may read them."""

    store: DiscoveryStore

    async def __call__(self, search: str | None, page: PageRequest) -> Page[RememberedName]:
        """``search``: part of the short id, the id or the source's name, in any letter case; None: all."""
        return await self.store.page_of_names(search or None, page)


@dataclass(frozen=True, slots=True)
class DecideNameCommand:
    """``namespace``, ``kind``: of the name, empty where it has none. ``expected_service_id``: as it was read."""

    short_id: str
    namespace: str
    kind: str
    choice: NameChoice
    expected_service_id: str
    rationale: str


@dataclass(frozen=True, slots=True)
class NameDecided:
    """What changed, its entry in the audit trail, and what does not follow by itself."""

    chosen: ChosenNames
    audit_event: AuditEvent
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DecideName:
    """Say whose a short service id is. Who may: sre_admin. One transaction with its audit entry."""

    store: DiscoveryStore
    clock: Clock

    async def __call__(self, command: DecideNameCommand, *, actor: Actor) -> NameDecided:
        """What changed.

        Raises ``Forbidden``, ``RationaleRequired``, ``NotFound``, ``Invalid`` (nothing would change), ``Conflict``
        (somebody decided since).
        """
        require_admin(actor, "decide on names")
        rationale = require_rationale(command.rationale)
        told = (command.namespace, command.kind)

        def decide(alike: list[RememberedName]) -> ChosenNames:
            return choose(alike, told, command.choice, command.expected_service_id)

        chosen, event = await self.store.decide_name(
            command.short_id,
            decide,
            actor=actor.subject,
            rationale=rationale,
            now=self.clock.now(),
        )
        warnings = tuple(
            f"{name.source_name} is {name.service_id} from the next reading on. What is stored under its id "
            "before stays there: history, SLOs and journeys are not moved."
            for name in chosen.after
        )
        return NameDecided(chosen, event, warnings)
