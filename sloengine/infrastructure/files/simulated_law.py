"""The part of ``truth.json`` that takes many playings: how windows to come are distributed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sloengine.domain.simulation.blocks import FloatArray
from sloengine.domain.simulation.habits import Stretch
from sloengine.domain.simulation.law import (
    LEVELS,
    PROMISES,
    carried,
    fewest_playings,
    highest_held,
    known,
    lowest_held,
    quantiles,
)
from sloengine.domain.simulation.organisation import Organisation
from sloengine.domain.simulation.windows import (
    WINDOW_PERCENTILES,
    Windows,
    other_courses,
    other_futures,
    played_windows,
)

COURSES, FUTURES = "otherCourses", "futures"


@dataclass(frozen=True)
class Playing:
    """``count``: courses of events, and as many futures. ``deployments``: whether futures have new ones.

    ``why_none``: what is said where the count is 0.
    """

    count: int
    deployments: bool = True
    why_none: str = "not asked for"


def play_laws(
    organisation: Organisation,
    stretch: Stretch,
    days: Sequence[int],
    latency_days: int,
    playing: Playing,
    progress: Callable[[float], None],
) -> dict[str, Windows]:
    """The windows after the stretch, played on so often in each of the two ways; empty where nothing is played."""
    if not playing.count:
        return {}
    done = 0

    def after_each() -> None:
        nonlocal done
        done += 1
        progress(done / (2 * playing.count))

    ways = {
        COURSES: other_courses(organisation, playing.count),
        FUTURES: other_futures(organisation, stretch, playing.count, deployments=playing.deployments),
    }
    return {
        name: played_windows(courses, stretch.to_hour, days, latency_days, after_each)
        for name, courses in ways.items()
    }


def law_about(playing: Playing) -> dict[str, Any]:
    """How much so many playings tell, the same for all services that are asked something in each of them."""
    if not playing.count:
        return {"playings": 0, "reason": playing.why_none}
    return {
        "playings": playing.count,
        "deploymentsInFutures": playing.deployments,
        "rounding": None,
        "promises": [_promise(tier, probability, playing.count) for tier, probability in PROMISES.items()],
    }


def availability_law(laws: dict[str, Windows], days: int, place: int) -> dict[str, Any] | None:
    """Of one service's window; None where nothing was played."""
    return {
        name: _law(law.availability_ratio[days][place], highest_held, "availabilityRatio")
        for name, law in laws.items()
    } or None


def latency_law(laws: dict[str, Windows], place: int) -> dict[str, Any] | None:
    """Of one service's percentiles in the window of latency; None where nothing was played."""
    return {
        name: {
            f"p{share:.0%}".rstrip("%"): _law(law.latency_seconds[place, column], lowest_held, "latencySeconds")
            for column, share in enumerate(WINDOW_PERCENTILES)
        }
        for name, law in laws.items()
        if law.latency_seconds is not None
    } or None


def _promise(tier: str, probability: float, playings: int) -> dict[str, Any]:
    place = carried(playings, probability)
    shape: dict[str, Any] = {"tier": tier, "probability": probability}
    if place is None:
        return {**shape, "holdRatio": None, "reason": _too_few(probability)}
    return {**shape, "holdRatio": place.hold_ratio, "holdRatioInterval": {"low": place.low, "high": place.high}}


def _law(draws: FloatArray, held: Callable[[FloatArray, float], float | None], name: str) -> dict[str, Any]:
    """``playings``: those in which the service was asked anything."""
    return {
        "playings": len(known(draws)),
        "quantiles": [
            {"level": level, name: value} for level, value in zip(LEVELS, quantiles(draws), strict=True)
        ],
        "oracle": [
            {
                "tier": tier,
                "probability": probability,
                name: target,
                **({"reason": _too_few(probability)} if target is None else {}),
            }
            for tier, probability in PROMISES.items()
            for target in [held(draws, probability)]
        ],
    }


def _too_few(probability: float) -> str:
    return f"takes {fewest_playings(probability)} playings with requests, see --truth-futures"
