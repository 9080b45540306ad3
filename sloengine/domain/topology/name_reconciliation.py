"""One reading of a source under service ids: rules applied, the same service put together, oddities told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from sloengine.domain.topology.dependency import DiscoverySource
from sloengine.domain.topology.discovered import (
    Discovered,
    DiscoveredDependency,
    DiscoveredService,
    LeftOut,
)
from sloengine.domain.topology.name_decisions import (
    NOTHING_REMEMBERED,
    RememberedName,
    RememberedNames,
    cut,
    resolve_all,
)
from sloengine.domain.topology.name_rules import NameRules
from sloengine.domain.topology.rows import hardest_attributes


@dataclass(frozen=True, slots=True)
class Renamed:
    """A source name that became another service id. ``rule``: its name, or ``alias``."""

    source_name: str
    service_id: str
    rule: str


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What was found, by service id. In ``services`` and ``dependencies`` source names are service ids.

    ``decided``: names that were given their ids for the first time.
    """

    services: tuple[DiscoveredService, ...]
    dependencies: tuple[DiscoveredDependency, ...]
    renamed: tuple[Renamed, ...]
    left_out: tuple[LeftOut, ...]
    warnings: tuple[str, ...]
    decided: tuple[RememberedName, ...] = ()


def reconcile(
    source: DiscoverySource,
    found: Discovered,
    rules: NameRules,
    registered: Collection[str] = (),
    remembered: RememberedNames = NOTHING_REMEMBERED,
) -> Reconciled:
    """Apply the rules.

    ``registered``: source names that a person registered as service ids just so; no rule changes those.
    ``remembered``: what was decided on names before. Names that a rule would make one although their namespaces
    or kinds differ are told apart, with a warning: whether they are one service nobody but a person knows. Call
    weights are calls ÷ own requests of the caller, after both have found to one id; unknown where its requests
    are not counted.
    """
    names = dict.fromkeys(
        [
            *(service.source_name for service in found.services),
            *(end for call in found.dependencies for end in (call.caller, call.dependency)),
        ]
    )
    together = resolve_all(source, [*names, *found.requests], rules, registered, remembered)
    resolved = together.by_name
    ids = {name: one.service_id for name, one in resolved.items()}
    left_out = [*found.left_out]
    left_out += [
        LeftOut(name, f"no service, by rule {one.rule}")
        for name, one in resolved.items()
        if one.service_id is None and name in names
    ]
    services, service_warnings = _services(found.services, ids)
    dependencies, selves = _dependencies(found, ids)
    left_out += [LeftOut(name, f"calls itself ({count} source names)") for name, count in sorted(selves.items())]
    renamed = [
        Renamed(name, one.service_id, one.rule)
        for name, one in sorted(resolved.items())
        if one.service_id is not None and one.rule is not None and one.service_id != name and name in names
    ]
    return Reconciled(
        services,
        dependencies,
        tuple(renamed),
        tuple(dict.fromkeys(left_out)),
        (*found.warnings, *together.warnings, *service_warnings),
        together.decided,
    )


def _services(
    found: Iterable[DiscoveredService], ids: Mapping[str, str | None]
) -> tuple[tuple[DiscoveredService, ...], tuple[str, ...]]:
    merged: dict[str, DiscoveredService] = {}
    refs: dict[str, set[str]] = {}
    for service in sorted(found, key=lambda one: one.source_name):
        service_id = ids[service.source_name]
        if service_id is None:
            continue
        if service.entity_ref is not None:
            refs.setdefault(service_id, set()).add(service.entity_ref.lower())
        known = merged.get(service_id)
        merged[service_id] = replace(service, source_name=service_id) if known is None else _both(known, service)
    warnings = [
        f"{service_id} is several entities: {_listed(sorted(entities))}. The first was taken; change the alias or "
        "rule that makes them one."
        for service_id, entities in sorted(refs.items())
        if len(entities) > 1
    ]
    return tuple(merged.values()), cut(warnings, "more services are several entities")


def _both(known: DiscoveredService, other: DiscoveredService) -> DiscoveredService:
    return replace(
        known,
        name=known.name if known.name is not None else other.name,
        team=known.team if known.team is not None else other.team,
        criticality=known.criticality if known.criticality is not None else other.criticality,
        entity_ref=known.entity_ref if known.entity_ref is not None else other.entity_ref,
        external=known.external if known.external is not None else other.external,
        metadata={**other.metadata, **known.metadata},
    )


def _dependencies(
    found: Discovered, ids: Mapping[str, str | None]
) -> tuple[tuple[DiscoveredDependency, ...], Counter[str]]:
    handled: dict[str, float] = {}
    for name, count in found.requests.items():
        service_id = ids[name]
        if service_id is not None:
            handled[service_id] = handled.get(service_id, 0.0) + count
    merged: dict[tuple[str, str], DiscoveredDependency] = {}
    selves: Counter[str] = Counter()
    for call in found.dependencies:
        caller, dependency = ids[call.caller], ids[call.dependency]
        if caller is None or dependency is None:
            continue
        if caller == dependency:
            selves[caller] += 1
            continue
        known = merged.get((caller, dependency))
        own = replace(call, caller=caller, dependency=dependency)
        merged[caller, dependency] = own if known is None else _summed(known, own)
    return tuple(_weighted(call, handled) for call in merged.values()), selves


def _summed(first: DiscoveredDependency, second: DiscoveredDependency) -> DiscoveredDependency:
    return replace(
        first,
        attributes=hardest_attributes(first.attributes, second.attributes),
        calls=_sum(first.calls, second.calls),
        failed_calls=_sum(first.failed_calls, second.failed_calls),
    )


def _weighted(call: DiscoveredDependency, handled: Mapping[str, float]) -> DiscoveredDependency:
    own = handled.get(call.caller)
    if call.attributes.call_weight is not None or not call.calls or not own or own <= 0:
        return call
    return replace(call, attributes=replace(call.attributes, call_weight=float(f"{call.calls / own:.3g}")))


def _sum(first: float | None, second: float | None) -> float | None:
    if first is None or second is None:
        return first if second is None else second
    return first + second


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
