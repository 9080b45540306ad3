"""From catalogue entities to services and dependencies. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sloengine.domain.topology.dependency import DependencyMode, EdgeAttributes
from sloengine.domain.topology.discovered import Discovered, DiscoveredDependency, DiscoveredService, LeftOut
from sloengine.domain.topology.rows import NOTHING_STATED, hardest_attributes
from sloengine.domain.topology.service import Criticality
from sloengine.infrastructure.backstage.entities import (
    API_CONSUMED_BY,
    API_PROVIDED_BY,
    CONSUMES_API,
    DEPENDENCY_OF,
    DEPENDS_ON,
    OWNED_BY,
    PART_OF,
    PROVIDES_API,
    Entity,
)
from sloengine.infrastructure.backstage.entity_refs import EntityRef

_OF_API_TYPE: Mapping[str, EdgeAttributes] = {
    "openapi": EdgeAttributes(protocol="http"),
    "graphql": EdgeAttributes(protocol="graphql"),
    "grpc": EdgeAttributes(protocol="grpc"),
    "trpc": EdgeAttributes(protocol="http"),
    "asyncapi": EdgeAttributes(mode=DependencyMode.ASYNC),
}
"""What the type of an API says about a call; one of events is not waited for."""
_RUNS = ("component", "resource")
_NAMED_AT_MOST = 10


@dataclass(frozen=True, slots=True)
class CatalogueRules:
    """How entities are read.

    ``service_key``: annotation that states the service id outright. ``left_out_types``: types of components that
    nobody calls at run time. ``teams``: reference of a group → team; no other group gives one, because a team's
    members decide on its services, and whoever may edit the catalogue would choose them. ``criticality_tags``:
    lower-case tag → criticality, used where the annotation ``criticality_key`` says nothing.
    """

    service_key: str = "sloengine.dev/service"
    criticality_key: str = "sloengine.dev/criticality"
    criticality_tags: Mapping[str, Criticality] = field(default_factory=dict)
    left_out_types: tuple[str, ...] = ("library", "documentation")
    teams: Mapping[str, str] = field(default_factory=dict)


def read_catalogue(entities: Sequence[Entity], rules: CatalogueRules | None = None) -> Discovered:
    """All components and resources, and what they depend on, directly or by an API that they consume.

    ``complete``, unless nothing was found or a reference could not be read.
    """
    rules = rules or CatalogueRules()
    known = {entity.ref: entity for entity in entities}
    problems = [problem for entity in known.values() for problem in entity.problems]
    notes: dict[str, list[str]] = defaultdict(list)
    runs = {
        ref: entity
        for ref, entity in known.items()
        if ref.kind in _RUNS and not (ref.kind == "component" and entity.type in rules.left_out_types)
    }
    services = [_service(entity, rules, notes) for entity in runs.values()]
    edges: dict[tuple[str, str], EdgeAttributes] = {}
    for caller, dependency, stated in _edges(known, notes):
        missing = [str(ref) for ref in (caller, dependency) if ref not in known]
        if missing:
            notes["not in the catalogue, or not visible to the token"] += missing
        elif caller in runs and dependency in runs and caller != dependency:
            pair = _source_name(runs[caller], rules), _source_name(runs[dependency], rules)
            edges[pair] = hardest_attributes(edges.get(pair, stated), stated)
    warnings = [f"{what}: {_listed(names)}." for what, names in notes.items()] + problems
    if not services:
        warnings.append("The catalogue shows no component and no resource: may the token read catalog entities?")
    return Discovered(
        services=tuple(services),
        dependencies=tuple(
            DiscoveredDependency(*pair, stated) for pair, stated in edges.items() if pair[0] != pair[1]
        ),
        complete=bool(services) and not problems,
        left_out=tuple(
            LeftOut(entity.source_name, f"a component of type {entity.type} is not called at run time")
            for ref, entity in known.items()
            if ref.kind == "component" and ref not in runs
        ),
        warnings=tuple(warnings),
    )


def _edges(
    known: Mapping[EntityRef, Entity], notes: dict[str, list[str]]
) -> Sequence[tuple[EntityRef, EntityRef, EdgeAttributes]]:
    """(caller, dependency, what is said). Relations come in pairs; either half is enough."""
    direct: dict[tuple[EntityRef, EntityRef], None] = {}
    consumers: dict[EntityRef, dict[EntityRef, None]] = defaultdict(dict)
    providers: dict[EntityRef, dict[EntityRef, None]] = defaultdict(dict)
    for caller, dependency in _halves(known, DEPENDS_ON, DEPENDENCY_OF):
        if dependency.kind == "api":
            consumers[dependency][caller] = None
        elif dependency.kind in _RUNS and caller.kind in _RUNS:
            direct[caller, dependency] = None
        else:
            notes["depends on something that is no component, resource or API, left out"].append(
                f"{caller} → {dependency}"
            )
    for consumer, api in _halves(known, CONSUMES_API, API_CONSUMED_BY):
        consumers[api][consumer] = None
    for provider, api in _halves(known, PROVIDES_API, API_PROVIDED_BY):
        providers[api][provider] = None
    found = [(*pair, NOTHING_STATED) for pair in direct]
    for api, callers in consumers.items():
        if api not in known:
            notes["not in the catalogue, or not visible to the token"].append(str(api))
        if not providers[api]:
            notes["consumed APIs that no component provides; who is called is not known"].append(str(api))
        elif len(providers[api]) > 1:
            notes["consumed APIs with several providers; their consumers are taken to depend on each"].append(
                f"{api} ({', '.join(map(str, providers[api]))})"
            )
        stated = _OF_API_TYPE.get(known[api].type if api in known else "", NOTHING_STATED)
        found += [(caller, provider, stated) for caller in callers for provider in providers[api]]
    return found


def _halves(
    known: Mapping[EntityRef, Entity], relation: str, inverse: str
) -> Iterator[tuple[EntityRef, EntityRef]]:
    """(from, to) of a relation, from either end."""
    for ref, entity in known.items():
        yield from ((ref, target) for target in entity.targets(relation))
        yield from ((other, ref) for other in entity.targets(inverse))


def _source_name(entity: Entity, rules: CatalogueRules) -> str:
    return entity.annotations.get(rules.service_key, "").strip() or entity.source_name


def _service(entity: Entity, rules: CatalogueRules, notes: dict[str, list[str]]) -> DiscoveredService:
    owners = sorted(entity.targets(OWNED_BY), key=str)
    groups = [owner for owner in owners if owner.kind == "group"]
    teams = [rules.teams[str(group)] for group in groups if str(group) in rules.teams]
    if owners and not groups:
        notes["owned by a person and by no group, so without a team"].append(str(entity.ref))
    elif groups and rules.teams and not teams:
        notes["owned by groups that the mapping of teams leaves out"] += map(str, groups)
    facts: dict[str, Any] = {"kind": entity.ref.kind, "type": entity.type, "lifecycle": entity.lifecycle}
    facts["owners"] = [str(owner) for owner in groups]
    facts["systems"] = sorted(str(target) for target in entity.targets(PART_OF) if target.kind == "system")
    criticality = _criticality(entity, rules, notes)
    # What the catalogue said is kept, to tell it from what a person registered when it says something else.
    facts |= {"name": entity.title, "criticality": None if criticality is None else criticality.value}
    return DiscoveredService(
        _source_name(entity, rules),
        name=entity.title,
        team=teams[0] if teams else None,
        criticality=criticality,
        entity_ref=str(entity.ref),
        metadata={"backstage": {name: said for name, said in facts.items() if said}},
    )


def _criticality(entity: Entity, rules: CatalogueRules, notes: dict[str, list[str]]) -> Criticality | None:
    said = entity.annotations.get(rules.criticality_key, "").strip()
    if said:
        if said.upper() in Criticality.__members__:
            return Criticality[said.upper()]
        notes[f"{rules.criticality_key} is none of critical, high, medium, low"].append(
            f"{entity.ref} ({said[:40]})"
        )
    tagged = [rules.criticality_tags[tag.lower()] for tag in entity.tags if tag.lower() in rules.criticality_tags]
    return min(tagged, key=list(Criticality).index, default=None)


def _listed(names: Sequence[str]) -> str:
    distinct = sorted(set(names))
    rest = len(distinct) - _NAMED_AT_MOST
    return ", ".join(distinct[:_NAMED_AT_MOST]) + (f" and {rest} more" if rest > 0 else "")
