"""What a bound had to assume, in words. Nothing that was filled in goes unsaid."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sloengine.domain.reliability.figures import figure_text
from sloengine.domain.topology.graph_reliability import GraphReliability

#: Of many alike, this many are named in one sentence.
_NAMED = 3
#: Of many that take a sentence each, this many get one.
_SAID = 10


def assumptions(
    model: GraphReliability, services: Sequence[int], root: int, *, standard_error: float, beyond: float
) -> tuple[str, ...]:
    """Everything that stands in for knowledge in the bound of service ``root``.

    ``services``: positions of the services in its subgraph. ``beyond``: unavailability from below the subgraph.
    """
    edges = [edge for service in services for edge in model.edges_of[service]]
    notes = [
        *_about_telemetry(model, services, root),
        *_about_edges(model, edges),
        *_about_common_failures(model, services, root),
        *_about_groups(model, edges),
        *_about_stale_edges(model, services),
    ]
    if beyond > 0.0:
        notes.append(f"What lies below the subgraph is in it by its observed failures ({figure_text(beyond, 2)}).")
    if standard_error > 0.0:
        notes.append(f"Sampled over edges; standard error {figure_text(standard_error, 1)}.")
    return (*notes, *model.notes)


def _about_telemetry(model: GraphReliability, services: Sequence[int], root: int) -> list[str]:
    names = model.names
    notes: list[str] = []
    if root in model.unknown:
        reason = model.refused.get(names[root])
        because = f" ({reason})" if reason else ""
        notes.append(
            f"{names[root]} has no telemetry that can be believed{because}: "
            "its own failures are not in this bound. What it inherits is taken from its dependencies alone, and "
            "retries and caches that nobody declared keep some of it away: a lower limit of availability."
        )
    notes += _each(
        [names[one] for one in services if names[one] in model.refused and one in model.unknown and one != root],
        lambda name: (
            f"The series of {name} is not believed ({model.refused[name]}): its own failures are not in "
            "this bound."
        ),
        "services",
    )
    component = model.contracted.labels[root]
    reached = set(model.intrinsic.reach[component].components.tolist())
    below = {service for service in model.unknown if model.contracted.labels[service] in reached}
    blank = sorted(
        service
        for service in below.union(model.unknown.intersection(services))
        if names[service] not in model.refused and service != root
    )
    if blank:
        listed = _listed([names[service] for service in blank[:_NAMED]], len(blank))
        notes.append(
            f"Not enough data: no telemetry and no published figure for {listed}; counted as never failing."
        )
    unwatched = [
        service for service in services if service in model.published and _figure(model, service) is not None
    ]
    notes += _each(unwatched, lambda service: _by_figure(model, service), "services")
    seen = [service for service in services if service in model.seen_by_callers and service != root]
    notes += _each(
        [service for service in seen if service not in unwatched],
        lambda service: _by_callers(model, service),
        "services",
    )
    return notes


def _figure(model: GraphReliability, service: int) -> float | None:
    return model.graph.services[service].published_availability_ratio


def _by_figure(model: GraphReliability, service: int) -> str:
    figure = _figure(model, service)
    assert figure is not None  # noqa: S101  asked for these only
    return (
        f"{model.names[service]} is not monitored: its published {figure * 100.0:.6g} % is taken as a prior, "
        "with its unavailability raised by 10 %."
    )


def _by_callers(model: GraphReliability, service: int) -> str:
    figure = _figure(model, service)
    beside = "" if figure is None else f"; its published {figure * 100.0:.6g} % hardly counts beside them"
    return (
        f"{model.names[service]} has no telemetry of its own: its {model.requests[service]:,.0f} calls are "
        f"judged by what its callers saw{beside}."
    )


def _by_limit(model: GraphReliability, edge: int) -> str:
    used, declared = float(model.pass_through.in_use[edge]), float(model.pass_through.declared[edge])
    return (
        f"{_pair(model, edge)} passes on at most {used:.0%} of its failed calls, less than the declared "
        f"{declared:.0%}: the measured limit is used."
    )


def _about_edges(model: GraphReliability, edges: Sequence[int]) -> list[str]:
    notes: list[str] = []
    silent = [edge for edge in edges if model.edges[edge].call_weight is None]
    ones = [edge for edge in silent if model.call_weights[edge] >= 1.0]
    limited = [edge for edge in silent if model.call_weights[edge] < 1.0]
    if ones:
        notes.append(f"Call weight not known, counted as 1: {_pairs(model, ones)}.")
    if limited:
        weights = [figure_text(float(weight), 3) for weight in model.call_weights[limited[:_NAMED]]]
        shown = [f"{_pair(model, edge)} {weight}" for edge, weight in zip(limited, weights, strict=False)]
        notes.append(
            f"Call weight not known, limited by the dependency's traffic: {_listed(shown, len(limited))}."
        )
    tried = [edge for edge in edges if model.edges[edge].attempts > 1]
    if tried:
        shown = [f"{_pair(model, edge)} up to {model.edges[edge].attempts} times" for edge in tried[:_NAMED]]
        notes.append(f"Calls tried again count as failed when every attempt has: {_listed(shown, len(tried))}.")
    less = sorted(
        model.pass_through.less.intersection(edges),
        key=lambda edge: (float(model.pass_through.in_use[edge] - model.pass_through.declared[edge]), edge),
    )
    notes += _each(less, lambda edge: _by_limit(model, edge), "calls")
    for attribute, value in (("mode", "SYNC"), ("criticality", "HARD")):
        filled = [edge for edge in edges if attribute in model.edges[edge].assumed]
        if filled:
            notes.append(f"Nobody stated the {attribute}, {value} assumed: {_pairs(model, filled)}.")
    return notes


def _about_common_failures(model: GraphReliability, services: Sequence[int], root: int) -> list[str]:
    names = model.names
    inside = set(services)
    doubles = [
        (first, second)
        for first, second in model.aliases
        if first in inside and second in inside and root not in (first, second)
    ]
    notes = _each(
        doubles,
        lambda two: (
            f"{names[two[0]]} and {names[two[1]]} fail at the same times: taken as one thing, counted once."
        ),
        "pairs",
    )
    components = sorted({model.contracted.labels[service] for service in services})
    notes += _each(
        [names[model.members[one][0]] for one in components if one in model.intrinsic.assumed_causes],
        lambda caller: f"No joint failures to learn from for the replicas {caller} calls: 10 % common cause.",
        "callers",
    )
    return notes


def _about_stale_edges(model: GraphReliability, services: Sequence[int]) -> list[str]:
    stale = sorted(
        f"{edge.caller} → {edge.dependency}"
        for service in services
        for edge in model.graph.edges_by_caller.get(model.graph.services[service].service_id, ())
        if edge.is_stale
    )
    if not stale:
        return []
    return [f"Not seen for longer than its source's time to live, left out: {_listed(stale, len(stale))}."]


def _about_groups(model: GraphReliability, edges: Sequence[int]) -> list[str]:
    sizes: dict[tuple[str, str], tuple[int, int]] = {}
    for edge in edges:
        dependency = model.edges[edge]
        if dependency.redundancy_group is not None:
            key = dependency.caller, dependency.redundancy_group
            count, required = sizes.get(key, (0, 1))
            sizes[key] = count + 1, max(required, dependency.required or 1)
    return [
        f"{caller} requires {required} of {count} members of {group}: taken as all of them."
        for (caller, group), (count, required) in sorted(sizes.items())
        if required > count
    ]


def _each[Item](items: Sequence[Item], note: Callable[[Item], str], others: str) -> list[str]:
    """A sentence for each of the first; in a large cycle there are as many as calls, and nobody reads them all."""
    more = len(items) - _SAID
    return [note(item) for item in items[:_SAID]] + ([f"The same of {more:,} more {others}."] if more > 0 else [])


def _pairs(model: GraphReliability, edges: Sequence[int]) -> str:
    return _listed([_pair(model, edge) for edge in edges[:_NAMED]], len(edges))


def _pair(model: GraphReliability, edge: int) -> str:
    return f"{model.edges[edge].caller} → {model.edges[edge].dependency}"


def _listed(named: Sequence[str], count: int) -> str:
    shown = ", ".join(named[:_NAMED])
    return shown if count <= _NAMED else f"{shown} and {count - _NAMED} more"
