"""What dependencies allow over a *future* window: draws of the composite's unavailability, like with like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

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
    ) -> InheritedFailure:
        """Take from a solved bound what draws need."""
        names = model.names
        sources = []
        listed = 0.0
        for node, phi in answer.reach.items():
            own = made.system.unavailability[node]
            if node == component or phi <= 0.0 or own <= 0.0:
                continue
            services = [s for member in made.stands_for.get(node, (node,)) for s in model.members[member]]
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
    used = [source for source in inherited.sources if source[0][0] in predictive_draws or source[4]]
    root = predictive_draws.get(inherited.root)
    if not used and root is None:
        return None
    total = np.zeros(n)
    steady = 0.0
    means = [_mean_of(source, predictive_draws) for source in inherited.sources]
    whole = sum(phi * mean for (_, phi, *_), mean in zip(inherited.sources, means, strict=True))
    for (names, phi, own, part, published), mean in zip(inherited.sources, means, strict=True):
        draws = predictive_draws.get(names[0])
        if phi * mean < _STEADY * whole or (draws is None and not published):
            steady += -float(np.log1p(-min(phi * mean, 1.0 - 1e-12)))
            continue
        if draws is None:
            values = own * rng.lognormal(-(_PUBLISHED_SPREAD**2) / 2.0, _PUBLISHED_SPREAD, n)
        else:
            values = part * np.asarray(draws, np.float64)[rng.integers(0, len(draws), n)]
        total -= np.log1p(-np.minimum(phi * values, 1.0 - 1e-12))
    # ``others`` is negative where failures overlap in time: that much less in every draw, in proportion.
    before = _mean_hazard(inherited)
    factor = max(0.0, 1.0 + inherited.others / before) if before > 0.0 and inherited.others < 0.0 else 1.0
    total = (total + steady) * factor + max(0.0, inherited.others)
    if root is None:
        total += hazard(inherited.own_part)
        return np.asarray(-np.expm1(-total))
    if inherited.shown is not None and inherited.observed > 0.0:
        total = total * _no_more_than_its_share(inherited, total, float(np.mean(root)))
    # In their own order where there are as many: drawing them again would only add noise to their quantiles.
    place = np.arange(n) if len(root) == n else rng.integers(0, len(root), n)
    own_values = inherited.own_of_shown * np.asarray(root, np.float64)[place]
    result = -np.expm1(-(total - np.log1p(-np.minimum(own_values, 1.0 - 1e-12))))
    if inherited.shown is not None and inherited.requests > 0.0:
        # Half a failure keeps a clean record from meaning that nothing ever fails.
        floor = max(inherited.shown, 0.5 / max(inherited.requests, 1.0))
        wanted = float(np.mean(root)) * max(1.0, inherited.observed / floor)
        mean = float(result.mean())
        if mean > wanted > 0.0:
            result = result * (wanted / mean)
    return np.asarray(np.clip(result, 0.0, 1.0))


def _no_more_than_its_share(inherited: InheritedFailure, total: FloatArray, root_mean: float) -> float:
    """Factor on the inherited hazard, at most 1: its mean is no larger than its observed share of the root's."""
    floor = max(inherited.shown or 0.0, 0.5 / max(inherited.requests, 1.0))
    share = max(0.0, 1.0 - inherited.own_part / inherited.observed)
    wanted = share * root_mean * max(1.0, inherited.observed / floor)
    mean = float(-np.expm1(-total).mean())
    return min(1.0, wanted / mean) if mean > 0.0 else 1.0


def _mean_hazard(inherited: InheritedFailure) -> float:
    return sum(-float(np.log1p(-min(phi * own, 1.0 - 1e-12))) for _, phi, own, _, _ in inherited.sources)


def _mean_of(
    source: tuple[tuple[str, ...], float, float, float, bool], draws: Mapping[str, npt.NDArray[np.float64]]
) -> float:
    names, _, own, part, _ = source
    known = draws.get(names[0])
    return own if known is None or not len(known) else part * float(np.mean(known))
