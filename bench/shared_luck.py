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

from bench.calibration_organizations import ZONES, World, draw, sizes
from bench.calibration_trial import DAY, START, panel_of
from sloengine.application.accuracy.past import Past
from sloengine.application.accuracy.rolling_backtests import Plan, levels_at
from sloengine.domain.accuracy.independent import usual_correlation
from sloengine.domain.accuracy.points import share_met
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.reliability.window import ComplianceWindow
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.topology.service import Service

SERVICES, WINDOWS, LEVELS = 25, 8, (0.8, 0.9, 0.95, 0.98)
HORIZON, DRAWN = 28, 4_000


def shared_truth(seed: int, *, services: int = SERVICES, windows: int = DRAWN) -> npt.NDArray[np.float64]:
    """Correlation of "met at this level" of two services in the same window, shape (levels,).

    Windows of one organisation, each service with its own outages and its zone with those that all feel, seven in
    ten of them; met: no worse than the quantile of the service's own windows.
    """
    rng = np.random.default_rng([seed, 5])
    org = draw(rng, 200, World(services))
    own = rng.poisson(org.rate[:, None] * HORIZON, (services, windows))
    cell = np.repeat(np.arange(own.size), own.ravel())
    down = np.bincount(cell, weights=sizes(rng, len(cell)), minlength=own.size).reshape(own.shape)
    down *= org.severity[:, None]
    for zone in range(ZONES):
        at = np.repeat(np.arange(windows), rng.poisson(HORIZON / org.world.zone_every_days, windows))
        size = sizes(rng, len(at))
        for row in np.flatnonzero(org.zone == zone):
            hit = rng.random(len(at)) < 0.7
            down[row] += np.bincount(at[hit], weights=size[hit], minlength=windows)
    base = org.base[:, None] * np.exp(0.13 * rng.standard_normal(down.shape))
    mean = np.minimum(1.0, base + down / HORIZON) * org.traffic[:, None] * HORIZON
    failed = rng.poisson(mean) + rng.random(mean.shape)
    found = []
    for level in LEVELS:
        met = failed <= np.quantile(failed, level, axis=1, keepdims=True)
        left = met - met.mean()
        found.append(same_window(left[:, :, None]))
    return np.array(found)


def same_window(left: npt.NDArray[np.float64]) -> float:
    """Correlation of two services in one window, from residuals of shape (services, windows, ...)."""
    squares = float((left**2).sum())
    return (float((left.sum(axis=0) ** 2).sum()) - squares) / squares / (len(left) - 1)


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
    truth = np.array([shared_truth(seed) for seed in range(asked.organizations)]).mean(axis=0)
    again = np.random.default_rng(1).integers(0, len(every), (2_000, len(every)))
    for row, level in enumerate(LEVELS):
        met = every[:, row]
        left = np.nan_to_num(met - np.nanmean(met))
        squares = (left**2).sum(axis=(1, 2))
        window = (left.sum(axis=1) ** 2).sum(axis=1) - squares
        service = (left.sum(axis=2) ** 2).sum(axis=1) - squares
        other = left.sum(axis=(1, 2)) ** 2 - window - service - squares
        drawn = window[again].sum(axis=1) / squares[again].sum(axis=1) / (SERVICES - 1)
        low, high = np.quantile(drawn, [0.025, 0.975])
        of_window = window.sum() / squares.sum() / (SERVICES - 1)
        of_service = service.sum() / squares.sum() / (WINDOWS - 1)
        of_other = other.sum() / squares.sum() / (SERVICES - 1) / (WINDOWS - 1)
        print(
            f"{level:.2f}: met {np.nanmean(met):.4f}, same window {of_window:+.3f} [{low:+.3f}, {high:+.3f}], "
            f"same service {of_service:+.3f}, neither {of_other:+.3f}; shipped {usual_correlation(level):.3f}, "
            f"truth {truth[row]:.3f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
