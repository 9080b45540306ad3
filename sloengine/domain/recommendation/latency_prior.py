"""What the organisation's services have in common in latency: how often, how far, how long they get slow."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from sloengine.domain.recommendation import incident_rate, shipped_prior
from sloengine.domain.recommendation.archetype_credit import mean_log, pool_by_archetype
from sloengine.domain.recommendation.archetypes import Archetypes
from sloengine.domain.recommendation.independent_starts import evenly_seen_days, independent_starts
from sloengine.domain.recommendation.latency_days import AT_BASE, FACTORS, cut_history, describe_days
from sloengine.domain.recommendation.organization_prior import PEER_HALF_LIFE_DAYS
from sloengine.domain.recommendation.peer_rates import PeerRates
from sloengine.domain.recommendation.size_credit import own_size_weight
from sloengine.domain.recommendation.spell_lengths import POWER, length_beside_usual
from sloengine.domain.reliability.panel import FloatArray, LatencyHistory

SCHEMA = 3
READABLE = (2, 3)
"""Schema 2 knew no archetypes; it is read as a prior without any, until the next learning."""
MOST_SHAPES = 2_000
LEAST_SIZE = 1e-3
"""A spell of a day with next to no requests is next to nothing: some thousandth of a shipped one."""
SHIPPED_WEEKLY_LOG_SD = 0.08
"""Week-to-week spread of the base p95 before anything has been seen: about 8 %."""


@dataclass(frozen=True)
class LatencyPrior(PeerRates):
    """As ``OrganizationPrior``, for slow days.

    ``shapes``: excess tails of episodes over multiples of their service's base p95, shape (n_episodes, n_factors),
    ``owner`` their row of ``service_ids``. ``weekly_log_sd``: typical spread of the base p95 between weeks.
    """

    learnt_at: datetime | None
    service_ids: tuple[str, ...]
    episodes: FloatArray
    days: FloatArray
    shapes: FloatArray
    owner: npt.NDArray[np.int64]
    rate_weights: FloatArray
    weekly_log_sd: float
    independent_starts: float
    archetypes: Archetypes = field(default_factory=Archetypes.none)

    @classmethod
    def shipped(cls) -> LatencyPrior:
        """The prior of an organisation nobody has seen yet; rates as for availability."""
        none = np.zeros(0)
        return cls(
            None,
            (),
            none,
            none,
            np.zeros((0, len(FACTORS))),
            np.zeros(0, dtype=np.int64),
            incident_rate.shipped_weights(),
            SHIPPED_WEEKLY_LOG_SD,
            0.0,
        )

    @cached_property
    def digest(self) -> str:
        """SHA-256 of everything in it, hexadecimal."""
        sha = hashlib.sha256("\n".join(self.service_ids).encode())
        for values in (self.episodes, self.days, self.shapes, self.owner):
            sha.update(np.ascontiguousarray(values).tobytes())
        sha.update(np.array([self.weekly_log_sd, self.independent_starts]).tobytes())
        if len(self.archetypes):
            sha.update(self.archetypes.digest.encode())
        return sha.hexdigest()

    def with_archetypes(self, archetypes: Archetypes) -> LatencyPrior:
        """The same history, told apart by these kinds."""
        return replace(self, archetypes=archetypes)

    @cached_property
    def _size_k(self) -> float:
        return self.by_archetype.k_of(mean_log(self.sizes, self.owner, len(self.service_ids)))

    @cached_property
    def own_size_weight(self) -> float:
        """Own slow spells before their sizes are believed as much as other services'."""
        return max(incident_rate.LEAST_SIZE_WEIGHT, own_size_weight(self.sizes, self.owner))

    @cached_property
    def sizes(self) -> FloatArray:
        """How far and how long each spell went: its excess over all factors, summed; shape (n_episodes,).

        At least ``LEAST_SIZE``: the logarithm of next to nothing would be all there is of the variance of sizes.
        """
        return np.asarray(np.maximum(self.shapes.sum(axis=1), LEAST_SIZE))

    @cached_property
    def excess_days(self) -> FloatArray:
        """How long each spell lasted, in days of all requests above the base p95; shape (n_episodes,)."""
        return np.asarray(self.shapes[:, AT_BASE])

    @cached_property
    def spell_weight(self) -> float:
        """How many spells of usual length one of the organisation's counts as, whoever has it."""
        n = min(float(len(self.owner)), self.independent_starts)
        return float(length_beside_usual(self.excess_days, self.owner, n) ** POWER)

    def peer_rows(self, service_id: str) -> tuple[npt.NDArray[np.int64], FloatArray]:
        """Rows of ``shapes`` that are not this service's own, and their cumulative weights."""
        row = self.index.get(service_id)
        counts = np.bincount(self.owner, minlength=len(self.service_ids))
        rows = np.flatnonzero(self.owner != (-1 if row is None else row)).astype(np.int64)
        if rows.size == 0:
            return rows, np.zeros(0)
        weight = 1.0 / np.sqrt(counts[self.owner[rows]])
        if len(self.archetypes):
            alike = self.by_archetype.members(service_id, row)[self.owner[rows]]
            weight = pool_by_archetype(weight, alike, self.owner[rows], self._size_k)
        cumulative = np.cumsum(weight)
        return rows, cumulative / cumulative[-1]

    def evidence(self, service_id: str) -> float:
        """Independent episodes that the pool is worth without this service's own."""
        return min(float(len(self.peer_rows(service_id)[0])), self.independent_starts)

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON data."""
        return {
            "schema": SCHEMA,
            "learntAt": None if self.learnt_at is None else self.learnt_at.isoformat(),
            "serviceIds": list(self.service_ids),
            "episodes": self.episodes.tolist(),
            "days": self.days.tolist(),
            "shapes": np.round(self.shapes, 6).tolist(),
            "owner": self.owner.tolist(),
            "rateWeights": self.rate_weights.tolist(),
            "weeklyLogSd": self.weekly_log_sd,
            "independentStarts": self.independent_starts,
            "archetypes": self.archetypes.to_dict() if len(self.archetypes) else None,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> LatencyPrior:
        """From ``to_dict``. Raises ValueError on another schema: learn it again."""
        if data.get("schema") not in READABLE:
            raise ValueError(f"latency prior of schema {data.get('schema')}, this engine reads {SCHEMA}")
        learnt_at = data["learntAt"]
        return cls(
            None if learnt_at is None else datetime.fromisoformat(learnt_at),
            tuple(data["serviceIds"]),
            np.asarray(data["episodes"], dtype=np.float64),
            np.asarray(data["days"], dtype=np.float64),
            np.asarray(data["shapes"], dtype=np.float64).reshape(-1, len(FACTORS)),
            np.asarray(data["owner"], dtype=np.int64),
            np.asarray(data["rateWeights"], dtype=np.float64),
            float(data["weeklyLogSd"]),
            float(data["independentStarts"]),
            Archetypes.from_dict(data.get("archetypes")),
        )


def learn_latency_prior(
    histories: Mapping[str, LatencyHistory], *, as_of: datetime, lookback_days: int = 365
) -> LatencyPrior:
    """Learn from all services' daily histograms up to ``as_of``; those known as percentiles only are left out."""
    service_ids = tuple(sorted(name for name, history in histories.items() if not history.percentiles_only))
    episodes, days = np.zeros(len(service_ids)), np.zeros(len(service_ids))
    shapes: list[FloatArray] = []
    owners: list[FloatArray] = []
    ages_seen: list[FloatArray] = []
    spreads: list[float] = []
    observed = np.zeros(lookback_days + 1)
    for row, service_id in enumerate(service_ids):
        history = histories[service_id]
        counts, ages = cut_history(history, as_of=as_of, lookback_days=lookback_days)
        described = describe_days(history.bounds_seconds, counts, ages)
        if described is None:
            continue
        np.add.at(observed, ages.astype(np.int64), 1.0)
        days[row] = float((0.5 ** (ages / PEER_HALF_LIFE_DAYS)).sum())
        episodes[row] = float((0.5 ** (described.episode_ages / PEER_HALF_LIFE_DAYS)).sum())
        shapes.append(described.shapes)
        owners.append(np.full(len(described.shapes), row))
        ages_seen.append(np.floor(described.episode_ages))
        if described.weeks >= 2:
            spreads.append(described.weekly_log_sd)
    pool = np.concatenate(shapes) if shapes else np.zeros((0, len(FACTORS)))
    owner = np.concatenate(owners).astype(np.int64) if owners else np.zeros(0, dtype=np.int64)
    starts = independent_starts(np.concatenate(ages_seen), evenly_seen_days(observed)) if ages_seen else 0.0
    if len(pool) > MOST_SHAPES:
        # Every n-th of the pool in order of size: all sizes stay in it, nothing is drawn.
        order = np.argsort(pool[:, -1] + pool.mean(axis=1), kind="stable")
        kept = np.sort(order[np.linspace(0, len(order) - 1, MOST_SHAPES).astype(np.int64)])
        pool, owner = pool[kept], owner[kept]
    pseudo = shipped_prior.PSEUDO_SERVICES
    typical = float(np.sqrt(np.mean(np.square(spreads)))) if spreads else SHIPPED_WEEKLY_LOG_SD
    return LatencyPrior(
        as_of,
        service_ids,
        episodes,
        days,
        pool,
        owner,
        incident_rate.learn_mixture(episodes, days),
        (len(spreads) * typical + pseudo * SHIPPED_WEEKLY_LOG_SD) / (len(spreads) + pseudo),
        starts,
    )
