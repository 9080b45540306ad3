"""After a confirmed change: recommend again, and put on record what that gave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sloengine.application.drift.find_shared_causes import FindSharedCauses
from sloengine.application.ports.clock import Clock
from sloengine.application.ports.drift_store import DriftStore
from sloengine.application.ports.paging import PageRequest
from sloengine.application.ports.recommendation_store import RecommendationStore
from sloengine.application.ports.service_graph import ServiceGraph
from sloengine.application.recommendation.recommend import Recommend
from sloengine.application.recommendation.recommend_command import RecommendCommand
from sloengine.domain.drift.alarm import ENGINE, DriftEvent, change_of, in_words, moves_of
from sloengine.domain.drift.together import Onset
from sloengine.domain.recommendation.model import Recommendation
from sloengine.domain.reliability.window import ComplianceWindow

_AT_ONCE = 100
_LOOKED_BACK_OVER = 20


@dataclass(frozen=True, slots=True)
class ReevaluateDrifted:
    """Run behind each drift pass. Safe to run twice: an event is finished once, in one transaction."""

    store: DriftStore
    graph: ServiceGraph
    recommendations: RecommendationStore
    recommend: Recommend
    causes: FindSharedCauses
    clock: Clock

    async def __call__(self) -> Sequence[DriftEvent]:
        """The events that were finished here."""
        finished: list[DriftEvent] = []
        waiting = await self.store.unfinished(_AT_ONCE)
        causes = await self.causes([Onset.of(event) for event in waiting])
        for event in waiting:
            judged = await self._judged(event)
            now = self.clock.now()
            cause = causes.get(Onset.of(event))
            said = in_words(judged) if cause is None else f"{in_words(judged)}; {cause.in_words(event.service_id)}"
            if await self.store.finish(judged, actor=ENGINE, rationale=said, now=now):
                finished.append(replace(judged, reevaluated_at=now))
        return finished

    async def _judged(self, event: DriftEvent) -> DriftEvent:
        before = await self._before(event)
        after: Recommendation | None = None
        if event.service_id in await self.graph.services([event.service_id]):
            window = ComplianceWindow.ROLLING_28D if before is None else before.window
            command = RecommendCommand([event.service_id], [event.sli_type], window, force=True)
            results = await self.recommend.many(command)
            after = next((result for result in results if isinstance(result, Recommendation)), None)
        return replace(
            event,
            recommendation_id=None if after is None else after.recommendation_id,
            targets=moves_of(before, after),
        )

    async def _before(self, event: DriftEvent) -> Recommendation | None:
        """The newest recommendation that does not know of the change; one made before a crash does."""
        page = await self.recommendations.page(
            event.service_id, event.sli_type, None, PageRequest(first=_LOOKED_BACK_OVER)
        )
        change = change_of(event)
        return next((one for one in page.rows if not change.is_known_to(one)), None)
