"""What dependencies allow over a *future* window: draws of the composite's unavailability, like with like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from sloengine.domain.topology.failed_calls import FloatArray
from sloengine.domain.topology.inherited_failure import FailureSource, InheritedFailure
from sloengine.domain.topology.intrinsic import hazard

#: Spread of what is known of an unmonitored provider's window: a factor of e either way.
_PUBLISHED_SPREAD = 1.0
# Components that carry less than this part of the inherited hazard keep their mean.
_STEADY = 1e-3


@dataclass(frozen=True)
class DrawnSources:
    """What the sources of a root draw in ``n`` future windows, before any of it reaches the root.

    ``values``: by source, unavailability in each window, shape (n,), or one number where the mean is enough.
    """

    inherited: InheritedFailure
    n: int
    values: tuple[FloatArray | float, ...]
    place: npt.NDArray[np.int64] | None
    """Rows of the root's own draws, where it has another number of them."""
    weights: FloatArray | None = None
    """Windows that each of these stands for; None: one each."""

    def composed(self, root: FloatArray | None, world: InheritedFailure | None = None) -> FloatArray:
        """Draws of the root's window unavailability.

        ``root``: draws of its whole window as its own telemetry predicts it. ``world``: the same sources in a
        changed world, where they pass on more or less; the values drawn stay.
        """
        inherited = world or self.inherited
        return self.composed_of(self.hazard(inherited), inherited, root)

    def hazard(self, inherited: InheritedFailure) -> FloatArray:
        """Hazard that reaches the root in each window, before it is held to its share."""
        total = np.zeros(self.n)
        steady = 0.0
        for row, (source, value) in enumerate(zip(inherited.sources, self.values, strict=True)):
            if isinstance(value, float):
                steady += source._replace(own=value).hazard
            elif source.phi > 0.0:
                total += self._passed_on(row, source.phi, value)
        # ``others`` is negative where failures overlap in time: that much less in every draw, in proportion.
        before = inherited.source_hazard
        factor = max(0.0, 1.0 + inherited.others / before) if before > 0.0 and inherited.others < 0.0 else 1.0
        return np.asarray((total + steady) * factor + max(0.0, inherited.others))

    def _passed_on(self, row: int, phi: float, value: FloatArray) -> FloatArray:
        """Hazard from one source in each window; kept where it passes on as much as it does, as most do."""
        if phi != self.inherited.sources[row].phi:
            return _hazard_of(phi, value)
        if row not in self._kept:
            self._kept[row] = _hazard_of(phi, value)
        return self._kept[row]

    @cached_property
    def _kept(self) -> dict[int, FloatArray]:
        return {}

    def composed_of(self, total: FloatArray, inherited: InheritedFailure, root: FloatArray | None) -> FloatArray:
        """The root's window unavailability from the hazard that reaches it.

        ``root``: shape (n,), or (k, n) for k suppositions about it at once.
        """
        if root is None:
            total = total + hazard(inherited.own_part)
            return np.asarray(-np.expm1(-total))
        usual = self.mean(root)
        if inherited.shown is not None and inherited.observed > 0.0:
            total = total * _no_more_than_its_share(inherited, self.mean(-np.expm1(-total)), usual)
        own = root if self.place is None else np.asarray(root, np.float64)[..., self.place]
        own_values = inherited.own_of_shown * own
        result = -np.expm1(-(total - np.log1p(-np.minimum(own_values, 1.0 - 1e-12))))
        if inherited.shown is not None and inherited.requests > 0.0:
            # Half a failure keeps a clean record from meaning that nothing ever fails.
            floor = max(inherited.shown, 0.5 / max(inherited.requests, 1.0))
            wanted = usual * max(1.0, inherited.observed / floor)
            mean = self.mean(result)
            result = result * np.where((mean > wanted) & (wanted > 0.0), wanted / np.maximum(mean, 1e-300), 1.0)
        return np.asarray(np.clip(result, 0.0, 1.0))

    def take(self, rows: npt.NDArray[np.int64], weights: FloatArray) -> DrawnSources:
        """Some of the windows, each of which stands for so many."""
        values = tuple(value if isinstance(value, float) else value[rows] for value in self.values)
        place = None if self.place is None else self.place[rows]
        return DrawnSources(self.inherited, len(rows), values, place, weights)

    def mean(self, values: FloatArray) -> FloatArray:
        """Mean over the windows that these stand for, shape (..., 1)."""
        weights = self.weights
        found = values.mean(axis=-1) if weights is None else values @ weights / weights.sum()
        return np.asarray(found)[..., None]


def _hazard_of(phi: float, value: FloatArray) -> FloatArray:
    return np.asarray(-np.log1p(-np.minimum(phi * value, 1.0 - 1e-12)))


def joint_draws(
    inherited: InheritedFailure,
    n: int,
    rng: np.random.Generator,
    predictive_draws: Mapping[str, npt.NDArray[np.float64]],
) -> FloatArray | None:
    """Draws of the root's window unavailability as composed from its parts; None without any draws to use.

    Parameters:
        predictive_draws: draws of each service's *whole* window unavailability, as its own telemetry predicts it,
            by service id; the part that is its own is taken here. Services without draws keep their mean; a
            provider without telemetry of its own is spread widely around what is known of it.

    Each source is drawn once, however many paths lead to it. The overlap in time that the observed bound found,
    and redundancy groups, are in as they were. Like with like: predictive draws carry the prior's caution, and the
    caution of a thousand dependencies must not add up, so the result's mean is held to the root's own predictive
    mean times (observed bound's unavailability ÷ the root's observed one), and the inherited part's mean to its
    share of that, where these are the smaller.
    """
    drawn = draw_sources(inherited, n, rng, predictive_draws)
    return None if drawn is None else drawn.composed(predictive_draws.get(inherited.root))


def draw_sources(
    inherited: InheritedFailure,
    n: int,
    rng: np.random.Generator,
    predictive_draws: Mapping[str, npt.NDArray[np.float64]],
) -> DrawnSources | None:
    """The sources alone; parameters as for :func:`joint_draws`."""
    used = [source for source in inherited.sources if source.service_id in predictive_draws or source.unwatched]
    root = predictive_draws.get(inherited.root)
    if not used and root is None:
        return None
    means = [_mean_of(source, predictive_draws) for source in inherited.sources]
    whole = sum(source.phi * mean for source, mean in zip(inherited.sources, means, strict=True))
    values: list[FloatArray | float] = []
    for source, mean in zip(inherited.sources, means, strict=True):
        draws = predictive_draws.get(source.service_id)
        if source.phi * mean < _STEADY * whole or (draws is None and not source.unwatched):
            values.append(float(mean))
        elif draws is None:
            values.append(source.own * rng.lognormal(-(_PUBLISHED_SPREAD**2) / 2.0, _PUBLISHED_SPREAD, n))
        else:
            values.append(source.part * np.asarray(draws, np.float64)[rng.integers(0, len(draws), n)])
    # In their own order where there are as many: drawing them again would only add noise to their quantiles.
    place = None if root is None or len(root) == n else rng.integers(0, len(root), n)
    return DrawnSources(inherited, n, tuple(values), place)


def _no_more_than_its_share(inherited: InheritedFailure, mean: FloatArray, root_mean: FloatArray) -> FloatArray:
    """Factor on the inherited hazard, at most 1: its mean is no larger than its observed share of the root's."""
    floor = max(inherited.shown or 0.0, 0.5 / max(inherited.requests, 1.0))
    share = max(0.0, 1.0 - inherited.own_part / inherited.observed)
    wanted = share * root_mean * max(1.0, inherited.observed / floor)
    return np.where(mean > 0.0, np.minimum(1.0, wanted / np.maximum(mean, 1e-300)), 1.0)


def _mean_of(source: FailureSource, draws: Mapping[str, npt.NDArray[np.float64]]) -> float:
    known = draws.get(source.service_id)
    return source.own if known is None or not len(known) else source.part * float(np.mean(known))
