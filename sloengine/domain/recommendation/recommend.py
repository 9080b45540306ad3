"""The entry functions of the recommendation mathematics, used offline and online alike."""

from sloengine.domain.recommendation.latency_prior import LatencyPrior, learn_latency_prior
from sloengine.domain.recommendation.organization_prior import OrganizationPrior, learn_prior
from sloengine.domain.recommendation.recommend_availability import (
    availability_predictive,
    availability_probability,
    recommend_availability,
    recommend_with_case,
)
from sloengine.domain.recommendation.recommend_latency import (
    latency_case,
    latency_draws,
    latency_probability,
    recommend_latency,
    recommend_latency_with_case,
)
from sloengine.domain.recommendation.request import AvailabilityRequest, BoundForTiers, LatencyRequest
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.recommendation.telemetry_checks import TelemetryFindings, inspect

__all__ = [
    "AvailabilityRequest",
    "BoundForTiers",
    "EngineSettings",
    "LatencyPrior",
    "LatencyRequest",
    "OrganizationPrior",
    "TelemetryFindings",
    "availability_predictive",
    "availability_probability",
    "inspect",
    "latency_case",
    "latency_draws",
    "latency_probability",
    "learn_latency_prior",
    "learn_prior",
    "recommend_availability",
    "recommend_latency",
    "recommend_latency_with_case",
    "recommend_with_case",
]
