"""Which service id each name gets where several would get the same, and that it stays so once decided."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from sloengine.domain.topology.dependency import DiscoverySource
from sloengine.domain.topology.name_rules import ALIAS, NameRules, Resolved, Told

_NAMED_AT_MOST = 20

type Realm = tuple[bool, ...]
"""Which of namespace and kind a name has. Kubernetes' namespaces are not the catalogue's, so only names that have
the same ones can be told apart by them."""


@dataclass(frozen=True, slots=True)
class RememberedName:
    """The id that a name was given when it was first taken in.

    ``short_id``: what the rules made of it. ``told_apart_by``: its namespace and kind, by which it is the same
    in whatever form a source has it (``shop/search``, ``search.shop.svc.cluster.local``). ``service_id``: the
    short id, or the full name where the short id was another's. ``source_name``: the name that it was seen under.
    """

    short_id: str
    told_apart_by: Told
    service_id: str
    source_name: str

    @property
    def owns(self) -> bool:
        """Whether the short id is its own."""
        return self.service_id == self.short_id

    @property
    def realm(self) -> Realm:
        """Whom it can be told apart from."""
        return realm_of(self.told_apart_by)


def realm_of(told_apart_by: Told) -> Realm:
    """Which of namespace and kind are there."""
    return tuple(map(bool, told_apart_by))


class RememberedNames:
    """All that was decided so far, by short id."""

    def __init__(self, names: Iterable[RememberedName] = ()) -> None:
        self._by_id: dict[str, dict[Realm, dict[Told, RememberedName]]] = {}
        self._owned: set[str] = set()
        self._full: set[str] = set()
        for name in names:
            alike = self._by_id.setdefault(name.short_id, {}).setdefault(name.realm, {})
            alike[name.told_apart_by] = name
            (self._owned if name.owns else self._full).add(name.service_id)

    def of(self, short_id: str, realm: Realm) -> Mapping[Told, RememberedName]:
        """Everybody who would be called so, by namespace and kind."""
        return self._by_id.get(short_id, {}).get(realm, {})

    def realms(self, short_id: str) -> Iterable[Realm]:
        """Those in which somebody would be called so."""
        return self._by_id.get(short_id, {})

    def is_owned(self, short_id: str) -> bool:
        """Whether one full name has the short id for itself."""
        return short_id in self._owned

    def has_full_names(self, service_ids: Iterable[str]) -> bool:
        """Whether one of these ids was given to a service whose short id was another's."""
        return not self._full.isdisjoint(service_ids)


NOTHING_REMEMBERED = RememberedNames()


@dataclass(frozen=True, slots=True)
class NamesResolved:
    """What each name stands for. ``decided``: what was not remembered and is to be from now on."""

    by_name: Mapping[str, Resolved]
    decided: tuple[RememberedName, ...]
    warnings: tuple[str, ...]


def resolve_all(
    source: DiscoverySource,
    names: Iterable[str],
    rules: NameRules,
    registered: Collection[str] = (),
    remembered: RememberedNames = NOTHING_REMEMBERED,
) -> NamesResolved:
    """Apply the rules to all names together, and tell where it is not clear who is meant.

    The first full name that a rule makes a short id owns that id; what was decided stays, whoever is seen later,
    by whichever source, or is idle. A name of another namespace or kind keeps its full name. Where two come at
    once and nothing was decided, both keep theirs. Aliases stand above all that, and the namespace of a name that
    an alias makes an id has that id too. ``registered``: names that a person registered as service ids just so.
    """
    resolved: dict[str, Resolved] = {}
    alike: dict[tuple[str, Realm], dict[Told, list[str]]] = {}
    for name in dict.fromkeys(names):
        one = rules.resolve(source, name)
        if name in registered and one.rule != ALIAS:
            one = Resolved(name, name)
        resolved[name] = one
        if one.service_id is not None and any(one.told_apart_by):
            group = alike.setdefault((one.service_id, realm_of(one.told_apart_by)), {})
            group.setdefault(one.told_apart_by, []).append(name)
        elif one.service_id == name and one.rule != ALIAS:
            # Nobody of a namespace may be in this reading and the bare name still be unclear.
            for realm in remembered.realms(name):
                alike.setdefault((name, realm), {})
    decided: list[RememberedName] = []
    warnings: list[str] = []
    for (short_id, realm), found in sorted(alike.items()):
        known = remembered.of(short_id, realm)
        aliased = {
            told: name for told, name in rules.aliased(source).get(short_id, {}).items() if realm_of(told) == realm
        }
        is_free = len({*known, *aliased, *found}) == 1
        by_told = dict(known)
        for told, forms in sorted(found.items()):
            # The shortest form, so that the order of what was read does not matter.
            full = min(forms, key=lambda form: (len(form), form))
            if told in aliased:
                by_told[told] = RememberedName(short_id, told, short_id, aliased[told])
            elif told not in known:
                by_told[told] = RememberedName(short_id, told, short_id if is_free else full, full)
                decided.append(by_told[told])
            for form in forms:
                resolved[form] = _given(resolved[form], by_told[told].service_id)
        told_of = _warning(short_id, found, by_told, aliased, resolved)
        warnings += [] if told_of is None else [told_of]
    return NamesResolved(resolved, tuple(decided), cut(warnings, "more names are not clear"))


def _given(one: Resolved, service_id: str) -> Resolved:
    """The name under that id; no rule changed it where the id is the name."""
    if one.source_name == service_id:
        return Resolved(service_id, service_id)
    return replace(one, service_id=service_id)


def _warning(
    short_id: str,
    found: Mapping[Told, Iterable[str]],
    by_told: Mapping[Told, RememberedName],
    aliased: Mapping[Told, str],
    resolved: Mapping[str, Resolved],
) -> str | None:
    """What a person should decide on about one short id; None: nothing."""
    everybody = {**aliased, **{told: name.source_name for told, name in by_told.items()}}
    if len(everybody) < 2:
        return None
    owners = sorted({*aliased.values(), *(name.source_name for name in by_told.values() if name.owns)})
    all_of_them = ", ".join(sorted(everybody.values()))
    full = sorted(by_told[told].service_id for told in found if not by_told[told].owns)
    parts: list[str] = []
    if full and owners:
        parts.append(
            f"{', '.join(full)} would be {short_id}, which is {', '.join(owners)}: the full name is kept. Set the "
            f"alias {full[0]} → {short_id} if they are one service, or {full[0]} → {full[0]} if not."
        )
    elif full:
        parts.append(
            f"{all_of_them} would all be {short_id}: each keeps its full name. Give them an alias each, or one to "
            f"all, such as {full[0]} → {short_id}."
        )
    bare = resolved.get(short_id)
    if bare is not None and bare.rule != ALIAS and bare.service_id == short_id:
        parts.append(
            f"{short_id} without a namespace could be any of {all_of_them} and was taken as the service "
            f"{short_id}: an alias for {short_id} says which."
        )
    return " ".join(parts) or None


def cut(warnings: list[str], rest: str) -> tuple[str, ...]:
    """The first twenty, and how many more there are."""
    if len(warnings) <= _NAMED_AT_MOST:
        return tuple(warnings)
    return (*warnings[:_NAMED_AT_MOST], f"{len(warnings) - _NAMED_AT_MOST} {rest}.")
