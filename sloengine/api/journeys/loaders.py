"""One call for all journeys that a request leads to."""

from __future__ import annotations

from functools import cached_property

from strawberry.dataloader import DataLoader

from sloengine.api.batching import one_call
from sloengine.application.journeys.read_journeys import ReadJourneys
from sloengine.application.journeys.recommend_journeys import RecommendJourneys
from sloengine.domain.journeys.model import Journey
from sloengine.domain.journeys.recommend_journey import JourneyAnswer


class JourneyLoaders:
    """Loaders of one request. Load functions do not hold the loaders, so that both go when the request does."""

    def __init__(self, journeys: ReadJourneys, recommend: RecommendJourneys) -> None:
        self._journeys = journeys
        self._recommend = recommend

    @cached_property
    def journey_by_id(self) -> DataLoader[str, Journey | None]:
        """Journeys as they were saved."""
        return one_call(self._journeys.by_id)

    @cached_property
    def answer_by_journey(self) -> DataLoader[Journey, JourneyAnswer | None]:
        """What may be promised for journeys; evidence is read once for all of them."""
        recommend = self._recommend

        async def read(journeys: list[Journey]) -> dict[Journey, JourneyAnswer]:
            found = await recommend(journeys)
            return {journey: found[journey.journey_id] for journey in journeys if journey.journey_id in found}

        return one_call(read)
