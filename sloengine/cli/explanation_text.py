"""Explanations for people: a small bar table and sentences."""

from __future__ import annotations

from rich.table import Table

from sloengine.cli import output
from sloengine.domain.explanation.wording import feature_text, signed_text, target_text, value_text
from sloengine.domain.recommendation.model import Explanation

BAR_WIDTH = 20


def print_explanation(explanation: Explanation) -> None:
    """What made the target, then what would change it."""
    output.out.print(attribution_table(explanation))
    for found in explanation.counterfactuals:
        output.say(f"{found.change}.")


def attribution_table(explanation: Explanation) -> Table:
    """From the reference to the target, a line for each group with its contribution as a bar."""
    unit = explanation.unit
    table = output.table(f"why {target_text(explanation.target_value, unit)} ({explanation.tier.lower()})")
    table.add_column("group", overflow="fold")
    table.add_column("adds", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_row(explanation.reference, value_text(explanation.reference_value, unit), "", style="dim")
    largest = max((abs(part.contribution) for part in explanation.attributions), default=0.0)
    for part in explanation.attributions:
        table.add_row(feature_text(part), signed_text(part.contribution, unit), bar(part.contribution, largest))
    table.add_row("target as published", target_text(explanation.target_value, unit), "", style="bold")
    return table


def bar(contribution: float, largest: float) -> str:
    """A bar to the left for what takes away, to the right for what adds.

    >>> bar(-1.0, 2.0)
    '     █████│'
    """
    half = BAR_WIDTH // 2
    length = 0 if largest <= 0 else round(half * abs(contribution) / largest)
    return f"{'█' * length:>{half}}│" if contribution < 0 else f"{'':{half}}│{'█' * length}"
