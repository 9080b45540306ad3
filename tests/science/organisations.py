"""Whole organisations with known truth, declared as a person would declare them: not always rightly."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import numpy as np

from sloengine.application.recommendation.compute_recommendations import (
    Prepared,
    Wanted,
    compute_recommendations,
    prepare,
)
from sloengine.application.recommendation.evidence import Evidence, LearntPriors
from sloengine.domain.recommendation.latency_prior import LatencyPrior, learn_latency_prior
from sloengine.domain.recommendation.model import RecommendationResult, SliType
from sloengine.domain.recommendation.organization_prior import learn_prior
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.recommendation.telemetry_checks import inspect
from sloengine.domain.reliability.panel import EdgePanel, LatencyHistory, SliPanel
from sloengine.domain.reliability.window import ComplianceWindow
from sloengine.domain.simulation.blocks import hour_of, time_of
from sloengine.domain.simulation.organisation import Organisation, availability, edges, latency_days
from sloengine.domain.simulation.parameters import Parameters
from sloengine.domain.simulation.topology import SimulatedCall, SimulatedService, SimulatedTopology
from sloengine.domain.topology.condensation import condense
from sloengine.domain.topology.dependency import Dependency, DependencyCriticality, DependencyMode
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.topology.service import Service

AS_OF = datetime(2026, 4, 30, tzinfo=UTC)
DAY = timedelta(days=1)
WINDOW_DAYS = 28

_DECLARED = {
    "HARD": (DependencyMode.SYNC, DependencyCriticality.HARD, 1.0),
    "DEGRADED": (DependencyMode.SYNC, DependencyCriticality.DEGRADED, 0.5),
    "SOFT": (DependencyMode.SYNC, DependencyCriticality.SOFT, 0.1),
    "ASYNC": (DependencyMode.ASYNC, DependencyCriticality.HARD, 0.0),
}


@dataclass(frozen=True)
class World:
    """An organisation as it is, and its graph as it is declared."""

    organisation: Organisation
    graph: DependencyGraph
    days: int
    as_of: datetime = AS_OF
    _kept: dict[str, Any] = field(default_factory=dict)

    @property
    def hour(self) -> int:
        """As-of in hours since 1970."""
        return hour_of(self.as_of)

    @cached_property
    def panel(self) -> SliPanel:
        """Hourly history up to as-of."""
        return availability(self.organisation, self.hour - 24 * self.days, self.hour)

    @cached_property
    def edge_panel(self) -> EdgePanel:
        """Calls and failed calls up to as-of."""
        return edges(self.organisation, self.hour - 24 * self.days, self.hour)

    @cached_property
    def latency(self) -> dict[str, LatencyHistory]:
        """Daily histograms up to as-of."""
        return latency_days(self.organisation, self.hour - 24 * self.days, self.hour)

    @cached_property
    def outcome(self) -> dict[str, float]:
        """Availability of the window that comes after as-of; services without requests in it are absent."""
        ahead = availability(self.organisation, self.hour, self.hour + 24 * WINDOW_DAYS)
        good, total = np.nansum(ahead.good, axis=1), np.nansum(ahead.total, axis=1)
        return {name: good[i] / total[i] for i, name in enumerate(ahead.service_ids) if total[i] > 0}

    def evidence(self, *, counted: bool = True, latency: bool = False, **changes: Any) -> Evidence:
        """All inputs of recommendations. ``counted``: with service-graph metrics."""
        found = inspect(self.panel)
        values: dict[str, Any] = {
            "as_of": self.as_of,
            "graph": self.graph,
            "panel": self.panel,
            "priors": LearntPriors(
                learn_prior(found.cleaned, as_of=self.as_of, exclude=tuple(found.refused)),
                learn_latency_prior(self.latency, as_of=self.as_of) if latency else LatencyPrior.shipped(),
            ),
            "latency": self.latency if latency else {},
            "edges": self.edge_panel if counted else None,
            "source": "simulation",
        }
        return Evidence(**(values | changes))


def recommend(
    prepared: Prepared | Evidence,
    service_ids: list[str] | None = None,
    *,
    sli_type: SliType = SliType.AVAILABILITY,
    window: ComplianceWindow = ComplianceWindow.ROLLING_28D,
    settings: EngineSettings | None = None,
) -> dict[str, RecommendationResult]:
    """Recommendations by service, through the same computing as offline, online and in bulk."""
    ready = prepare(prepared) if isinstance(prepared, Evidence) else prepared
    names = service_ids or [service.service_id for service in ready.evidence.graph.services]
    found = compute_recommendations(
        ready,
        [Wanted(name, sli_type) for name in names],
        window=window,
        now=ready.evidence.as_of,
        settings=settings or EngineSettings(),
    )
    assert len(found) == len(names), "an exception was logged instead of an answer"
    return {one.service_id: result for one, result in found.items()}


def world(seed: int, *, days: int = 90, services: int = 42, lies: float = 0.2, **parameters: float) -> World:
    """Entry points, three layers of services, stores, two unmonitored providers, a cycle, two redundancy groups.

    ``lies``: share of the edges declared HARD that truly pass on less than 30 %.
    """
    random = np.random.default_rng([seed, 20_260_430])
    made = _Drawing(random, services, lies)
    behaviour = {
        "incident_every_days": 50.0 * np.exp(0.4 * random.standard_normal()),
        "length_median_hours": 0.5,
        "severity_median": 0.05 * np.exp(0.3 * random.standard_normal()),
        "zone_incident_every_days": 60.0,
        "platform_incident_every_days": 150.0,
        "shared_severity_median": 0.06,
    } | parameters
    organisation = Organisation(SimulatedTopology(made.services, made.calls), Parameters(**behaviour), seed)
    return World(organisation, made.graph(), days)


class _Drawing:
    """Draws topology and declaration together."""

    def __init__(self, random: np.random.Generator, size: int, lies: float) -> None:
        self.random, self.lies = random, lies
        n_entries, n_stores = max(3, size // 9), max(4, size // 6)
        n_middle = size - n_entries - n_stores - 2
        self.entries = [f"entry-{i}" for i in range(n_entries)]
        self.middle = [f"mid-{i}" for i in range(n_middle)]
        self.stores = [f"store-{i}" for i in range(n_stores)]
        self.external = ["provider-0", "provider-1"]
        self.declared: dict[tuple[str, str], tuple[str, float, str | None]] = {}
        self.true: dict[tuple[str, str], float] = {}
        self._layered()
        self._special()
        self.services = tuple(
            self._service(name) for name in (*self.entries, *self.middle, *self.stores, *self.external)
        )
        self.calls = tuple(
            SimulatedCall(a, b, weight, self.true[a, b], group, waits=kind != "ASYNC")
            for (a, b), (kind, weight, group) in self.declared.items()
        )

    def _service(self, name: str) -> SimulatedService:
        arrivals = 0.0
        if name.startswith("entry"):
            arrivals = float(np.exp(self.random.uniform(np.log(30), np.log(30_000))))
        external = name in self.external
        zone = f"outside-{name}" if external else str(self.random.choice(["a", "b", "c"]))
        return SimulatedService(name, arrivals_per_hour=arrivals, zone=zone, monitored=not external)

    def _edge(self, caller: str, dependency: str, kind: str, weight: float, group: str | None = None) -> None:
        if (caller, dependency) in self.declared or caller == dependency:
            return
        self.declared[caller, dependency] = kind, weight, group
        lied = kind == "HARD" and group is None and self.random.random() < self.lies
        self.true[caller, dependency] = self.random.choice([0.0, 0.02, 0.1, 0.25]) if lied else _DECLARED[kind][2]

    def _layered(self) -> None:
        third = len(self.middle) // 3
        layers = [
            self.entries,
            self.middle[:third],
            self.middle[third : 2 * third],
            self.middle[2 * third :],
            self.stores,
        ]
        for depth, layer in enumerate(layers[:-1]):
            below = [name for other in layers[depth + 1 : depth + 3] for name in other]
            for position, name in enumerate(layer):
                chosen = {below[position % len(below)], *self.random.choice(below, 2)}
                for dependency in sorted(chosen):
                    kind = str(self.random.choice(list(_DECLARED), p=[0.6, 0.15, 0.15, 0.1]))
                    self._edge(name, dependency, kind, float(self.random.choice([0.2, 0.5, 1.0, 1.0, 1.5])))
        called = {dependency for _, dependency in self.declared}
        for name in [*self.middle, *self.stores]:
            if name not in called:
                self._edge(str(self.random.choice(self.entries)), name, "HARD", 0.5)

    def _special(self) -> None:
        a, b, c = self.middle[-3:]
        for pair in ((a, b), (b, c), (c, a)):
            self._edge(*pair, "DEGRADED", 0.3)
        first, second = self.middle[0], self.middle[1]
        for member in self.external:
            self._edge(first, member, "HARD", 1.0, "providers")
        for member in self.stores[:2]:
            self.declared.pop((second, member), None)
            self._edge(second, member, "HARD", 1.0, "replicas")

    def graph(self) -> DependencyGraph:
        services = tuple(
            Service(
                s.service_id,
                external=not s.monitored,
                published_availability_ratio=0.999 if s.service_id == "provider-0" else None,
            )
            for s in self.services
        )
        dependencies = tuple(
            Dependency(
                a,
                b,
                mode=_DECLARED[kind][0],
                criticality=_DECLARED[kind][1],
                call_weight=weight if group is None else None,
                redundancy_group=group,
                required=None if group is None else 1,
            )
            for (a, b), (kind, weight, group) in self.declared.items()
        )
        found = condense([s.service_id for s in services], [d.pair for d in dependencies])
        return DependencyGraph(services, dependencies, supernodes=found.supernodes)


__all__ = ["AS_OF", "DAY", "WINDOW_DAYS", "World", "recommend", "time_of", "world"]
