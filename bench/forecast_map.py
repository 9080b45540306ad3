"""Learn the probability map that forecasts of budgets start with, on simulated organisations: the recipe.

    python -m bench.forecast_map [--organizations 20] [--rows FILE] [--dry]

Every second organisation is as the shipped prior expects it, the others are not (rates, sizes, zone incidents, as
in ``bench.shipped_map``). Seeds from 20,000 on: ``bench.forecast_trial`` judges on others. What was told is what
the levels learnt so far said. Each organisation counts as one cluster. Prints what an organisation's own outcomes
add at several strengths of shrinkage, learnt on its older half and judged on the newer; writes the module.
``--rows``: keeps what was drawn, and takes it from there if it exists.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from bench.accuracy import OFF_WORLDS
from bench.calibration_organizations import World
from bench.forecast_trial import BURN_IN, TESTED, UNMAPPED, tried
from sloengine.domain.forecast.probability_map import ProbabilityMap, fitted
from sloengine.domain.reliability.panel import FloatArray
from sloengine.domain.reliability.window import ComplianceWindow

FIRST_SEED = 20_000
WEIGHTS = (5.0, 10.0, 20.0, 40.0, 80.0, 160.0)
MODULE = Path("sloengine/domain/forecast/shipped_probability.py")
_TEXT = '''"""The probability map that an organisation starts with; written by ``python -m bench.forecast_map``.

Learnt from {forecasts:,} finished forecasts of {organizations} simulated organisations.
"""

from __future__ import annotations

RATIO = {ratio:.3f}
'''


def drawn(organizations: int) -> FloatArray:
    """Organisation, origin, told, came; shape (n_forecasts, 4)."""
    found = []
    for number in range(organizations):
        world = OFF_WORLDS[number // 2 % len(OFF_WORLDS)] if number % 2 else World()
        rows = tried(FIRST_SEED + number, world, ComplianceWindow.ROLLING_28D)
        found += [(row.organization, row.origin, row.probability[UNMAPPED], row.exhausted) for row in rows]
        print(f"{number + 1} of {organizations}", end="\r", flush=True)
    return np.array(found, dtype=np.float64)


def log_loss(told: FloatArray, came: FloatArray) -> float:
    """Mean negative log-likelihood, probabilities kept off 0 and 1."""
    safe = np.clip(told, 1e-3, 1 - 1e-3)
    return float(-np.where(came > 0, np.log(safe), np.log1p(-safe)).mean())


def own_learning(rows: FloatArray, start: ProbabilityMap) -> None:
    """Print what an organisation's own older origins do for its newer ones."""
    organization, origin, told, came = rows.T
    newer = origin >= BURN_IN + TESTED // 2
    print(f"  as told {log_loss(told[newer], came[newer]):.5f}")
    print(f"  shipped ratio {log_loss(start.of(told[newer]), came[newer]):.5f}")
    for weight in WEIGHTS:
        mapped = start.of(told)
        for one in np.unique(organization):
            own = organization == one
            old = own & ~newer
            learnt = fitted(told[old], came[old], origin[old], start, prior_weight=weight)
            mapped[own] = learnt.of(told[own])
        score = log_loss(mapped[newer], came[newer])
        print(f"  own outcomes, the shipped ratio worth {weight:g} exhaustions: {score:.5f}")


def main(arguments: list[str] | None = None) -> int:
    """Draw or load, learn, write the module."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.forecast_map",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--organizations", type=int, default=20)
    parser.add_argument("--rows", type=Path)
    parser.add_argument("--dry", action="store_true", help="print the map, write nothing")
    asked = parser.parse_args(arguments)
    if asked.rows is not None and asked.rows.exists():
        rows = np.array(json.loads(asked.rows.read_text()))
    else:
        rows = drawn(asked.organizations)
        if asked.rows is not None:
            asked.rows.write_text(json.dumps(rows.tolist()))
    found = fitted(rows[:, 2], rows[:, 3], rows[:, 0], ProbabilityMap(), prior_weight=0.0)
    print(f"told {rows[:, 2].mean():.4f}, came {rows[:, 3].mean():.4f}; {found}")
    print("log loss on the newer half of each organisation's origins:")
    own_learning(rows, ProbabilityMap(found.ratio))
    if not asked.dry:
        MODULE.write_text(
            _TEXT.format(
                forecasts=len(rows),
                organizations=len(np.unique(rows[:, 0])),
                ratio=found.ratio,
            )
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
