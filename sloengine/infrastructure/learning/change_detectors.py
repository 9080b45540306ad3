"""river's detectors, tuned for scores that are standard normal while nothing changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from sloengine.domain.drift.model import Detector

if TYPE_CHECKING:
    from river.base import DriftDetector

PAGE_HINKLEY_DELTA, PAGE_HINKLEY_THRESHOLD = 0.5, 12.0
"""Half the shift it is to find best, and how far sums may stray, in standard deviations. river's own (0.005, 50)
are for values of another size."""
ADWIN_DELTA = 0.002


class RiverChangeDetectors:
    """Keeps the ``ChangeDetectors`` port."""

    def __call__(self, detector: Detector, scores: Sequence[float]) -> Sequence[int]:
        """Positions at which the detector finds a change. Raises ``ValueError`` for one that is not river's."""
        watching = _fresh(detector)
        found = []
        for position, score in enumerate(scores):
            watching.update(score)
            if watching.drift_detected:
                found.append(position)
        return found


def _fresh(detector: Detector) -> DriftDetector:
    # Imported here, because river takes a second to load and only drift passes need it.
    from river.drift import ADWIN, PageHinkley  # noqa: PLC0415

    adwin: Callable[..., DriftDetector] = ADWIN
    match detector:
        case Detector.PAGE_HINKLEY:
            return PageHinkley(delta=PAGE_HINKLEY_DELTA, threshold=PAGE_HINKLEY_THRESHOLD)
        case Detector.ADWIN:
            # clock 1: looks after every value; by default it would look at every 32nd only.
            return adwin(delta=ADWIN_DELTA, clock=1, min_window_length=1)
        case _:
            raise ValueError(f"{detector} is not one of river's")
