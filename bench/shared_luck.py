"""How much do services of an organisation share? Counted on simulated organisations, beside the shipped figure.

    python -m bench.shared_luck [--organizations 20]

Organisations of 25 services with outages of zones (``calibration_organizations``), looked back on as the product
does, in eight windows of 28 days that do not overlap. Printed: correlation of "met at this level" of two services
in the same window, of one service in two windows, of two in two windows; and what is shipped for the first
two. Some 10 s of CPU an organisation.
"""

from __future__ import annotations

import argparse

import numpy as np
import numpy.typing as npt

from bench.calibration_organizations import World, draw
from bench.calibration_trial import DAY, START, panel_of
from sloengine.application.accuracy.past import Past
from sloengine.application.accuracy.rolling_backtests import Plan, levels_at
from sloengine.domain.accuracy.independent import USUAL_LATENT, binary_correlation
from sloengine.domain.accuracy.points import share_met
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.reliability.window import ComplianceWindow
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.topology.service import Service

SERVICES, WINDOWS, LEVELS = 25, 8, (0.8, 0.9, 0.95, 0.98)


def met_of(seed: int) -> npt.NDArray[np.float64]:
    """Whether each service met each level in each window, shape (levels, services, windows)."""
    org = draw(np.random.default_rng([seed, 77]), 90 + 28 * WINDOWS, World(SERVICES))
    panel = panel_of(org)
    past = Past(DependencyGraph(tuple(Service(name) for name in panel.service_ids), ()), panel, {})
    plan = Plan(
        train_days=90,
        prior_days=365,
        window=ComplianceWindow.ROLLING_28D,
        every_days=28,
        settings=EngineSettings(n_draws=512),
        least_days=30,
    )
    met = np.full((len(LEVELS), SERVICES, WINDOWS), np.nan)
    for position in range(WINDOWS):
        found = levels_at(past, plan, START + DAY * (90 + 28 * position))
        rows = [panel.rows[level.service_id] for level in found]
        for row, asked in enumerate(LEVELS):
            met[row, rows, position] = share_met(found, asked)
    return met


def main() -> None:
    """Draw, look back, count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--organizations", type=int, default=20)
    asked = parser.parse_args()
    every = np.array([met_of(seed) for seed in range(asked.organizations)])
    for row, level in enumerate(LEVELS):
        met = every[:, row]
        left = np.nan_to_num(met - np.nanmean(met))
        squares = (left**2).sum()
        window = (left.sum(axis=1) ** 2).sum() - squares
        service = (left.sum(axis=2) ** 2).sum() - squares
        other = (left.sum(axis=(1, 2)) ** 2).sum() - window - service - squares
        of_window = window / squares / (SERVICES - 1)
        of_service = service / squares / (WINDOWS - 1)
        of_other = other / squares / (SERVICES - 1) / (WINDOWS - 1)
        shipped = binary_correlation(level, USUAL_LATENT)
        print(
            f"{level:.2f}: met {np.nanmean(met):.4f}, same window {of_window:+.3f}, "
            f"same service {of_service:+.3f}, neither {of_other:+.3f}; shipped {shipped:.3f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
