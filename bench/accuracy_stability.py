"""Do stored targets stay put? The same services asked every day for a month, each answer handed to the next."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np

from bench.accuracy_forecasts import DAY, START, panel_of
from bench.calibration_organizations import World, draw
from sloengine.domain.recommendation.model import Recommendation, TierName
from sloengine.domain.recommendation.organization_prior import learn_prior
from sloengine.domain.recommendation.recommend_availability import recommend_availability
from sloengine.domain.recommendation.request import AvailabilityRequest
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.reliability.window import ComplianceWindow

HISTORY_DAYS = 90
ASKED_DAYS = 28
ASKED_SERVICES = 6


@dataclass(frozen=True)
class Stability:
    """Days on which the Balanced target was compared with the day before.

    ``quiet``: without an incident of the service's own that day or the day before; ``named``: changes on the other
    days whose summary names the incident.
    """

    quiet_days: int
    quiet_changes: int
    incident_days: int
    incident_changes: int
    named: int

    @property
    def quiet_share(self) -> float:
        """Share of quiet days on which the target changed."""
        return self.quiet_changes / max(1, self.quiet_days)


def judge_stability(organizations: int, workers: int) -> Stability:
    """All organisations together."""
    with ProcessPoolExecutor(workers) as pool:
        parts = list(pool.map(_organization, range(organizations)))
    return Stability(*(int(total) for total in np.sum(parts, axis=0)))


def _organization(seed: int) -> tuple[int, int, int, int, int]:
    rng = np.random.default_rng([seed, HISTORY_DAYS, 50_000])
    org = draw(rng, HISTORY_DAYS, World(services=30), ASKED_DAYS)
    settings = EngineSettings()
    ratio = org.bad / org.valid
    quiet_days = quiet_changes = incident_days = incident_changes = named = 0
    before: dict[str, Recommendation] = {}
    for day in range(HISTORY_DAYS, HISTORY_DAYS + ASKED_DAYS):
        panel = panel_of(org.bad[:, :day], org.valid[:, :day])
        as_of = START + DAY * day
        prior = learn_prior(panel, as_of=as_of)
        for row, service_id in enumerate(panel.service_ids[:ASKED_SERVICES]):
            previous = before.get(service_id)
            request = AvailabilityRequest(
                service_id, ComplianceWindow.ROLLING_28D, as_of, panel, as_of, previous=previous
            )
            answer = recommend_availability(request, prior, settings)
            if not isinstance(answer, Recommendation):
                continue
            before[service_id] = answer
            if previous is None:
                continue
            changed = balanced(answer) != balanced(previous)
            usual = float(np.median(ratio[row, :day]))
            if (ratio[row, day - 2 : day] > max(1e-3, 10 * usual)).any():
                incident_days += 1
                incident_changes += changed
                named += changed and " incident" in answer.summary and "moved" in answer.summary
            else:
                quiet_days += 1
                quiet_changes += changed
    return quiet_days, quiet_changes, incident_days, incident_changes, named


def balanced(recommendation: Recommendation) -> float | None:
    """The Balanced target."""
    targets = recommendation.tier(TierName.BALANCED).targets
    return targets[0].availability_ratio if targets else None
