"""What dependencies allow over a *future* window: draws of the composite's unavailability, like with like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import log1p

import numpy as np
import numpy.typing as npt

from sloengine.domain.topology.bound_system import BoundSystem
from sloengine.domain.topology.edge_scenarios import ScenarioAnswer
from sloengine.domain.topology.failed_calls import FloatArray
from sloengine.domain.topology.graph_reliability import GraphReliability
from sloengine.domain.topology.intrinsic import hazard

#: Spread of what is known of an unmonitored provider's window: a factor of e either way.
_PUBLISHED_SPREAD = 1.0
# Components that carry less than this part of the inherited hazard keep their mean.
_STEADY = 1e-3


@dataclass(frozen=True)
class InheritedFailure:
    """What reaches a root, source by source.

    ``sources``: (names of the services that speak for it, probability that its failure reaches the root, its
    unavailability, its part of what those services showed, has no telemetry of its own). ``others``: hazard
    of what is not listed.
    """

    root: str
    sources: tuple[tuple[tuple[str, ...], float, float, float, bool], ...]
    others: float
    own_part: float
    own_of_shown: float
    shown: float | None
    observed: float
    requests: float

    @cached_property
    def hazards(self) -> list[float]:
        """Mean hazard that reaches the root, by source."""
        return [-log1p(-min(phi * own, 1.0 - 1e-12)) for _, phi, own, _, _ in self.sources]

    @cached_property
    def source_hazard(self) -> float:
        """Their sum."""
        return sum(self.hazards)

    @property
    def shares(self) -> list[float]:
        """Part in [0, 1] of the root's failure that each source is to answer for; the rest is the root's own."""
        listed = self.hazards
        whole = sum(listed) + self.others + hazard(self.own_part)
        scale = (sum(listed) + self.others) / sum(listed) if sum(listed) > 0.0 else 0.0
        return [part * scale / whole if whole > 0.0 else 0.0 for part in listed]

    def scaled(self, factors: Sequence[float]) -> InheritedFailure:
        """The root in a world where each source's failure reaches it so many times as often (0: never).

        Its own failure stays; what it showed, and what was observed of the whole, lose or gain in proportion.
        """
        if all(factor == 1.0 for factor in factors):
            return self
        before = self.hazards
        sources = tuple(
            (names, min(1.0, phi * factor), own, part, published)
            for (names, phi, own, part, published), factor in zip(self.sources, factors, strict=True)
        )
        changed = replace(self, sources=sources)
        kept = changed.source_hazard / sum(before) if sum(before) > 0.0 else 1.0
        own = hazard(self.own_part)

        def less(unavailability: float) -> float:
            return -float(np.expm1(-(own + kept * max(0.0, hazard(unavailability) - own))))

        shown = None if self.shown is None else less(self.shown)
        return replace(
            changed,
            others=self.others * kept,
            shown=shown,
            own_of_shown=min(1.0, self.own_part / shown) if shown else 1.0,
            observed=less(self.observed),
        )

    def with_own(self, own_part: float) -> InheritedFailure:
        """The same below a root whose own failure is another."""
        before, after = hazard(self.own_part), hazard(own_part)

        def moved(unavailability: float) -> float:
            return -float(np.expm1(-(after + max(0.0, hazard(unavailability) - before))))

        shown = None if self.shown is None else moved(self.shown)
        return replace(
            self,
            own_part=own_part,
            own_of_shown=min(1.0, own_part / shown) if shown else 1.0,
            shown=shown,
            observed=moved(self.observed),
        )

    def with_more(self, added: float) -> InheritedFailure:
        """The same, reached by so much hazard more from elsewhere."""

        def more(unavailability: float) -> float:
            return -float(np.expm1(-(hazard(unavailability) + added)))

        shown = None if self.shown is None else more(self.shown)
        return replace(
            self,
            others=self.others + added,
            shown=shown,
            own_of_shown=min(1.0, self.own_part / shown) if shown else 1.0,
            observed=more(self.observed),
        )

    @classmethod
    def of(
        cls,
        model: GraphReliability,
        position: int,
        component: int,
        made: BoundSystem,
        answer: ScenarioAnswer,
        *,
        own_part: float,
        inherited: float,
        observed: float,
        shares: Mapping[int, float] | None = None,
    ) -> InheritedFailure:
        """Take from a solved bound what draws need.

        ``shares``: of the root's failures by service, as traced; a source then reaches the root as often as it was
        seen to, not as often as composition says. None: there is no trace.
        """
        names = model.names
        sources = []
        listed = 0.0
        nodes = source_nodes(made, answer, component)
        speak_for = {
            node: [s for member in made.stands_for.get(node, (node,)) for s in model.members[member]]
            for node in nodes
        }
        reach = {node: answer.reach[node] for node in nodes}
        if shares is not None:
            below = 1.0 - shares.get(position, 0.0)
            scale = hazard(inherited) / below if below > 0.0 else 0.0
            reach = _as_traced(reach, made, speak_for, {s: share * scale for s, share in shares.items()})
        for node in nodes:
            phi, own, services = reach[node], made.system.unavailability[node], speak_for[node]
            known = [s for s in services if np.isfinite(model.shown[s])]
            # The one that showed most speaks for a cycle, and for what several names have in common.
            speaker = max(known, key=lambda s: (model.shown[s], -s), default=services[0])
            whole = float(model.shown[speaker]) if known else 0.0
            sources.append(
                (
                    (names[speaker],),
                    phi,
                    own,
                    min(1.0, own / whole) if whole > 0.0 else 1.0,
                    speaker in model.published or speaker in model.seen_by_callers,
                )
            )
            listed += -float(np.log1p(-min(phi * own, 1.0 - 1e-12)))
        shown = float(model.shown[position])
        known_root = bool(np.isfinite(shown))
        return cls(
            root=names[position],
            sources=tuple(sources),
            others=hazard(inherited) - listed,
            own_part=own_part,
            own_of_shown=min(1.0, own_part / shown) if known_root and shown > 0.0 else 1.0,
            shown=shown if known_root else None,
            observed=observed,
            requests=float(model.requests[position]),
        )


def _as_traced(
    reach: Mapping[int, float],
    made: BoundSystem,
    speak_for: Mapping[int, Sequence[int]],
    brought: Mapping[int, float],
) -> dict[int, float]:
    """How often each source reaches the root, so that the sources of a service bring what it was seen to.

    ``brought``: hazard by service.
    """
    composed: dict[int, float] = {}
    for node, services in speak_for.items():
        for service in services:
            part = hazard(reach[node] * made.system.unavailability[node]) / len(services)
            composed[service] = composed.get(service, 0.0) + part
    found: dict[int, float] = {}
    for node, services in speak_for.items():
        own = made.system.unavailability[node]
        part = hazard(reach[node] * own) / len(services)
        seen = sum(part * brought.get(service, 0.0) / composed[service] for service in services)
        found[node] = min(1.0, -float(np.expm1(-seen)) / own)
    return found


def source_nodes(made: BoundSystem, answer: ScenarioAnswer, component: int) -> list[int]:
    """Components whose failure reaches the root, in the order of ``InheritedFailure.sources``."""
    return [
        node
        for node, phi in answer.reach.items()
        if node != component and phi > 0.0 and made.system.unavailability[node] > 0.0
    ]


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
        for row, ((_, phi, *_), value) in enumerate(zip(inherited.sources, self.values, strict=True)):
            if isinstance(value, float):
                steady += -log1p(-min(phi * value, 1.0 - 1e-12))
            elif phi > 0.0:
                total += self._passed_on(row, phi, value)
        # ``others`` is negative where failures overlap in time: that much less in every draw, in proportion.
        before = inherited.source_hazard
        factor = max(0.0, 1.0 + inherited.others / before) if before > 0.0 and inherited.others < 0.0 else 1.0
        return np.asarray((total + steady) * factor + max(0.0, inherited.others))

    def _passed_on(self, row: int, phi: float, value: FloatArray) -> FloatArray:
        """Hazard from one source in each window; kept where it passes on as much as it does, as most do."""
        if phi != self.inherited.sources[row][1]:
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
    used = [source for source in inherited.sources if source[0][0] in predictive_draws or source[4]]
    root = predictive_draws.get(inherited.root)
    if not used and root is None:
        return None
    means = [_mean_of(source, predictive_draws) for source in inherited.sources]
    whole = sum(phi * mean for (_, phi, *_), mean in zip(inherited.sources, means, strict=True))
    values: list[FloatArray | float] = []
    for (names, phi, own, part, published), mean in zip(inherited.sources, means, strict=True):
        draws = predictive_draws.get(names[0])
        if phi * mean < _STEADY * whole or (draws is None and not published):
            values.append(float(mean))
        elif draws is None:
            values.append(own * rng.lognormal(-(_PUBLISHED_SPREAD**2) / 2.0, _PUBLISHED_SPREAD, n))
        else:
            values.append(part * np.asarray(draws, np.float64)[rng.integers(0, len(draws), n)])
    # In their own order where there are as many: drawing them again would only add noise to their quantiles.
    place = None if root is None or len(root) == n else rng.integers(0, len(root), n)
    return DrawnSources(inherited, n, tuple(values), place)


def _no_more_than_its_share(inherited: InheritedFailure, mean: FloatArray, root_mean: FloatArray) -> FloatArray:
    """Factor on the inherited hazard, at most 1: its mean is no larger than its observed share of the root's."""
    floor = max(inherited.shown or 0.0, 0.5 / max(inherited.requests, 1.0))
    share = max(0.0, 1.0 - inherited.own_part / inherited.observed)
    wanted = share * root_mean * max(1.0, inherited.observed / floor)
    return np.where(mean > 0.0, np.minimum(1.0, wanted / np.maximum(mean, 1e-300)), 1.0)


def _mean_of(
    source: tuple[tuple[str, ...], float, float, float, bool], draws: Mapping[str, npt.NDArray[np.float64]]
) -> float:
    names, _, own, part, _ = source
    known = draws.get(names[0])
    return own if known is None or not len(known) else part * float(np.mean(known))
