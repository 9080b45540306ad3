"""What should the latency maps go by, how often a service gets slow, and how long? Choices, looked at on others.

    python -m bench.latency_map_choice DIR        DIR: what ``python -m bench.shipped_map --save DIR`` drew

The organisations that the shipped maps are learnt on fall into eight parts; a map is learnt on seven of them and
looked at on the eighth. Printed is the share of windows that held at the level asked for, less the tier's
probability, in points, before thresholds are raised to a bucket's bound: in usual worlds, and in each other kind.
In usual worlds also in the fifth of services of which the fewest, and the most, spells of usual length are
expected. No organisation that the maps are judged on is looked at.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.optimize import isotonic_regression

from bench.latency_organizations import OFF_WORLDS
from bench.latency_trial import KINDS
from bench.shipped_latency_map import (
    HISTORIES,
    LEVELS,
    SPELLS_PER_DAY,
    WINDOWS,
    Drawn,
    apart,
    attained_of,
    certain_share,
    drawn_shares,
    spell_weights,
    worlds,
)
from sloengine.domain.recommendation.model import ObjectiveKind

type Floats = npt.NDArray[np.float64]
type Labels = npt.NDArray[np.int64]

ASKED = (0.98, 0.92, 0.80)
RATES = (0.02, 0.04, 0.08)
FIFTHS = (0.2, 0.8)
_FOLDS = 8


@dataclass(frozen=True)
class Way:
    """A choice: maps at these spells a day, learnt from shares, spells a day and the world of each organisation.

    ``lengths``: spells are counted in those of usual length.
    """

    knots: tuple[float, ...]
    learn: Callable[[Floats, Floats, Labels, ObjectiveKind], Floats]
    lengths: bool

    def spells(self, drawn: Drawn) -> Floats:
        """What the maps go by."""
        return drawn.spells if self.lengths else drawn.rates


def one_for_all(shares: Floats, spells: Floats, kinds: Labels, percentile: ObjectiveKind) -> Floats:
    """The same map however often."""
    return apart(certain_share(shares, np.ones_like(spells))[None])


def by_class(shares: Floats, spells: Floats, kinds: Labels, percentile: ObjectiveKind) -> Floats:
    """Counted for each of ``RATES``, more spells never tighter: isotonic regression over them."""
    weights = spell_weights(spells, RATES)
    certain, sizes = np.array([certain_share(shares, one) for one in weights]), weights.sum(axis=(1, 2))
    return apart(np.array([isotonic_regression(row, weights=sizes, increasing=False).x for row in certain.T]).T)


WAYS: Mapping[str, Way] = {
    "one for all": Way(RATES[1:2], one_for_all, False),
    "by how often, counted": Way(RATES, by_class, False),
    "by how often, tilted": Way(SPELLS_PER_DAY, attained_of, False),
    "by how often and how long, counted": Way(RATES, by_class, True),
    "by how often and how long, tilted (as shipped)": Way(SPELLS_PER_DAY, attained_of, True),
}


def held(
    shares: Floats, spells: Floats, kinds: Labels, folds: Labels, way: Way, percentile: ObjectiveKind = KINDS[0]
) -> Floats:
    """Share of windows that held at the level asked for, shape (organisations, services, tiers).

    ``kinds`` and ``folds``: world and part of each organisation, shape (organisations,).
    """
    found = np.full((*spells.shape, len(ASKED)), np.nan)
    knots = np.array([0.0, *LEVELS, 1.0])
    for fold in np.unique(folds):
        mine = folds == fold
        table = way.learn(shares[~mine], spells[~mine], kinds[~mine], percentile)
        maps = np.tensordot(spell_weights(spells[mine], way.knots), table, axes=(0, 0))
        for row, (attained, seen) in zip(np.flatnonzero(mine), zip(maps, shares[mine], strict=True), strict=True):
            levels = [np.interp(ASKED, [0.0, *one, 1.0], knots) for one in attained]
            found[row] = [
                np.interp(level, knots, [0.0, *one, 1.0]) for level, one in zip(levels, seen, strict=True)
            ]
    return found


def main() -> None:
    """Print every choice for each history, window and percentile."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="DIR")
    folder: Path = parser.parse_args().folder
    kinds = worlds()
    # Organisations of a world have numbers eight apart: parts by the number of eights have as many of each world.
    folds = (np.arange(len(kinds)) // len(OFF_WORLDS)) % _FOLDS
    for days in HISTORIES:
        drawn = drawn_shares(folder, days, draw=False, workers=1)
        for w, window in enumerate(WINDOWS):
            for k, kind in enumerate(KINDS):
                print(f"{days} days of history, windows of {window}, {kind[-3:].lower()}", flush=True)
                for name, way in WAYS.items():
                    came = held(drawn.shares[:, :, w, k], way.spells(drawn), kinds, folds, way, kind)
                    less = 100 * (came - np.array(ASKED))
                    usual, spells = less[kinds == -1], drawn.spells[kinds == -1]
                    few, many = np.quantile(spells, FIFTHS)
                    said = [
                        f"usual {_text(usual)} (fifth of services with the fewest spells believed in "
                        f"{_text(usual[spells < few])}, with the most {_text(usual[spells > many])})"
                    ]
                    said += [f"{one.text()} {_text(less[kinds == i])}" for i, one in enumerate(OFF_WORLDS)]
                    print(f"  {name}: {'; '.join(said)}", flush=True)


def _text(less: Floats) -> str:
    return " / ".join(f"{value:+.1f}" for value in less.reshape(-1, len(ASKED)).mean(axis=0))


if __name__ == "__main__":
    main()
