"""What is asked when recommendations are asked for, and whether one on record is the answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sloengine import __version__
from sloengine.application.telemetry.pulled_hours import DAY, floor_to
from sloengine.domain.recommendation.model import Recommendation, SliType
from sloengine.domain.reliability.window import ComplianceWindow

MUTATION = "generateRecommendations"
"""Idempotency keys of recommending belong to this name, whether it is answered in place or by a job."""


@dataclass(frozen=True, slots=True)
class RecommendCommand:
    """``service_ids``: at most 200. ``force``: compute again even where a stored answer still holds.

    ``since``: with ``force``, one that was generated from then on is good enough.
    """

    service_ids: Sequence[str]
    sli_types: Sequence[SliType] = (SliType.AVAILABILITY, SliType.LATENCY)
    window: ComplianceWindow = ComplianceWindow.ROLLING_28D
    force: bool = False
    since: datetime | None = None
    idempotency_key: str | None = None


def request_body(
    service_ids: Sequence[str] | None,
    sli_types: Sequence[SliType],
    window: ComplianceWindow,
    *,
    force: bool,
) -> dict[str, object]:
    """What tells one request for recommendations from another, in place or as a job. None: every service."""
    return {
        "serviceIds": None if service_ids is None else list(service_ids),
        "sliTypes": [sli_type.value for sli_type in sli_types],
        "window": window.value,
        "force": force,
    }


def is_enough(
    known: Recommendation, command: RecommendCommand, as_of: datetime, version: int, written_at: datetime | None
) -> bool:
    """Whether this one is the answer, so that nothing need be computed."""
    if command.force:
        return command.since is not None and known.generated_at >= command.since
    return _holds(known, as_of, version, written_at)


def _holds(known: Recommendation, as_of: datetime, version: int, written_at: datetime | None) -> bool:
    """Whether computing again would start from the same inputs.

    ``written_at``: when series of known hours were last written anew; None: never.
    """
    newest = as_of if known.sli_type is SliType.AVAILABILITY else floor_to(as_of, DAY)
    return (
        known.graph_version == version
        and known.provenance.to_at >= newest
        and known.engine_version == __version__
        and (written_at is None or known.generated_at >= written_at)
    )
