"""Every port in dicts: for fast tests, held to the same contract tests as the real adapters. Never a default."""

from __future__ import annotations

from dataclasses import dataclass

from sloengine.application.ports.clock import Clock
from sloengine.infrastructure.clock import SystemClock
from sloengine.infrastructure.memory.centrality_store import MemoryCentralityStore
from sloengine.infrastructure.memory.database import MemoryDatabase
from sloengine.infrastructure.memory.discovery_store import MemoryDiscoveryStore
from sloengine.infrastructure.memory.divergence_store import MemoryDivergenceStore
from sloengine.infrastructure.memory.drift_store import MemoryDriftStore
from sloengine.infrastructure.memory.forecast_store import MemoryForecastStore
from sloengine.infrastructure.memory.ingestion_store import MemoryIngestionStore
from sloengine.infrastructure.memory.journey_store import MemoryJourneyStore
from sloengine.infrastructure.memory.organization_overviews import MemoryOrganizationOverviews
from sloengine.infrastructure.memory.recommendation_store import (
    MemoryRecommendationJobStore,
    MemoryRecommendationStore,
)
from sloengine.infrastructure.memory.service_graph import MemoryServiceGraph
from sloengine.infrastructure.memory.sli_history import MemorySliHistory
from sloengine.infrastructure.memory.slo_ledger import MemorySloLedger
from sloengine.infrastructure.memory.small_stores import (
    MemoryCalibrationStore,
    MemoryEventLog,
    MemoryOutbox,
    MemoryPriorStore,
)


@dataclass(frozen=True, slots=True)
class MemoryStores:
    """The stores that share one database."""

    database: MemoryDatabase
    graph: MemoryServiceGraph
    ingestions: MemoryIngestionStore
    sli_history: MemorySliHistory
    recommendations: MemoryRecommendationStore
    recommendation_jobs: MemoryRecommendationJobStore
    priors: MemoryPriorStore
    calibrations: MemoryCalibrationStore
    ledger: MemorySloLedger
    outbox: MemoryOutbox
    event_log: MemoryEventLog
    drift: MemoryDriftStore
    forecasts: MemoryForecastStore
    divergences: MemoryDivergenceStore
    journeys: MemoryJourneyStore
    centrality: MemoryCentralityStore
    discovery: MemoryDiscoveryStore
    overviews: MemoryOrganizationOverviews


def open_memory(clock: Clock | None = None) -> MemoryStores:
    """Empty stores on one new database."""
    database = MemoryDatabase()
    clock = clock or SystemClock()
    return MemoryStores(
        database=database,
        graph=MemoryServiceGraph(database),
        ingestions=MemoryIngestionStore(database, clock),
        sli_history=MemorySliHistory(database),
        recommendations=MemoryRecommendationStore(database),
        recommendation_jobs=MemoryRecommendationJobStore(database, clock),
        priors=MemoryPriorStore(database),
        calibrations=MemoryCalibrationStore(database),
        ledger=MemorySloLedger(database),
        outbox=MemoryOutbox(database),
        event_log=MemoryEventLog(database),
        drift=MemoryDriftStore(database),
        forecasts=MemoryForecastStore(database),
        divergences=MemoryDivergenceStore(database),
        journeys=MemoryJourneyStore(database),
        centrality=MemoryCentralityStore(database),
        discovery=MemoryDiscoveryStore(database),
        overviews=MemoryOrganizationOverviews(database),
    )
