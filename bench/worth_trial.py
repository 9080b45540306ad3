"""How many independent windows are an organisation's own ones worth? A trial where the truth is known.

    python -m bench.worth_trial [--organizations 400]

Levels of outcomes are uniform by themselves, so that the model is right and nothing is to be learnt; what services
have in common is an outage now and then that takes so many of them past the top levels at once, which is not the
law that the usual dependence is read from. Truth: p (1 - p) over the variance of the share met, over many
organisations. Printed: middle of what is found, how often it is more than twice the truth, and how far an own map
learnt on it, mixed into an identity, is off at what 92 % asks for; in brackets the same by scatter alone.
"""

from __future__ import annotations

import argparse
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

from sloengine.domain.accuracy.clustered import clustered_mean
from sloengine.domain.accuracy.independent import worth
from sloengine.domain.accuracy.judged import Level
from sloengine.domain.accuracy.points import groupings_of, share_met
from sloengine.domain.recommendation.calibration_fit import fit_beta
from sloengine.domain.recommendation.model import ObjectiveKind

START = datetime(2026, 1, 5, tzinfo=UTC)
WINDOW = timedelta(days=28)
ASKED = (0.8, 0.9)
WORLDS = {"none": (0.0, 0.0), "usual": (0.25, 0.16), "strong": (0.15, 0.6)}
"""By how much services share: chance of an outage in a window, and the share of services that it strikes."""


def organisation(
    rng: np.random.Generator, services: int, windows: int, chance: float, struck: float
) -> npt.NDArray[np.float64]:
    """Levels of outcomes, each uniform in [0, 1], shape (windows, services)."""
    tail = chance * struck
    outage = rng.random(windows) < chance
    hit = outage[:, None] & (rng.random((windows, services)) < struck)
    within = rng.random((windows, services))
    return np.where(hit, 1.0 - tail * within, (1.0 - tail) * within)


def levels_of(values: npt.NDArray[np.float64]) -> list[Level]:
    """Windows that follow each other, of all services at once."""
    return [
        Level(f"s{service}", ObjectiveKind.AVAILABILITY, at, at + WINDOW, value, value, 90.0)
        for position, row in enumerate(values.tolist())
        for at in (START + WINDOW * position,)
        for service, value in enumerate(row)
    ]


def found(levels: list[Level]) -> tuple[float, float]:
    """What the windows are found to be worth, and what scatter alone would make of them."""
    groupings = groupings_of(levels)
    shares = {asked: share_met(levels, asked) for asked in ASKED}
    now = min(worth(share, levels, asked, groupings) for asked, share in shares.items())
    return now, min(clustered_mean(share, groupings).effective for share in shares.values())


def off_by(values: npt.NDArray[np.float64], windows: float) -> float:
    """How far from 0.92 targets hold that are asked for at 0.92 by an identity that gives way to an own map."""
    flat = values.ravel()
    own = fit_beta(flat, flat, windows, "own")
    weight = windows / (windows + 100.0)
    mixed = (1 - weight) * np.linspace(0, 1, 2001) + weight * np.array(
        [own.probability_of(level) for level in np.linspace(0, 1, 2001)]
    )
    return float(np.interp(0.92, mixed, np.linspace(0, 1, 2001)) - 0.92)


def main() -> None:
    """Draw, count, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--organizations", type=int, default=400)
    asked = parser.parse_args()
    print("services x windows, shared | truth at 0.8, 0.9 | found | over twice the truth | map off, points (rms)")
    for services, windows in ((500, 4), (100, 4), (40, 13), (10, 13)):
        for name, (chance, struck) in WORLDS.items():
            rng = np.random.default_rng([services, windows, len(name)])
            drawn = [organisation(rng, services, windows, chance, struck) for _ in range(asked.organizations)]
            truth = [p * (1 - p) / np.var([(values <= p).mean() for values in drawn]) for p in ASKED]
            both = np.array([found(levels_of(values)) for values in drawn])
            off = np.array([[off_by(v, n) for n in pair] for v, pair in zip(drawn, both, strict=True)])
            over = (both > 2 * min(truth)).mean(axis=0)
            now, before = np.median(both, axis=0)
            rms = 100 * np.sqrt((off**2).mean(axis=0))
            cells = (
                f"{services:4} x {windows:2} {name:7}",
                f"{truth[0]:6.0f} {truth[1]:6.0f}",
                f"{now:5.0f} ({before:.0f})",
                f"{over[0]:.1%} ({over[1]:.1%})",
                f"{rms[0]:.2f} ({rms[1]:.2f})",
            )
            print(" | ".join(cells), flush=True)


if __name__ == "__main__":
    main()
