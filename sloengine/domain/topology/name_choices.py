"""What a person decides about the service id of a name: whose the short one is, or that it be decided anew."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from sloengine.domain.errors import Conflict, Invalid, NotFound
from sloengine.domain.topology.name_decisions import RememberedName
from sloengine.domain.topology.name_rules import Told


class NameChoice(StrEnum):
    """Which id a name is to have."""

    SHORT_ID = "SHORT_ID"
    FULL_NAME = "FULL_NAME"
    FORGET = "FORGET"


@dataclass(frozen=True, slots=True)
class ChosenNames:
    """What changes. ``before``: the name that the choice is about.

    ``after``: every name that has another id now. ``forgotten``: it is decided anew
    at the next reading, and ``after`` is empty.
    """

    before: RememberedName
    after: tuple[RememberedName, ...]
    forgotten: bool = False

    @property
    def in_words(self) -> str:
        """For the audit trail."""
        if self.forgotten:
            return f"{self.before.source_name} is no longer {self.before.service_id}: decided anew when it is read"
        return "; ".join(f"{name.source_name} is {name.service_id}" for name in self.after)


def choose(
    alike: Iterable[RememberedName], told_apart_by: Told, choice: NameChoice, expected_service_id: str
) -> ChosenNames:
    """The change that this choice makes. ``alike``: everybody of the same short id.

    Where a name gets the short id, the one that had it, told apart in the same way, gets its full name.
    Raises ``NotFound``; ``Conflict``, if the name has another id than expected; ``Invalid``, if nothing changes.
    """
    known = {name.told_apart_by: name for name in alike}
    name = known.get(told_apart_by)
    if name is None:
        raise NotFound("no such name is remembered: `rememberedNames` lists them", path=("input", "shortId"))
    if name.service_id != expected_service_id:
        raise Conflict(
            f"{name.source_name} is {name.service_id} by now: look again, and decide on that",
            path=("input", "expectedServiceId"),
        )
    if choice is NameChoice.FORGET:
        return ChosenNames(name, (), forgotten=True)
    service_id = name.short_id if choice is NameChoice.SHORT_ID else name.source_name
    if service_id == name.service_id:
        raise Invalid(f"{name.source_name} is {service_id} already", path=("input", "choice"))
    after = [replace(name, service_id=service_id)]
    if choice is NameChoice.SHORT_ID:
        after += [
            replace(other, service_id=other.source_name)
            for other in known.values()
            if other.owns and other.realm == name.realm and other is not name
        ]
    return ChosenNames(name, tuple(after))
