"""Should the latency maps go by how often a service gets slow? Choices, each learnt on some and seen on others.

    python -m bench.latency_map_choice DIR        DIR: what ``python -m bench.shipped_map --save DIR`` drew

The organisations that the shipped maps are learnt on fall into eight parts; a map is learnt on seven of them and
looked at on the eighth. Printed is the share of windows that held at the level asked for, less the tier's
probability, in points, before thresholds are raised to a bucket's bound: in usual worlds, and in each other kind.
No organisation that the maps are judged on is looked at.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench.latency_organizations import OFF_WORLDS
from bench.latency_trial import KINDS
from bench.shipped_latency_map import (
    HISTORIES,
    LEVELS,
    SPELLS_PER_DAY,
    WINDOWS,
    apart,
    attained_of,
    certain_share,
    drawn_shares,
    organizations,
    rate_weights,
)

type Floats = npt.NDArray[np.float64]

ASKED = (0.98, 0.92, 0.80)
_FOLDS = 8


def one_for_all(shares: Floats, rates: Floats) -> Floats:
    """The same map whatever the rate."""
    return apart(np.repeat(certain_share(shares, np.ones_like(rates))[None], len(SPELLS_PER_DAY), axis=0))


def as_counted(shares: Floats, rates: Floats) -> Floats:
    """By rate, also where more frequent spells would make it tighter."""
    return apart(np.array([certain_share(shares, weight) for weight in rate_weights(rates)]))


WAYS: Mapping[str, Callable[[Floats, Floats], Floats]] = {
    "one for all rates": one_for_all,
    "by rate, as counted": as_counted,
    "by rate, as shipped": attained_of,
}


def held(shares: Floats, rates: Floats, folds: npt.NDArray[np.int64], way: Callable[..., Floats]) -> Floats:
    """Share of each organisation's windows that held at the level asked for, shape (organisations, tiers).

    ``folds``: part of each organisation, shape (organisations,).
    """
    found = np.full((len(rates), len(ASKED)), np.nan)
    knots = np.array([0.0, *LEVELS, 1.0])
    for fold in np.unique(folds):
        mine = folds == fold
        table = way(shares[~mine], rates[~mine])
        maps = np.tensordot(rate_weights(rates[mine]), table, axes=(0, 0))
        for row, (attained, seen) in zip(np.flatnonzero(mine), zip(maps, shares[mine], strict=True), strict=True):
            levels = [np.interp(ASKED, [0.0, *one, 1.0], knots) for one in attained]
            came = [np.interp(level, knots, [0.0, *one, 1.0]) for level, one in zip(levels, seen, strict=True)]
            found[row] = np.mean(came, axis=0)
    return found


def main() -> None:
    """Print every choice for each history, window and percentile."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="DIR")
    folder: Path = parser.parse_args().folder
    worlds = np.array([world for _, world in organizations()])
    # Organisations of a world have numbers eight apart: parts by the number of eights have as many of each world.
    folds = (np.arange(len(worlds)) // len(OFF_WORLDS)) % _FOLDS
    for days in HISTORIES:
        shares, rates = drawn_shares(folder, days, draw=False, workers=1)
        for w, window in enumerate(WINDOWS):
            for k, kind in enumerate(KINDS):
                print(f"{days} days of history, windows of {window}, {kind[-3:].lower()}", flush=True)
                for name, way in WAYS.items():
                    less = 100 * (held(shares[:, :, w, k], rates, folds, way) - np.array(ASKED))
                    said = [f"usual {_text(less[worlds == -1])}"]
                    said += [f"{one.text()} {_text(less[worlds == i])}" for i, one in enumerate(OFF_WORLDS)]
                    print(f"  {name}: {'; '.join(said)}", flush=True)


def _text(less: Floats) -> str:
    return " / ".join(f"{value:+.1f}" for value in less.mean(axis=0))


if __name__ == "__main__":
    main()
