"""What a recommendation says of a service whose dependencies contradict the graph by the thousand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sloengine.domain.recommendation.data_quality import Evidence, describe
from sloengine.domain.recommendation.model import (
    CompositeBound,
    Contradiction,
    DataQuality,
    Estimate,
    Tier,
    TierName,
)
from sloengine.domain.recommendation.recommend_availability import _kind
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.recommendation.summary import summarize
from sloengine.domain.reliability.window import ComplianceWindow

WINDOW = ComplianceWindow.ROLLING_28D
PLAIN = CompositeBound(0.99, 0.99, 0.995, None)


def contradicted(*pairs: str, more: int = 0) -> CompositeBound:
    """``pairs``: "caller>dependency"."""
    found = tuple(
        Contradiction(*pair.split(">"), 1.0, Estimate(0.1, 0.0, 0.2), f"{pair} is contradicted") for pair in pairs
    )
    return replace(PLAIN, contradictions=found, more_contradictions=more)


def said(bound: CompositeBound) -> str:
    tiers = tuple(Tier(name, 0.9, (), "too little data") for name in TierName)
    quality = DataQuality(28.0, 1.0, 1e6, False)
    text = summarize("shop", WINDOW, tiers, quality, peers=3, bound=bound)
    return next((f"{part}." for part in text.rstrip(".").split(". ") if part.startswith("Failures of")), "")


@pytest.mark.parametrize(
    ("bound", "sentence"),
    [
        (PLAIN, ""),
        (contradicted("shop>a", "a>b"), "Failures of a, b hardly reach it, whatever the graph declares."),
        (contradicted("a>c", "b>c", "shop>c"), "Failures of c hardly reach it, whatever the graph declares."),
        (
            contradicted("a>c", "shop>d", "b>e", "b>f"),
            "Failures of d, c, e hardly reach it; nor do those of 1 more call below it, "
            "whatever the graph declares.",
        ),
        (
            contradicted("a>c", "b>c", more=1_076),
            "Failures of c hardly reach it; nor do those of 1,076 more calls below it, "
            "whatever the graph declares.",
        ),
    ],
)
def test_a_summary_names_the_first_three_and_counts_the_rest(bound: CompositeBound, sentence: str):
    assert said(bound) == sentence


@pytest.mark.parametrize("more", [0, 1_058])
def test_warnings_count_what_they_leave_out(more: int):
    evidence = Evidence(40.0, 1.0, 1e6, 0.5, 3, 28.0)

    warnings = describe(evidence, EngineSettings(), bound=contradicted("shop>a", more=more)).warnings

    counted = [f"the data contradict {more:,} more declared calls below it"] if more else []
    assert list(warnings) == ["shop>a is contradicted", *counted]


@pytest.mark.parametrize(
    ("before", "after", "is_same"),
    [
        (contradicted("shop>a", "a>b"), contradicted("a>b", "shop>a"), True),
        (contradicted("shop>a"), contradicted("shop>a", "a>b"), False),
        # Which of many are named moves with every hour, and is no change in kind; the service's own are.
        (contradicted("shop>a", "a>b", more=9), contradicted("shop>a", "b>c", more=12), True),
        (contradicted("shop>a", "a>b", more=9), contradicted("shop>c", "a>b", more=9), False),
        (contradicted("shop>a", "shop>b", more=9), contradicted("shop>a", "shop>c", more=9), True),
        (contradicted("shop>a", "a>b", more=9), contradicted("shop>a"), False),
    ],
)
def test_targets_on_record_stay_while_what_is_contradicted_is_the_same_in_kind(
    before: CompositeBound, after: CompositeBound, is_same: bool
):
    then, now = (_kind(WINDOW, False, bound, "shop") for bound in (before, after))

    assert (then == now) is is_same
