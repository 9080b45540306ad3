"""What the organisation's services have in common: learnt once over all of them, reused for each."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from sloengine.domain.recommendation import incident_rate, shipped_prior
from sloengine.domain.recommendation.archetype_credit import credited, mean_log, pool_by_archetype
from sloengine.domain.recommendation.archetypes import Archetypes
from sloengine.domain.recommendation.base_spread import WeeklySpread, learn_spread
from sloengine.domain.recommendation.incidents import IncidentSplit, split_incidents
from sloengine.domain.recommendation.independent_starts import evenly_seen_days, independent_starts
from sloengine.domain.recommendation.peer_rates import PeerRates
from sloengine.domain.recommendation.size_credit import own_size_weight
from sloengine.domain.reliability.daily import DailyHistory, daily_sums
from sloengine.domain.reliability.panel import FloatArray, SliPanel
from sloengine.domain.reliability.window import ComplianceWindow

PEER_HALF_LIFE_DAYS = 240.0
"""A peer's incident counts half after this many days."""
BROKEN_BASE_RATIO = 0.02
"""A service that fails more than this on its good days teaches the others nothing about theirs."""
SCHEMA = 4
READABLE = (2, 3, 4)
"""Until the next learning, schema 2 is read as a prior without archetypes, and 3 as one that learnt no spread."""


@dataclass(frozen=True)
class OrganizationPrior(PeerRates):
    """Sufficient statistics of the organisation, and the mixture of incident rates learnt from them.

    Per service, shape (n_services,): ``episodes`` and ``days`` (discounted by age), ``base_bad``, ``base_valid``.
    The pool of episodes, shape (n_episodes,): ``severity`` and ``owner`` (row of ``service_ids``), as good as
    ``independent_starts`` independent ones: services that fail together are one piece of evidence. Any service
    can be taken out of its own prior. Small enough to store and to send to another process.

    ``archetypes``: kinds of services. Where they differ in reliability by more than chance, a service's prior is
    that of its archetype's teachers, the organisation counting as so many services beside them.
    """

    learnt_at: datetime | None
    service_ids: tuple[str, ...]
    episodes: FloatArray
    days: FloatArray
    base_bad: FloatArray
    base_valid: FloatArray
    severity: FloatArray
    owner: npt.NDArray[np.int64]
    rate_weights: FloatArray
    spread: WeeklySpread
    episode_days: float
    independent_starts: float
    archetypes: Archetypes = field(default_factory=Archetypes.none)

    @classmethod
    def shipped(cls) -> OrganizationPrior:
        """The prior of an organisation nobody has seen yet."""
        none = np.zeros(0)
        return cls(
            learnt_at=None,
            service_ids=(),
            episodes=none,
            days=none,
            base_bad=none,
            base_valid=none,
            severity=none,
            owner=np.zeros(0, dtype=np.int64),
            rate_weights=incident_rate.shipped_weights(),
            spread=WeeklySpread(),
            episode_days=shipped_prior.EPISODE_DAYS,
            independent_starts=0.0,
        )

    @cached_property
    def digest(self) -> str:
        """SHA-256 of everything in it, hexadecimal."""
        sha = hashlib.sha256("\n".join(self.service_ids).encode())
        for values in (self.episodes, self.days, self.base_bad, self.base_valid, self.severity, self.owner):
            sha.update(np.ascontiguousarray(values).tobytes())
        spread = self.spread
        single = [spread.bursts, spread.level_variance, self.episode_days, self.independent_starts]
        sha.update(np.array(single).tobytes())
        if len(self.archetypes):
            sha.update(self.archetypes.digest.encode())
        return sha.hexdigest()

    def with_archetypes(self, archetypes: Archetypes) -> OrganizationPrior:
        """The same history, told apart by these kinds."""
        return replace(self, archetypes=archetypes)

    @cached_property
    def _size_k(self) -> float:
        return self.by_archetype.k_of(mean_log(self.severity, self.owner, len(self.service_ids)))

    @cached_property
    def _base_k(self) -> float:
        kept = self._teaches_base
        shape, rate = _gamma_by_moments(self.base_bad[kept], self.base_valid[kept])
        level = np.log((self.base_bad + shape) / (self.base_valid + rate))
        return self.by_archetype.k_of(np.where(kept, level, np.nan))

    @cached_property
    def _pool_weights(self) -> FloatArray:
        """Weight of each episode: its owner's episodes together weigh as the root of their number."""
        counts = np.bincount(self.owner, minlength=len(self.service_ids)).astype(np.float64)
        return np.asarray(1.0 / np.sqrt(np.maximum(counts, 1.0)))[self.owner]

    def peer_episodes(self, service_id: str) -> int:
        """Episodes of other services in the pool."""
        row = self.index.get(service_id)
        return len(self.owner) - (0 if row is None else int((self.owner == row).sum()))

    @cached_property
    def own_size_weight(self) -> float:
        """Own episodes that other services' are worth in the size of a coming one."""
        return own_size_weight(self.severity, self.owner)

    def pool_evidence(self, service_id: str) -> float:
        """Independent episodes that the pool is worth without this service's own."""
        return min(float(self.peer_episodes(service_id)), self.independent_starts)

    def severity_pool(self, service_id: str) -> tuple[FloatArray, FloatArray]:
        """Peers' episode severities, ascending, and their cumulative weights in [0, 1]."""
        severity, weight, owner = self._sorted_pool
        row = self.index.get(service_id)
        if row is not None:
            weight = np.where(owner == row, 0.0, weight)
        if len(self.archetypes):
            alike = self.by_archetype.members(service_id, row)[owner]
            weight = pool_by_archetype(weight, alike, owner, self._size_k)
        cumulative = np.cumsum(weight)
        if len(cumulative) == 0 or cumulative[-1] <= 0:
            return np.zeros(0), np.zeros(0)
        return severity, cumulative / cumulative[-1]

    @cached_property
    def _sorted_pool(self) -> tuple[FloatArray, FloatArray, npt.NDArray[np.int64]]:
        order = np.argsort(self.severity, kind="stable")
        return self.severity[order], self._pool_weights[order], self.owner[order]

    def base_gamma(self, service_id: str) -> tuple[float, float]:
        """Shape and rate of the gamma prior of base failures, by moments over peers and the shipped one."""
        keep = self._teaches_base.copy()
        row = self.index.get(service_id)
        if row is not None:
            keep[row] = False
        shape, rate = _gamma_by_moments(self.base_bad[keep], self.base_valid[keep])
        if not len(self.archetypes):
            return shape, rate
        members = keep & self.by_archetype.members(service_id, row)
        if credited(float(members.sum()), self._base_k) <= 0:
            return shape, rate
        bad, valid = self.base_bad[members], self.base_valid[members]
        return _gamma_by_moments(bad, valid, mean=shape / rate, shape=shape, counts_as=self._base_k)

    @property
    def _teaches_base(self) -> npt.NDArray[np.bool_]:
        """Rows that say something about failures outside incidents."""
        return np.asarray((self.base_valid > 0) & (self.base_bad <= BROKEN_BASE_RATIO * self.base_valid))

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON data."""
        return {
            "schema": SCHEMA,
            "learntAt": None if self.learnt_at is None else self.learnt_at.isoformat(),
            "serviceIds": list(self.service_ids),
            "episodes": self.episodes.tolist(),
            "days": self.days.tolist(),
            "baseBad": self.base_bad.tolist(),
            "baseValid": self.base_valid.tolist(),
            "severity": self.severity.tolist(),
            "owner": self.owner.tolist(),
            "rateWeights": self.rate_weights.tolist(),
            "bursts": self.spread.bursts,
            "levelVariance": self.spread.level_variance,
            "episodeDays": self.episode_days,
            "independentStarts": self.independent_starts,
            "archetypes": self.archetypes.to_dict() if len(self.archetypes) else None,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> OrganizationPrior:
        """From ``to_dict``. Raises ValueError on another schema: learn it again."""
        if data.get("schema") not in READABLE:
            raise ValueError(f"prior of schema {data.get('schema')}, this engine reads {SCHEMA}")

        def floats(name: str) -> FloatArray:
            return np.asarray(data[name], dtype=np.float64)

        learnt_at = data["learntAt"]
        return cls(
            learnt_at=None if learnt_at is None else datetime.fromisoformat(learnt_at),
            service_ids=tuple(data["serviceIds"]),
            episodes=floats("episodes"),
            days=floats("days"),
            base_bad=floats("baseBad"),
            base_valid=floats("baseValid"),
            severity=floats("severity"),
            owner=np.asarray(data["owner"], dtype=np.int64),
            rate_weights=floats("rateWeights"),
            spread=_spread_of(data),
            episode_days=float(data["episodeDays"]),
            independent_starts=float(data["independentStarts"]),
            archetypes=Archetypes.from_dict(data.get("archetypes")),
        )


def learn_prior(
    panel: SliPanel,
    *,
    as_of: datetime,
    window: ComplianceWindow = ComplianceWindow.ROLLING_28D,
    lookback_days: int = 365,
    exclude: Collection[str] = (),
) -> OrganizationPrior:
    """Learn from all services' histories up to ``as_of``.

    ``exclude``: services whose telemetry cannot be true. ``window`` is accepted for symmetry with the requests:
    rates and sizes of incidents do not depend on it. Older days are discounted, not cut: a year helps.
    """
    del window
    kept = [service_id for service_id in panel.service_ids if service_id not in set(exclude)]
    chosen = panel if len(kept) == len(panel.service_ids) else panel.select(kept)
    history = daily_sums(chosen, as_of=as_of, lookback_days=lookback_days)
    return prior_from_days(history, learnt_at=as_of)


def prior_from_days(history: DailyHistory, *, learnt_at: datetime | None) -> OrganizationPrior:
    """Learn from daily histories."""
    history, _ = history.in_events()
    split = split_incidents(history)
    discount = 0.5 ** (history.ages / PEER_HALF_LIFE_DAYS)
    # Days on which nothing was asked cannot show an incident.
    asked = np.where(history.valid > 0, history.exposure, 0.0)
    days = (asked * discount).sum(axis=1)
    n_services = len(history.service_ids)
    base_weekly = 7.0 * split.base_bad / np.maximum(split.base_days, 1.0)
    episodes = np.bincount(
        split.owner, weights=0.5 ** (split.age / PEER_HALF_LIFE_DAYS), minlength=n_services
    ).astype(np.float64)
    return OrganizationPrior(
        learnt_at=learnt_at,
        service_ids=history.service_ids,
        episodes=episodes,
        days=days,
        base_bad=split.base_bad,
        base_valid=split.base_valid,
        severity=split.severity,
        owner=split.owner,
        rate_weights=incident_rate.learn_mixture(episodes, days),
        spread=learn_spread(split.dispersion, split.dispersion_weeks, base_weekly),
        episode_days=_mean_length(split),
        independent_starts=independent_starts(split.age, evenly_seen_days(asked.sum(axis=0))),
    )


def _spread_of(data: Mapping[str, Any]) -> WeeklySpread:
    # One dispersion for services of any traffic, as schema 3 has it, would be the busy ones'.
    if "bursts" not in data:
        return WeeklySpread()
    return WeeklySpread(float(data["bursts"]), float(data["levelVariance"]))


def _mean_length(split: IncidentSplit) -> float:
    shipped = shipped_prior.PSEUDO_EPISODES
    total = float(split.length.sum()) + shipped * shipped_prior.EPISODE_DAYS
    return total / (len(split.length) + shipped)


def _gamma_by_moments(
    bad: FloatArray,
    valid: FloatArray,
    *,
    mean: float = shipped_prior.BASE_MEAN_RATIO,
    shape: float = shipped_prior.BASE_SHAPE,
    counts_as: float = shipped_prior.PSEUDO_SERVICES,
) -> tuple[float, float]:
    """Gamma prior of a rate from many services' counts; one with this mean and shape counts as so many services.

    Weights are the shrunk rates' own, so that services with next to no traffic do not decide.
    """
    shrunk = (bad + shape) / (valid + shape / mean)
    middle = (float(shrunk.sum()) + counts_as * mean) / (len(shrunk) + counts_as)
    spread = float(((shrunk - middle) ** 2).sum()) + counts_as * mean**2 / shape
    variance = spread / (len(shrunk) + counts_as)
    fitted = float(np.clip(middle * middle / max(variance, 1e-300), 0.1, 3.0))
    return fitted, fitted / middle
