"""Do stored targets stay put? The same services asked every day for a month, each answer handed to the next."""

from __future__ import annotations

import re
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np

from bench.asked_daily import asked_daily
from bench.calibration_organizations import World, draw
from sloengine.domain.recommendation.model import Recommendation, TierName
from sloengine.domain.recommendation.settings import EngineSettings

HISTORY_DAYS = 90
ASKED_DAYS = 28
ASKED_SERVICES = 6
_NAMED = re.compile(r"Balanced (moved|was) .* after \d+ incidents? ")


@dataclass(frozen=True)
class Stability:
    """Days on which the Balanced target was compared with the day before.

    ``quiet``: without an incident of the service's own on the newest day, which the answer before cannot have
    known; ``named``: changes on the other days whose summary names the incident.
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
    ratio = org.bad / org.valid
    quiet_days = quiet_changes = incident_days = incident_changes = named = 0
    for asked in asked_daily(org, ASKED_SERVICES, HISTORY_DAYS, ASKED_DAYS, EngineSettings()):
        row, day, answer = asked.row, asked.day, asked.answer
        changed = balanced(answer) != balanced(asked.previous)
        usual = float(np.median(ratio[row, :day]))
        if ratio[row, day - 1] > max(1e-3, 10 * usual):
            incident_days += 1
            incident_changes += changed
            named += changed and _NAMED.search(answer.summary) is not None
        else:
            quiet_days += 1
            quiet_changes += changed
    return quiet_days, quiet_changes, incident_days, incident_changes, named


def balanced(recommendation: Recommendation) -> float | None:
    """The Balanced target."""
    targets = recommendation.tier(TierName.BALANCED).targets
    return targets[0].availability_ratio if targets else None
