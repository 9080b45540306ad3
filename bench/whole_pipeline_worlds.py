"""Organisations of the request-level simulator as the product would see them, and what may come after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sloengine.application.recommendation.compute_recommendations import Wanted, compute_recommendations
from sloengine.application.recommendation.evidence import Evidence
from sloengine.application.recommendation.learn_archetypes import learn_archetypes
from sloengine.application.recommendation.prepared import prepare
from sloengine.application.recommendation.recommend_from_files import graph_of_document, priors_before
from sloengine.domain.recommendation.model import RecommendationResult, SliType
from sloengine.domain.recommendation.recommend_availability import recommend_availability
from sloengine.domain.recommendation.request import AvailabilityRequest
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.reliability.daily import daily_sums
from sloengine.domain.reliability.panel import SliPanel
from sloengine.domain.reliability.window import ComplianceWindow
from sloengine.domain.simulation.blocks import hour_of
from sloengine.domain.simulation.chronicle import incidents, shifts
from sloengine.domain.simulation.drawn import DrawnOrganisation, draw_organisation
from sloengine.domain.simulation.habits import Stretch
from sloengine.domain.simulation.organisation import availability, edges
from sloengine.domain.simulation.settings import Faults, Shared, parameters_of
from sloengine.domain.simulation.windows import coming_windows, future_draws
from sloengine.infrastructure.learning.archetype_groups import SilhouetteGroups

type Floats = npt.NDArray[np.float64]

AS_OF = datetime(2026, 4, 30, tzinfo=UTC)
"""Starts a week of the simulator, so that other futures can begin there."""
HORIZON = 28
MOST_DAYS = 90
"""History that is played; what is known of it may be less. Deployments fall into it and the window."""


@dataclass(frozen=True)
class SimulatedWorld:
    """``panel``: what is known. ``futures``: unavailability of monitored services, shape (services, futures);
    ``came``: as it will be.
    """

    drawn: DrawnOrganisation
    stretch: Stretch
    known_from_hour: int
    panel: SliPanel
    futures: Floats
    came: Floats

    @property
    def service_ids(self) -> tuple[str, ...]:
        """Monitored services."""
        return self.panel.service_ids

    @property
    def days(self) -> int:
        """Days of history."""
        return (self.stretch.to_hour - self.known_from_hour) // 24

    @cached_property
    def requests(self) -> Floats:
        """Expected of each service in the window."""
        return daily_sums(self.panel, as_of=AS_OF, lookback_days=self.days).expected_daily_traffic() * HORIZON

    def past(self, row: int) -> float:
        """Unavailability of the last window before as-of, or of the history where it is shorter."""
        last = slice(-min(HORIZON, self.days) * 24, None)
        return float(np.nansum(self.panel.bad[row, last]) / max(np.nansum(self.panel.total[row, last]), 1.0))

    def recommend(self, settings: EngineSettings) -> Mapping[str, RecommendationResult]:
        """What the product says of every monitored service, with all it knows by then."""
        graph, _ = graph_of_document(self.drawn.document, set(self.service_ids), AS_OF)
        priors = priors_before(self.panel, {}, AS_OF, settings.prior_lookback_days)
        kinds = learn_archetypes(graph, self.panel, {}, SilhouetteGroups(), as_of=AS_OF)
        evidence = Evidence(
            as_of=AS_OF,
            graph=graph,
            panel=self.panel,
            latency={},
            edges=edges(self.drawn.organisation, self.known_from_hour, self.stretch.to_hour),
            priors=priors.with_archetypes(kinds),
            source="simulator",
        )
        wanted = [Wanted(service_id, SliType.AVAILABILITY) for service_id in self.service_ids]
        answers = compute_recommendations(
            prepare(evidence), wanted, window=ComplianceWindow.ROLLING_28D, now=AS_OF, settings=settings
        )
        return {one.service_id: answer for one, answer in answers.items()}

    def recommend_alone(self, settings: EngineSettings) -> Mapping[str, RecommendationResult]:
        """From services' own histories and what they have in common, without the graph."""
        prior = priors_before(self.panel, {}, AS_OF, settings.prior_lookback_days).availability
        window = ComplianceWindow.ROLLING_28D
        return {
            one: recommend_availability(
                AvailabilityRequest(one, window, AS_OF, self.panel, AS_OF), prior, settings
            )
            for one in self.service_ids
        }

    def chronicle(self) -> list[str]:
        """Incidents and deployments of history and window, in hours from as-of."""
        end = self.stretch.to_hour
        found = [
            (
                one.incident.starts_at_hour,
                f"{one.incident.starts_at_hour - end:+8.0f} h  {one.place:<14} "
                f"{one.incident.ends_at_hour - one.incident.starts_at_hour:6.1f} h x {one.incident.severity:.2f} "
                f"= {(one.incident.ends_at_hour - one.incident.starts_at_hour) * one.incident.severity / 24:.4f} "
                f"days of full outage, {len(one.services)} services",
            )
            for one in incidents(self.drawn.organisation, self.known_from_hour, end + 24 * HORIZON)
        ]
        found += [
            (float(one.at_hour), f"{one.at_hour - end:+8.0f} h  deployment of {service_id}: {one}")
            for service_id, one in shifts(self.drawn.organisation)
        ]
        return [line for _, line in sorted(found)]


def play_world(seed: int, days: int, services: int, n_futures: int, kept: Path | None) -> SimulatedWorld:
    """Draw and play one organisation of which ``days`` are known.

    ``kept``: futures, the dear part and the same for any number of days, are written there and read again.
    """
    to_hour = hour_of(AS_OF)
    stretch, known_from_hour = Stretch(to_hour - 24 * MOST_DAYS, to_hour), to_hour - 24 * days
    # Without timeouts: a slow dependency fails its callers only, which no bound on failures speaks of.
    drawn = draw_organisation(services, parameters_of(Faults.RARE, Shared.ALL), seed, stretch, timeouts=False)
    organisation = drawn.organisation
    panel = availability(organisation, known_from_hour, to_hour)
    rows = [organisation.topology.position[service_id] for service_id in panel.service_ids]
    path = None if kept is None else kept / f"futures-{seed}-{services}-{n_futures}.npy"
    if path is not None and path.exists():
        futures: Floats = np.load(path)
    else:
        futures = 1 - future_draws(organisation, stretch, HORIZON, n_futures)[rows]
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            np.save(path, futures)
    came = 1 - coming_windows(organisation, to_hour, [HORIZON]).availability_ratio[HORIZON][rows]
    return SimulatedWorld(drawn, stretch, known_from_hour, panel, futures, came)
