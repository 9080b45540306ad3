"""See and change how sources' names become service ids."""

from __future__ import annotations

from dataclasses import dataclass

from sloengine.application.ports.clock import Clock
from sloengine.application.ports.discovery_store import DiscoveryStore, StoredNameRules
from sloengine.domain.errors import Conflict
from sloengine.domain.governance.authorization import require_admin
from sloengine.domain.governance.model import Actor
from sloengine.domain.topology.name_rules import NameRules


@dataclass(frozen=True, slots=True)
class ReadNameRules:
    """The rules that somebody saved; None: the shipped ones are in force."""

    store: DiscoveryStore

    async def __call__(self) -> StoredNameRules | None:
        """Every role may read them."""
        return await self.store.name_rules()


@dataclass(frozen=True, slots=True)
class SaveNameRules:
    """Replace all rules. Who may: sre_admin. Services that are in the graph already keep their ids.

    ``revision``: of the rules that were read and changed, 0 for the shipped ones.
    """

    store: DiscoveryStore
    clock: Clock

    async def __call__(self, rules: NameRules, *, revision: int, actor: Actor) -> StoredNameRules:
        """The rules as stored. Raises ``Forbidden``, ``Invalid``, ``Conflict`` (somebody saved since)."""
        require_admin(actor, "change name rules")
        rules.check()
        stored = StoredNameRules(rules, actor.subject, self.clock.now(), revision + 1)
        try:
            await self.store.save_name_rules(stored)
        except Conflict as conflict:
            raise Conflict(
                f"the name rules are no longer those of revision {revision}: read them again, and change those",
                path=("input", "revision"),
            ) from conflict
        return stored
