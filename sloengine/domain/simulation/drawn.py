"""Organisations of any size, drawn from a seed: how they truly are, and how somebody would declare them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sloengine.domain.simulation.habits import Stretch, with_call_habits, with_flaws, with_service_habits
from sloengine.domain.simulation.organisation import Organisation
from sloengine.domain.simulation.parameters import Parameters
from sloengine.domain.simulation.streams import stream
from sloengine.domain.simulation.topology import SimulatedCall, SimulatedService, SimulatedTopology

ZONES = ("a", "b", "c")
_LAYERS = 5  # entry points, three layers between, stores
_LIED = (0.0, 0.02, 0.1, 0.25)  # what truly passes where HARD was declared without thinking
_LIE_SHARE = 0.1
_KINDS = {"HARD": (0.6, 1.0), "DEGRADED": (0.15, 0.5), "SOFT": (0.15, 0.1), "ASYNC": (0.1, 0.0)}
_WEIGHTS = (0.2, 0.5, 1.0, 1.0, 1.5)
_LARGE = 12  # from so many services on there are groups, a cycle and providers


@dataclass(frozen=True)
class DrawnOrganisation:
    """``document``: what was declared, as an ingestion takes it; it is not always the truth."""

    organisation: Organisation
    document: Mapping[str, Any]


def draw_organisation(
    services: int,
    parameters: Parameters,
    seed: int,
    stretch: Stretch,
    *,
    flawed: bool = False,
    timeouts: bool = True,
) -> DrawnOrganisation:
    """Entry points, layers of services with a few hubs, stores; some caches, retries, timeouts and deployments.

    From a dozen services on also external providers without telemetry, a cycle and two redundancy groups. A tenth
    of the edges declared HARD truly pass on less than a third. ``stretch``: deployments fall into it and the four
    weeks after. ``flawed``: some exporters are gappy, restart, say nonsense or nothing. ``timeouts``: without
    them, nothing fails but by faults. Raises ValueError for fewer than one service.
    """
    if services < 1:
        raise ValueError("an organisation has at least one service")
    drawing = _Drawing(services, seed)
    members = with_service_habits([drawing.service(name) for name in drawing.names], seed, stretch)
    if flawed:
        members = with_flaws(members, seed, stretch)
    calls = with_call_habits(members, drawing.calls(), parameters, seed, timeouts=timeouts)
    topology = SimulatedTopology(tuple(members), tuple(calls))
    return DrawnOrganisation(Organisation(topology, parameters, seed), drawing.document(calls))


class _Drawing:
    """Draws truth and declaration together, so that each is known to the other."""

    def __init__(self, size: int, seed: int) -> None:
        self.random = stream(seed, "drawing", size)
        n_providers = max(2, size // 25) if size >= _LARGE else 0
        inside = size - n_providers
        n_entries = max(1, inside // 9)
        n_stores = max(1, inside // 6) if inside > 2 else 0
        self.entries = _named("entry", n_entries)
        self.stores = _named("store", n_stores)
        self.middle = _named("service", inside - n_entries - n_stores)
        self.providers = _named("provider", n_providers)
        self.names = (*self.entries, *self.middle, *self.stores, *self.providers)
        self.declared: dict[tuple[str, str], tuple[str, float, str | None]] = {}
        self.true: dict[tuple[str, str], float] = {}
        self._layered()
        if size >= _LARGE:
            self._special()

    def service(self, name: str) -> SimulatedService:
        """As it truly is. Entry points have 5 to 30,000 requests an hour."""
        external = name in self.providers
        arrivals = float(np.exp(self.random.uniform(np.log(5), np.log(30_000)))) if name in self.entries else 0.0
        zone = f"outside-{name}" if external else str(self.random.choice(ZONES))
        return SimulatedService(name, arrivals_per_hour=arrivals, zone=zone, monitored=not external)

    def calls(self) -> list[SimulatedCall]:
        """As they truly are, in the order of the declaration."""
        return [
            SimulatedCall(caller, dependency, weight, self.true[caller, dependency], group, waits=kind != "ASYNC")
            for (caller, dependency), (kind, weight, group) in self.declared.items()
        ]

    def document(self, calls: list[SimulatedCall]) -> dict[str, Any]:
        """What somebody declared: call weights as they are measured, and what is in their configuration."""
        return {
            "services": [
                {"serviceId": name, "external": True, "publishedAvailabilityPercent": 99.9}
                if name in self.providers[::2]
                else {"serviceId": name, "external": name in self.providers}
                for name in self.names
            ],
            "dependencies": [self._declaration(call) for call in calls],
        }

    def _declaration(self, call: SimulatedCall) -> dict[str, Any]:
        kind, weight, group = self.declared[call.caller, call.dependency]
        row: dict[str, Any] = {"caller": call.caller, "dependency": call.dependency}
        row |= {"mode": "ASYNC"} if kind == "ASYNC" else {"mode": "SYNC", "criticality": kind}
        if group is None:
            row["callWeight"] = round(weight * (1 - call.cache_hit_ratio), 6)
        else:
            row |= {"redundancyGroup": group, "required": 1}
        if call.timeout_seconds is not None:
            row["timeoutMs"] = round(1000 * call.timeout_seconds)
        if call.attempts > 1:
            row["retryConfig"] = {"attempts": call.attempts}
        return row

    def _layered(self) -> None:
        size = max(1, -(-len(self.middle) // (_LAYERS - 2)))
        layers = [self.entries, *(self.middle[at : at + size] for at in range(0, len(self.middle), size))]
        layers.append(self.stores)
        for depth, layer in enumerate(layers[:-1]):
            below = [name for other in layers[depth + 1 : depth + 3] for name in other]
            if not below:
                continue
            popularity = 1 / (1 + np.arange(len(below)))  # a few hubs have most of the callers
            for place, name in enumerate(layer):
                hubs = self.random.choice(below, 2, p=popularity / popularity.sum())
                for dependency in sorted({below[place % len(below)], *map(str, hubs)}):
                    self._edge(name, dependency, self._kind(), float(self.random.choice(_WEIGHTS)))
        called = {dependency for _, dependency in self.declared}
        for name in (*self.middle, *self.stores):
            if name not in called:
                self._edge(str(self.random.choice(self.entries)), name, "HARD", 0.5)

    def _special(self) -> None:
        for place, provider in enumerate(self.providers[2:]):
            self._edge(self.middle[place % len(self.middle)], provider, "HARD", 0.5)
        for member in self.providers[:2]:
            self._edge(self.middle[0], member, "HARD", 1.0, "providers")
        for member in self.stores[:2]:
            self.declared.pop((self.middle[1], member), None)
            self._edge(self.middle[1], member, "HARD", 1.0, "replicas")
        ring = self.middle[-3:]
        for caller, dependency in zip(ring, (*ring[1:], ring[0]), strict=True):
            self._edge(caller, dependency, "DEGRADED", 0.3)

    def _edge(self, caller: str, dependency: str, kind: str, weight: float, group: str | None = None) -> None:
        if (caller, dependency) in self.declared or caller == dependency:
            return
        self.declared[caller, dependency] = kind, weight, group
        lied = kind == "HARD" and group is None and self.random.random() < _LIE_SHARE
        self.true[caller, dependency] = float(self.random.choice(_LIED)) if lied else _KINDS[kind][1]

    def _kind(self) -> str:
        return str(self.random.choice(list(_KINDS), p=[share for share, _ in _KINDS.values()]))


def _named(kind: str, count: int) -> tuple[str, ...]:
    width = len(str(max(0, count - 1)))
    return tuple(f"{kind}-{number:0{width}d}" for number in range(count))
