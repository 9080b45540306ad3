"""Journeys as JSON in the shape of the GraphQL types."""

from __future__ import annotations

from dataclasses import replace

from sloengine.application.journeys.save_journeys import SavedJourneys, path_in_list
from sloengine.cli.recommendation_shapes import contribution_shape, recommendation_shape, unavailable_shape
from sloengine.cli.shapes import Json, global_id, service_reference, time
from sloengine.domain.journeys.derive import JourneyDraft
from sloengine.domain.journeys.model import ANSWER_PREFIX, Journey, JourneyRoute
from sloengine.domain.journeys.recommend_journey import JourneyAnswer
from sloengine.domain.recommendation.model import Recommendation, RecommendationResult
from sloengine.infrastructure.exports import JourneyExport


def journey_shape(journey: Journey, answer: JourneyAnswer | None = None) -> Json:
    """``Journey``; without an answer only what was saved."""
    shape: Json = {
        "id": global_id("Journey", journey.journey_id),
        "name": journey.name,
        "entryPoints": [service_reference(service) for service in journey.entry_points],
        "routes": [
            {
                "name": route.name,
                "weight": route.weight,
                "share": share,
                "services": [service_reference(service) for service in route.services],
            }
            for route, share in zip(journey.routes, journey.shares(), strict=True)
        ],
        "createdBy": journey.created_by,
        "createdAt": time(journey.created_at),
        "updatedBy": journey.updated_by,
        "updatedAt": time(journey.updated_at),
    }
    if answer is not None:
        shape["availability"] = _result(journey, answer.availability)
        shape["latency"] = _result(journey, answer.latency)
        shape["weakestLinks"] = [contribution_shape(link, service_reference) for link in answer.weakest_links]
    return shape


def saved_shape(outcome: SavedJourneys) -> Json:
    """``SaveJourneysPayload``."""
    return {
        "journeys": [journey_shape(one) for one in outcome.saved],
        "userErrors": [
            {"code": one.error.code, "message": one.error.message, "path": list(path_in_list(one))}
            for one in outcome.refused
        ],
    }


def export_shape(export: JourneyExport) -> Json:
    """``JourneyExport``."""
    return {
        "format": export.format,
        "files": [{"path": one.path, "content": one.content} for one in export.files],
        "losses": [{"journey": one.journey, "message": one.message} for one in export.losses],
    }


def _result(journey: Journey, result: RecommendationResult) -> Json:
    """As the API: of the first entry point, with an id that stands for nothing stored."""
    shown = replace(result, service_id=journey.entry_points[0])
    if not isinstance(shown, Recommendation):
        return unavailable_shape(shown)
    made_up = f"{ANSWER_PREFIX}{journey.journey_id}:{shown.sli_type.value}"
    return recommendation_shape(replace(shown, recommendation_id=made_up))


def draft_shape(draft: JourneyDraft) -> Json:
    """``JourneyInput``, which `sloengine journeys save` reads, and notes."""
    return {
        "name": draft.name,
        "entryPoints": list(draft.entry_points),
        "routes": [_route(route) for route in draft.routes],
        "notes": list(draft.notes),
    }


def _route(route: JourneyRoute) -> Json:
    return {"name": route.name, "weight": route.weight, "services": list(route.services)}
