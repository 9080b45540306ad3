"""When a histogram's bounds, and not the service, decide a latency target: said, with the bounds to add."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sloengine.domain.recommendation.model import TierName
from sloengine.domain.reliability.panel import FloatArray
from sloengine.domain.reliability.rounding import round_latency_up

COARSE = 1.5
"""A threshold above this many times what would hold is the layout's making."""
_APART = 1.1
"""Tiers whose thresholds are the same although what would hold differs by more than this are told together."""


@dataclass(frozen=True, slots=True)
class Rounded:
    """What would hold in a tier, in milliseconds, and the bucket bound that it was raised to."""

    tier: TierName
    raw_ms: float
    threshold_ms: float


def layout_note(percentile: int, rounded: Sequence[Rounded], bounds_seconds: FloatArray) -> str | None:
    """One sentence on what the layout of the buckets costs, None where it carries the targets.

    ``percentile``: 95 or 99. ``rounded``: one entry a tier that has a target. The figures between bounds are
    interpolated, for the histogram knows nothing there.
    """
    said: list[str] = []
    for threshold in sorted({one.threshold_ms for one in rounded}):
        here = sorted((one for one in rounded if one.threshold_ms == threshold), key=lambda one: one.raw_ms)
        coarse = [one for one in here if threshold > COARSE * one.raw_ms]
        shared = len(here) > 1 and here[-1].raw_ms > _APART * here[0].raw_ms
        if not coarse and not shared:
            continue
        named = here if shared else coarse
        would = ", ".join(f"{_figure(one.raw_ms)} ms ({one.tier.value.lower()})" for one in named)
        missing = [
            figure for figure in sorted({round_latency_up(one.raw_ms) for one in named}) if figure < threshold
        ]
        if not missing:
            continue
        lower = _bound_below(threshold, bounds_seconds)
        what = f"{len(here)} tiers share {threshold:,.6g} ms" if shared else f"{threshold:,.6g} ms is that wide"
        said.append(
            f"{what} because the histogram has no bound between {lower:,.6g} and {threshold:,.6g} ms; about "
            f"{would} would hold, read between the bounds; add {_listed(missing)} to the bucket bounds"
        )
    return f"p{percentile}: {'; '.join(said)}" if said else None


def _bound_below(threshold_ms: float, bounds_seconds: FloatArray) -> float:
    below = [float(bound) * 1000.0 for bound in bounds_seconds if bound * 1000.0 < threshold_ms * (1 - 1e-9)]
    return below[-1] if below else 0.0


def _figure(milliseconds: float) -> str:
    return f"{float(f'{milliseconds:.2g}'):,.6g}"


def _listed(milliseconds: Sequence[float]) -> str:
    texts = [f"{one:,.6g}" for one in milliseconds]
    return f"{' and '.join([', '.join(texts[:-1]), texts[-1]]) if len(texts) > 1 else texts[0]} ms"
