"""How often 95 % intervals cover the truth: of a series' mean, and of a count's ratio.

    python -m bench.interval_trial [COPIES]

Series are autoregressions of lag 1 whose mean is 0 by construction; beside the product's interval stands the one
that forgets the memory, mean ± 1.96 standard deviations / √n. Counts are enumerated, beside them Wald's interval.
"""

from __future__ import annotations

import sys

import numpy as np
import numpy.typing as npt
from scipy import stats
from scipy.signal import lfilter

from sloengine.domain.reliability.intervals import block_bootstrap_mean, clopper_pearson

type Floats = npt.NDArray[np.float64]

SERIES = [(n, memory) for n in (720, 90) for memory in (0.0, 0.3, 0.6, 0.8, 0.9)]
COUNTS = [(n, ratio) for n in (500, 1_000, 2_000, 5_000, 10_000) for ratio in (0.99, 0.995, 0.999, 0.9999)]
WIDENED = 1.1


def series_row(n: int, memory: float, copies: int, rng: np.random.Generator) -> str:
    """Coverage at one length and memory."""
    noise = rng.standard_normal((copies, n + 200))
    many: Floats = lfilter([1.0], [1.0, -memory], noise, axis=1)[:, 200:]
    found = [block_bootstrap_mean(one, rng) for one in many]
    inside = [f.interval.low <= 0 <= f.interval.high for f in found if f.interval is not None]
    widened = np.mean([f.interval is not None and f.widened_by > WIDENED for f in found])
    half = 1.96 * many.std(axis=1) / np.sqrt(n)
    naive = (np.abs(many.mean(axis=1)) <= half).mean()
    refused = 1 - len(inside) / copies
    covered = np.mean(inside) if inside else np.nan
    return f"{n:6d} {memory:8.1f} {covered:9.1%} {refused:9.1%} {widened:9.1%} {naive:14.1%}"


def count_row(n: int, ratio: float) -> str:
    """Exact coverage at one number of requests and true ratio."""
    chance = stats.binom.pmf(np.arange(n + 1), n, 1 - ratio)
    exact = wald = 0.0
    for failures in np.flatnonzero(chance > 1e-13).tolist():
        interval = clopper_pearson(n - failures, n)
        seen = 1 - failures / n
        half = 1.96 * np.sqrt(seen * (1 - seen) / n)
        exact += chance[failures] * (interval.low <= ratio <= interval.high)
        wald += chance[failures] * (abs(seen - ratio) <= half)
    return f"{n:6d} {ratio:8.4f} {exact:9.1%} {wald:9.1%}"


def main() -> None:
    """Print both tables."""
    copies = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000
    rng = np.random.default_rng(1)
    print(f"mean of a series, {copies} each")
    print(f"{'n':>6} {'lag-1':>8} {'covered':>9} {'refused':>9} {'widened':>9} {'memory ignored':>14}")
    for n, memory in SERIES:
        print(series_row(n, memory, copies, rng), flush=True)
    print("\nratio of a count, enumerated")
    print(f"{'n':>6} {'ratio':>8} {'covered':>9} {'Wald':>9}")
    for n, ratio in COUNTS:
        print(count_row(n, ratio))


if __name__ == "__main__":
    main()
