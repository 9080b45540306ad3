"""A small engine on memory adapters, for use-case tests."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from sloengine.application.topology.condensing import Condensing
from sloengine.application.topology.ingest_dependencies import IngestDependencies
from sloengine.application.topology.mark_stale import MarkStale
from sloengine.application.topology.merge_ingestion import MergeIngestion
from sloengine.application.topology.register_services import RegisterServices
from sloengine.application.topology.resume_ingestions import ResumeIngestions
from sloengine.application.topology.update_alert import UpdateAlert
from sloengine.domain.governance.model import Actor, Role
from sloengine.infrastructure.memory.database import MemoryDatabase
from sloengine.infrastructure.memory.ingestion_store import MemoryIngestionStore
from sloengine.infrastructure.memory.recommendation_store import (
    MemoryRecommendationJobStore,
    MemoryRecommendationStore,
)
from sloengine.infrastructure.memory.service_graph import MemoryServiceGraph
from sloengine.infrastructure.memory.sli_history import MemorySliHistory
from sloengine.infrastructure.memory.small_stores import (
    MemoryEventStream,
    MemoryJobQueue,
    MemoryLocks,
    MemoryOutbox,
    MemoryPriorStore,
    MemoryRecommendationCache,
    SetClock,
)
from sloengine.infrastructure.plain_json import dump_json, load_json

NOW = datetime(2026, 3, 2, 12, 30, tzinfo=UTC)
ADMIN = Actor("apikey:test", Role.SRE_ADMIN)
OWNER = Actor("user:ada", Role.SERVICE_OWNER, frozenset({"payments"}))
VIEWER = Actor("user:vic", Role.VIEWER)


@dataclass
class Engine:
    """Adapters on one database, and the use cases made from them."""

    db: MemoryDatabase = field(default_factory=MemoryDatabase)
    clock: SetClock = field(default_factory=lambda: SetClock(NOW))
    queue: MemoryJobQueue = field(default_factory=MemoryJobQueue)
    locks: MemoryLocks = field(default_factory=MemoryLocks)
    cache: MemoryRecommendationCache = field(default_factory=MemoryRecommendationCache)
    stream: MemoryEventStream = field(default_factory=MemoryEventStream)

    def __post_init__(self) -> None:
        self.graph = MemoryServiceGraph(self.db)
        self.ingestions = MemoryIngestionStore(self.db, self.clock)
        self.store = MemoryRecommendationStore(self.db)
        self.jobs = MemoryRecommendationJobStore(self.db)
        self.history = MemorySliHistory(self.db)
        self.priors = MemoryPriorStore(self.db)
        self.outbox = MemoryOutbox(self.db)
        self.condensing = Condensing(self.graph, self.clock)
        self.ingest = IngestDependencies(self.ingestions, self.queue, self.clock, dump_json)
        self.merge = self.merge_on(self.graph)
        self.resume = ResumeIngestions(self.ingestions, self.queue, self.clock)
        self.register = RegisterServices(self.graph, self.clock)
        self.update_alert = UpdateAlert(self.graph, self.clock)
        self.mark_stale = MarkStale(self.graph, self.cache, self.locks, self.condensing, self.clock)

    def merge_on(self, graph: MemoryServiceGraph) -> MergeIngestion:
        return MergeIngestion(
            self.ingestions,
            graph,
            self.cache,
            self.locks,
            Condensing(graph, self.clock),
            self.clock,
            load_json,
        )
