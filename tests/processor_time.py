"""How much work something is, whatever else the machine does meanwhile."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable


def processor_seconds[Result](
    work: Callable[[], Result], enough: float, attempts: int = 3
) -> tuple[float, Result]:
    """The least processor time of a few attempts, and what the last one gave; the first that takes no more than
    ``enough`` is the last.

    Time that other processes had does not count, nor does the collection of what earlier tests left behind. What
    is left varies with what shares the processor's caches, hence the attempts: work of another order of magnitude
    is too long in each of them.
    """
    least = float("inf")
    for _ in range(attempts):
        gc.collect()
        gc.disable()
        try:
            begun = time.process_time()
            result = work()
            least = min(least, time.process_time() - begun)
        finally:
            gc.enable()
        if least <= enough:
            break
    return least, result
