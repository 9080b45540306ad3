"""When a histogram's bounds, and not the service, decide a latency target: said, with the bounds to add."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sloengine.domain.recommendation.model import TierName
from sloengine.domain.reliability.figures import figure_text
from sloengine.domain.reliability.panel import FloatArray
from sloengine.domain.reliability.rounding import round_latency_up

COARSE = 1.5
"""A threshold above this many times what would hold is the layout's making."""
_GAP = 1.5 * (1 - 1e-9)
"""Neighbouring bounds closer than this carry any target well enough."""
_APART = 1.1
"""Tiers whose thresholds are the same although what would hold differs by more than this are told together."""


@dataclass(frozen=True, slots=True)
class Rounded:
    """What would hold in a tier, in milliseconds, and the bucket bound that it was raised to."""

    tier: TierName
    raw_ms: float
    threshold_ms: float


@dataclass(frozen=True, slots=True)
class LayoutNote:
    """What the layout of the buckets costs one percentile.

    ``gaps``: neighbouring bounds, in milliseconds, that are too far apart; ``missing``: bounds to add; ``text``:
    the same in words, with what would hold.
    """

    gaps: tuple[tuple[float, float], ...]
    missing: tuple[float, ...]
    text: str


def layout_note(percentile: int, rounded: Sequence[Rounded], bounds_seconds: FloatArray) -> LayoutNote | None:
    """What the layout costs; None where it carries the targets.

    ``percentile``: 95 or 99. ``rounded``: one entry a tier that has a target. The figures between bounds are
    interpolated, for the histogram knows nothing there.
    """
    gaps: list[tuple[float, float]] = []
    missing: list[float] = []
    said: list[str] = []
    for threshold in sorted({one.threshold_ms for one in rounded}):
        lower = _bound_below(threshold, bounds_seconds)
        if threshold < _GAP * lower:
            continue
        # What would hold below the next lower bound is there for another reason: an earlier target stays, say.
        here = [one for one in rounded if one.threshold_ms == threshold and one.raw_ms > lower]
        here.sort(key=lambda one: one.raw_ms)
        coarse = [one for one in here if threshold > COARSE * one.raw_ms]
        shared = len(here) > 1 and here[-1].raw_ms > _APART * here[0].raw_ms
        named = here if shared else coarse
        add = [figure for figure in sorted({round_latency_up(one.raw_ms) for one in named}) if figure < threshold]
        if not add:
            continue
        would = ", ".join(f"{_figure(one.raw_ms)} ms ({one.tier.value.lower()})" for one in named)
        what = (
            f"{len(here)} tiers share {figure_text(threshold, 6)} ms"
            if shared
            else f"{figure_text(threshold, 6)} ms is no tighter"
        )
        gaps.append((lower, threshold))
        missing.extend(add)
        said.append(
            f"{what} because the histogram has no bound between {figure_text(lower, 6)} and "
            f"{figure_text(threshold, 6)} ms; about {would} would hold, read between the bounds; "
            f"add {_listed(add)} to the bucket bounds"
        )
    return LayoutNote(tuple(gaps), tuple(missing), f"p{percentile}: {'; '.join(said)}") if said else None


def layout_sentence(notes: Sequence[LayoutNote]) -> str:
    """All of it for the summary; empty without notes."""
    if not notes:
        return ""
    gaps = sorted({gap for note in notes for gap in note.gaps})
    between = ", nor ".join(
        f"between {figure_text(lower, 6)} and {figure_text(upper, 6)} ms" for lower, upper in gaps
    )
    missing = sorted({figure for note in notes for figure in note.missing})
    return (
        f"The bounds of its histogram, more than the service, decide these thresholds: there is none {between}. "
        f"Add {_listed(missing)} to the bucket bounds to get tighter ones."
    )


def _bound_below(threshold_ms: float, bounds_seconds: FloatArray) -> float:
    below = [float(bound) * 1000.0 for bound in bounds_seconds if bound * 1000.0 < threshold_ms * (1 - 1e-9)]
    return below[-1] if below else 0.0


def _figure(milliseconds: float) -> str:
    return figure_text(milliseconds, 2)


def _listed(milliseconds: Sequence[float]) -> str:
    texts = [f"{figure_text(one, 6)}" for one in milliseconds]
    return f"{' and '.join([', '.join(texts[:-1]), texts[-1]]) if len(texts) > 1 else texts[0]} ms"
