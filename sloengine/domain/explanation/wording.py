"""Numbers of explanations in words: each is a fact of the explanation, rounded for reading, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

from sloengine.domain.recommendation.model import Attribution, Counterfactual, Explanation
from sloengine.domain.reliability.figures import figure_text

PERCENT, MILLISECONDS = "percent", "ms"
_LEAST_SHARE = 0.01
"""Contributions below this part of the largest are not worth a word."""
_MOST_NAMED = 4
_MOST_CHANGES = 2
_NOTHING = 1e-9


def availability_text(percent: float) -> str:
    """An availability whose unavailability has three digits.

    >>> availability_text(99.95), availability_text(99.9962345), availability_text(100.0)
    ('99.95 %', '99.99623 %', '100 %')
    """
    short = float(f"{100.0 - percent:.3g}")
    return f"{100.0 - short:.10g} %"


def value_text(value: float, unit: str) -> str:
    """An estimate, such as a reference; a latency has four digits.

    >>> value_text(3116.2, "ms"), value_text(99.95, "percent")
    ('3,116 ms', '99.95 %')
    """
    return availability_text(value) if unit == PERCENT else f"{figure_text(value)} ms"


def target_text(value: float, unit: str) -> str:
    """A target: a latency's is a bound of its histogram and printed as such, everywhere.

    >>> target_text(16_384.0, "ms"), target_text(65.536, "ms"), target_text(99.95, "percent")
    ('16,384 ms', '65.536 ms', '99.95 %')
    """
    return availability_text(value) if unit == PERCENT else f"{figure_text(value, 6)} ms"


def signed_text(value: float, unit: str) -> str:
    """A contribution, with its sign.

    >>> signed_text(-0.012345, "percent"), signed_text(12.0, "ms")
    ('−0.0123 points', '+12 ms')
    >>> signed_text(1890.4, "ms")
    '+1,890 ms'
    """
    if abs(value) < _NOTHING:
        return "0 points" if unit == PERCENT else "0 ms"
    sign = "−" if value < 0 else "+"
    return f"{sign}{figure_text(abs(value), 3)} {'points' if unit == PERCENT else 'ms'}"


def feature_text(attribution: Attribution) -> str:
    """The group's name; a dependency by its own."""
    return attribution.service_id or attribution.feature


def summarize_explanation(
    *,
    tier: str,
    unit: str,
    target: float,
    reference: str,
    reference_value: float,
    attributions: Sequence[Attribution],
    towards: Sequence[Counterfactual],
    beyond: Sequence[Counterfactual],
) -> str:
    """The facts in plain sentences.

    ``towards``: changes tried for a tighter target, best first; ``beyond``: what a looser one buys.
    """
    better = 1.0 if unit == PERCENT else -1.0
    comma = "," if "," in reference else ""  # what was put in with one comma ends with another
    said = [
        f"The {tier} target is {target_text(target, unit)}; {reference}{comma} would get "
        f"{value_text(reference_value, unit)}."
    ]
    said.extend(_sides(attributions, unit, better))
    said.extend(_changes(towards))
    said.extend(f"{found.change}." for found in beyond)
    return " ".join(said)


def _changes(towards: Sequence[Counterfactual]) -> list[str]:
    """Those that get there; where none does, that it is so, and the one that gets furthest."""
    there = [found for found in towards if found.feasible]
    if there or len(towards) < 2:
        return [f"{found.change}." for found in (there or towards)[:_MOST_CHANGES]]
    return ["No single change that was tried is enough for one more nine.", f"{towards[0].change}."]


def _sides(attributions: Sequence[Attribution], unit: str, better: float) -> list[str]:
    largest = max((abs(part.contribution) for part in attributions), default=0.0)
    said = []
    for title, sign in (("What makes it tighter", better), ("What makes it looser", -better)):
        side = [
            part
            for part in attributions
            if part.contribution * sign > 0 and abs(part.contribution) >= _LEAST_SHARE * largest
        ]
        side.sort(key=lambda part: -abs(part.contribution))
        if side:
            named = "; ".join(
                f"{feature_text(part)} {signed_text(part.contribution, unit)}" for part in side[:_MOST_NAMED]
            )
            said.append(f"{title}: {named}.")
    return said


def facts_of(explanation: Explanation) -> list[float]:
    """Every number that its sentences may name."""
    found = [explanation.target_value, explanation.reference_value, explanation.unrounded_value]
    found += [part.contribution for part in explanation.attributions]
    for counterfactual in explanation.counterfactuals:
        found.append(counterfactual.resulting_target)
        found += [value for value in (counterfactual.before, counterfactual.after) if value is not None]
    return found
