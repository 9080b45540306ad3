"""A small organisation in the database, by way of the adapters, for the cookbook's tests.

web (CRITICAL, shop) and app (CRITICAL, shop) call auth (identity) and catalog; auth calls users-db, catalog and
search call each other; web uses one of two payment providers, both external; batch (no team, HIGH) calls users-db
and an old service that nobody has seen for long. 100 requests an hour each, three days long.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np

from sloengine.application.ports.slo_ledger import Decision
from sloengine.application.topology.graph_measures import measure
from sloengine.domain.governance.model import AuditAction, Slo, SloSource, SloTarget
from sloengine.domain.journeys.model import Journey, JourneyRoute
from sloengine.domain.recommendation.model import Estimate, ObjectiveKind, Recommendation, SliType, TierName
from sloengine.domain.reliability.panel import EdgePanel, SliPanel
from sloengine.domain.reliability.window import ComplianceWindow
from sloengine.domain.topology.dependency import (
    Dependency,
    DependencyClaim,
    DependencyCriticality,
    DependencyMode,
    DiscoverySource,
)
from sloengine.domain.topology.divergence import Divergence, DivergenceKind
from sloengine.domain.topology.graph import Supernode
from sloengine.domain.topology.ingestion import AlertChange, AlertStatus, CircularDependencyAlert
from sloengine.domain.topology.service import Criticality, Service
from sloengine.infrastructure.neo4j import Neo4jStores
from tests.contracts.recommendation_samples import availability
from tests.domain.topology.findings import finding

NOW = datetime.now(UTC)
TODAY = NOW.replace(hour=0, minute=0, second=0, microsecond=0)
HOURS = 72
OTEL, MANUAL = DiscoverySource.OTEL, DiscoverySource.MANUAL

SERVICES = (
    Service("web", name="Web", team="shop", criticality=Criticality.CRITICAL),
    Service("app", name="App", team="shop", criticality=Criticality.CRITICAL),
    Service("auth", team="identity", criticality=Criticality.HIGH),
    Service("users-db", team="identity", criticality=Criticality.HIGH),
    Service("catalog", team="shop"),
    Service("search", team="shop"),
    Service("batch", criticality=Criticality.HIGH),
    Service("old", team="shop"),
    Service("pay-one", external=True, published_availability_ratio=0.999),
    Service("pay-two", external=True, published_availability_ratio=0.9995),
)
FAILED_OF_100 = {"web": 1, "app": 0, "auth": 2, "users-db": 5, "catalog": 1, "search": 0, "pay-one": 3}


def _edge(caller: str, dependency: str, **what: object) -> Dependency:
    edge = Dependency(caller, dependency, assumed=("criticality",), confidence=0.9, last_observed_at=NOW)
    return replace(edge, **what)


EDGES = (
    _edge("web", "auth"),
    _edge("app", "auth"),
    _edge("web", "catalog", criticality=DependencyCriticality.SOFT, assumed=()),
    _edge("app", "catalog"),
    _edge("auth", "users-db", assumed=()),
    _edge("catalog", "search"),
    _edge("search", "catalog"),
    _edge("web", "pay-one", redundancy_group="pay", required=1, assumed=()),
    _edge("web", "pay-two", redundancy_group="pay", required=1, assumed=()),
    _edge("batch", "users-db", mode=DependencyMode.ASYNC, assumed=("mode", "criticality")),
    _edge("batch", "old", is_stale=True, last_observed_at=NOW - timedelta(days=40)),
)
DIVERGENCE = Divergence(
    "d1", DivergenceKind.DECLARED_ONLY, "batch", "old", (MANUAL,), (), NOW - timedelta(days=40), "not seen"
)
COMMUNITY = {"web": 0, "app": 0, "catalog": 0, "search": 0, "auth": 1, "users-db": 1, "batch": 1}
JOURNEY = Journey(
    "journey-1",
    "buy",
    ("web",),
    (JourneyRoute("card", 3.0, ("web", "auth", "users-db")), JourneyRoute("look", 1.0, ("web", "catalog"))),
    "user:ada",
    NOW,
    "user:ada",
    NOW,
)
ALERT_HISTORY = (
    AlertChange(NOW, AlertStatus.OPEN, None, "the cycle was seen"),
    AlertChange(NOW, AlertStatus.OPEN, "user:ada", "looked at"),
)
PASS_THROUGH = {
    ("web", "auth"): Estimate(0.3, 0.2, 0.4),
    ("app", "auth"): Estimate(0.4, 0.2, 0.6),
    ("web", "catalog"): Estimate(0.01, 0.0, 0.02),
}
DECLARED_ONLY = {("batch", "old")}
STATED_BY_BOTH = {("auth", "users-db")}


def _claims() -> list[DependencyClaim]:
    claims = []
    for edge in EDGES:
        sources = (
            [MANUAL] if edge.pair in DECLARED_ONLY else [OTEL, MANUAL] if edge.pair in STATED_BY_BOTH else [OTEL]
        )
        seen = edge.last_observed_at or NOW
        claims += [DependencyClaim(*edge.pair, source, 0.9, seen, seen) for source in sources]
    return claims


def _slo(service_id: str, ratio: float) -> Slo:
    target = SloTarget(ObjectiveKind.AVAILABILITY, ratio)
    return Slo(
        f"slo-{service_id}",
        service_id,
        SliType.AVAILABILITY,
        ComplianceWindow.ROLLING_28D,
        (target,),
        SloSource.MANUAL,
        NOW,
        "user:ada",
    )


def _recommended(service_id: str, ratio: float, confidence: float) -> Recommendation:
    """Balanced at this ratio, limited by users-db."""
    plain = availability(service_id, confidence=confidence, generated_at=NOW, expires_at=NOW + timedelta(days=14))
    tiers = []
    for tier in plain.tiers:
        targets = tuple(
            replace(
                target,
                availability_ratio=ratio,
                limited_by=(replace(target.limited_by[0], service_id="users-db"),),
            )
            for target in tier.targets
        )
        tiers.append(replace(tier, targets=targets if tier.name is not TierName.AGGRESSIVE else ()))
    return replace(plain, tiers=tuple(tiers))


async def settle(stores: Neo4jStores) -> None:
    """Write all of it."""
    await stores.graph.register(SERVICES, now=NOW)
    await stores.graph.write_batch(
        ingestion_id="sample", services=(), claims=_claims(), merged=EDGES, withdrawn=(), removed=(), now=NOW
    )
    await _condense(stores)
    await stores.divergences.replace(["batch"], [DIVERGENCE], now=NOW)
    total = np.full((len(FAILED_OF_100), HOURS), 100.0)
    bad = np.array([[failed] * HOURS for failed in FAILED_OF_100.values()], dtype=np.float64)
    start = TODAY - timedelta(hours=HOURS)
    await stores.sli_history.write(SliPanel(tuple(FAILED_OF_100), start, timedelta(hours=1), total - bad, total))
    pairs = (("web", "auth"), ("app", "auth"))
    failed = np.array([[2.0] * HOURS, [0.0] * HOURS])
    await stores.sli_history.write_edges(
        EdgePanel(pairs, start, timedelta(hours=1), np.full((2, HOURS), 50.0), failed)
    )
    await stores.recommendations.save(
        [_recommended("web", 0.97, 0.8), _recommended("auth", 0.95, 0.3), _recommended("app", 0.98, 0.7)], now=NOW
    )
    for service_id, ratio in (("web", 0.98), ("auth", 0.95), ("users-db", 0.96)):
        await _set_slo(stores, _slo(service_id, ratio))
    await _analyse(stores)
    await stores.journeys.save(JOURNEY)
    measured = {pair: finding(estimate, learnt_at=NOW) for pair, estimate in PASS_THROUGH.items()}
    await stores.graph.note_pass_through([edge.pair for edge in EDGES], measured)
    await stores.graph.note_budgets({"users-db": -0.25, "web": 0.5, "catalog": 0.125})


async def _analyse(stores: Neo4jStores) -> None:
    """As the worker does, but for the groups, which are fixed here by hand."""
    measured = measure(await stores.graph.snapshot())
    found = {key: replace(one, community=COMMUNITY.get(key, 2)) for key, one in measured.items()}
    await stores.centrality.save(found, graph_version=await stores.graph.version(), now=NOW)


async def _condense(stores: Neo4jStores) -> None:
    home = {"catalog": "scc-catalog", "search": "scc-catalog"}
    pairs = {(home.get(edge.caller, edge.caller), home.get(edge.dependency, edge.dependency)) for edge in EDGES}
    cycle = ("catalog", "search", "catalog")
    alert = CircularDependencyAlert(
        "alert-1",
        AlertStatus.OPEN,
        cycle,
        ("catalog", "search"),
        NOW,
        supernode_id="scc-catalog",
        history=ALERT_HISTORY,
    )
    await stores.graph.write_condensation(
        supernodes=[Supernode("scc-catalog", ("catalog", "search"), cycle)],
        edges=sorted(pair for pair in pairs if pair[0] != pair[1]),
        alerts=[alert],
        changed=True,
        now=NOW,
    )


async def _set_slo(stores: Neo4jStores, slo: Slo) -> None:
    await stores.ledger.decide(
        service_id=slo.service_id,
        sli_type=slo.sli_type,
        recommendation_id=None,
        actor="user:ada",
        request=None,
        now=NOW,
        choose=lambda _recommendation, _active: Decision(
            AuditAction.SET, slo.service_id, slo.sli_type, slo, None, "agreed"
        ),
    )
