"""The system of record: adapters that keep the stores' ports in Neo4j."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import sloengine.infrastructure.bolt_driver  # noqa: F401 - before anything imports the driver
from sloengine.infrastructure.neo4j.calibration_store import Neo4jCalibrationStore
from sloengine.infrastructure.neo4j.centrality_store import Neo4jCentralityStore
from sloengine.infrastructure.neo4j.connection import Neo4jConnection, open_connection
from sloengine.infrastructure.neo4j.discovery_store import Neo4jDiscoveryStore
from sloengine.infrastructure.neo4j.divergence_store import Neo4jDivergenceStore
from sloengine.infrastructure.neo4j.drift_store import Neo4jDriftStore
from sloengine.infrastructure.neo4j.forecast_store import Neo4jForecastStore
from sloengine.infrastructure.neo4j.ingestion_store import Neo4jIngestionStore
from sloengine.infrastructure.neo4j.journey_store import Neo4jJourneyStore
from sloengine.infrastructure.neo4j.migrations import Migrator
from sloengine.infrastructure.neo4j.node_session import NodeSession
from sloengine.infrastructure.neo4j.organization_overviews import Neo4jOrganizationOverviews
from sloengine.infrastructure.neo4j.outbox import Neo4jEventLog, Neo4jOutbox
from sloengine.infrastructure.neo4j.prior_store import Neo4jPriorStore
from sloengine.infrastructure.neo4j.recommendation_jobs import Neo4jRecommendationJobStore
from sloengine.infrastructure.neo4j.recommendation_store import Neo4jRecommendationStore
from sloengine.infrastructure.neo4j.service_graph import Neo4jServiceGraph
from sloengine.infrastructure.neo4j.sli_history import Neo4jSliHistory
from sloengine.infrastructure.neo4j.slo_ledger import Neo4jSloLedger


@dataclass(frozen=True, slots=True)
class Neo4jStores:
    """All adapters on one connection."""

    connection: Neo4jConnection
    migrator: Migrator
    graph: Neo4jServiceGraph
    ingestions: Neo4jIngestionStore
    sli_history: Neo4jSliHistory
    recommendations: Neo4jRecommendationStore
    recommendation_jobs: Neo4jRecommendationJobStore
    priors: Neo4jPriorStore
    calibrations: Neo4jCalibrationStore
    ledger: Neo4jSloLedger
    outbox: Neo4jOutbox
    event_log: Neo4jEventLog
    drift: Neo4jDriftStore
    forecasts: Neo4jForecastStore
    divergences: Neo4jDivergenceStore
    journeys: Neo4jJourneyStore
    centrality: Neo4jCentralityStore
    discovery: Neo4jDiscoveryStore
    overviews: Neo4jOrganizationOverviews


def stores_on(connection: Neo4jConnection) -> Neo4jStores:
    """All adapters on a connection that is open."""
    nodes = NodeSession(connection)
    return Neo4jStores(
        connection=connection,
        migrator=Migrator(connection),
        graph=Neo4jServiceGraph(connection),
        ingestions=Neo4jIngestionStore(connection),
        sli_history=Neo4jSliHistory(connection, nodes),
        recommendations=Neo4jRecommendationStore(connection),
        recommendation_jobs=Neo4jRecommendationJobStore(connection, nodes),
        priors=Neo4jPriorStore(nodes),
        calibrations=Neo4jCalibrationStore(nodes),
        ledger=Neo4jSloLedger(connection),
        outbox=Neo4jOutbox(connection),
        event_log=Neo4jEventLog(connection),
        drift=Neo4jDriftStore(connection),
        forecasts=Neo4jForecastStore(connection),
        divergences=Neo4jDivergenceStore(connection),
        journeys=Neo4jJourneyStore(connection),
        centrality=Neo4jCentralityStore(connection),
        discovery=Neo4jDiscoveryStore(connection, nodes),
        overviews=Neo4jOrganizationOverviews(connection),
    )


@asynccontextmanager
async def open_neo4j(
    url: str,
    user: str,
    password: str,
    *,
    database: str | None = None,
    max_pool_size: int = 50,
) -> AsyncGenerator[Neo4jStores]:
    """All adapters on one new connection, which is closed at the end.

    ``url``: ``bolt://`` or, for a cluster or Aura, ``neo4j://``. Nothing is sent before the first call; the schema
    is brought up with ``stores.migrator.up()``. Belongs to the event loop that opened it.
    """
    async with open_connection(url, user, password, database=database, max_pool_size=max_pool_size) as connection:
        stores = stores_on(connection)
        try:
            yield stores
        finally:
            await stores.graph.close()
