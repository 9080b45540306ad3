"""Services asked for every day, each answer handed to the next, as the product does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bench.accuracy_forecasts import DAY, START, panel_of
from bench.calibration_organizations import Organization
from sloengine.domain.recommendation.model import Recommendation
from sloengine.domain.recommendation.organization_prior import OrganizationPrior, learn_prior
from sloengine.domain.recommendation.recommend_availability import recommend_availability
from sloengine.domain.recommendation.request import AvailabilityRequest
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.reliability.window import ComplianceWindow


@dataclass(frozen=True)
class AskedOnce:
    """One service on one day: what was asked, what came, and what had come the time before.

    ``day``: days of history that are known; ``row``: the service's place in the organisation.
    """

    day: int
    row: int
    request: AvailabilityRequest
    prior: OrganizationPrior
    answer: Recommendation
    previous: Recommendation


def asked_daily(
    org: Organization, services: int, first_day: int, days: int, settings: EngineSettings
) -> Iterator[AskedOnce]:
    """Of the first ``services``, from the second answer of each on; days without one are left out."""
    before: dict[str, Recommendation] = {}
    for day in range(first_day, first_day + days):
        panel, as_of = panel_of(org.bad[:, :day], org.valid[:, :day]), START + DAY * day
        prior = learn_prior(panel, as_of=as_of)
        for row, service_id in enumerate(panel.service_ids[:services]):
            previous = before.get(service_id)
            request = AvailabilityRequest(
                service_id, ComplianceWindow.ROLLING_28D, as_of, panel, as_of, previous=previous
            )
            answer = recommend_availability(request, prior, settings)
            if not isinstance(answer, Recommendation):
                continue
            before[service_id] = answer
            if previous is not None:
                yield AskedOnce(day, row, request, prior, answer, previous)
