"""The adapters that every port's contract is run on.

``stores`` gives one fresh, empty set of adapters. To add an adapter, register an opener under its name: an async
context manager factory that takes the pytest request and yields ``Stores``. Nothing is excused here.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

import pytest

from sloengine.application.ports.calibration_store import CalibrationStore
from sloengine.application.ports.centrality_store import CentralityStore
from sloengine.application.ports.discovery_store import DiscoveryStore
from sloengine.application.ports.divergence_store import DivergenceStore
from sloengine.application.ports.drift_store import DriftStore
from sloengine.application.ports.forecast_store import ForecastStore
from sloengine.application.ports.ingestion_store import IngestionStore
from sloengine.application.ports.journey_store import JourneyStore
from sloengine.application.ports.organization_overview import OrganizationOverviews
from sloengine.application.ports.outbox import EventLog, Outbox
from sloengine.application.ports.prior_store import PriorStore
from sloengine.application.ports.recommendation_store import RecommendationJobStore, RecommendationStore
from sloengine.application.ports.service_graph import ServiceGraph
from sloengine.application.ports.sli_history import SliHistory
from sloengine.application.ports.slo_ledger import SloLedger


@dataclass(frozen=True, slots=True)
class Stores:
    """One adapter of each port, on one shared database."""

    graph: ServiceGraph
    ingestions: IngestionStore
    sli_history: SliHistory
    recommendations: RecommendationStore
    recommendation_jobs: RecommendationJobStore
    priors: PriorStore
    calibrations: CalibrationStore
    ledger: SloLedger
    outbox: Outbox
    event_log: EventLog
    drift: DriftStore
    forecasts: ForecastStore
    divergences: DivergenceStore
    journeys: JourneyStore
    centrality: CentralityStore
    discovery: DiscoveryStore
    overviews: OrganizationOverviews


type Opener = Callable[[pytest.FixtureRequest], AbstractAsyncContextManager[Stores]]


@asynccontextmanager
async def neo4j_stores(request: pytest.FixtureRequest) -> AsyncGenerator[Stores]:
    from sloengine.infrastructure.neo4j import open_neo4j

    address = request.getfixturevalue("clean_neo4j")
    async with open_neo4j(address.url, address.user, address.password) as stores:
        await stores.migrator.up()
        yield Stores(
            graph=stores.graph,
            ingestions=stores.ingestions,
            sli_history=stores.sli_history,
            recommendations=stores.recommendations,
            recommendation_jobs=stores.recommendation_jobs,
            priors=stores.priors,
            calibrations=stores.calibrations,
            ledger=stores.ledger,
            outbox=stores.outbox,
            event_log=stores.event_log,
            drift=stores.drift,
            forecasts=stores.forecasts,
            divergences=stores.divergences,
            journeys=stores.journeys,
            centrality=stores.centrality,
            discovery=stores.discovery,
            overviews=stores.overviews,
        )


@asynccontextmanager
async def memory_stores(_request: pytest.FixtureRequest) -> AsyncGenerator[Stores]:
    from sloengine.infrastructure.memory import open_memory

    opened = open_memory()
    yield Stores(**{name: getattr(opened, name, None) for name in Stores.__slots__})


OPENERS: dict[str, Opener] = {"memory": memory_stores, "neo4j": neo4j_stores}
MARKS = {"neo4j": (pytest.mark.neo4j,)}


@pytest.fixture(params=[pytest.param(name, marks=MARKS.get(name, ())) for name in OPENERS])
async def stores(request: pytest.FixtureRequest) -> AsyncIterator[Stores]:
    async with OPENERS[request.param](request) as opened:
        yield opened
