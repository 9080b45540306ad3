"""Sentences never say a number that is no fact of the explanation, and never the opposite of one."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sloengine.domain.explanation.wording import (
    availability_text,
    facts_of,
    signed_text,
    summarize_explanation,
    value_text,
)
from sloengine.domain.recommendation.model import Attribution, Explanation
from tests.domain.explanation.cases import CALLS, case_of, shop_panel

NUMBER = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?(?:e-?\d+)?")
GROUPS = ("own reliability", "traffic volume", "trend", "rounding")


def numbers(text: str) -> set[str]:
    return set(NUMBER.findall(text))


def readings(fact: float, unit: str) -> set[str]:
    """All ways in which the sentences may round one fact."""
    texts = [
        value_text(fact, unit),
        signed_text(fact, unit),
        f"{fact:.3g}",
        f"{fact:,.0f}",
        str(int(fact * 100 + 1e-9)),
    ]
    if unit == "percent" and 0.0 <= fact <= 100.0:
        texts.append(availability_text(fact))
    return set().union(*map(numbers, texts))


def assert_only_facts(explanation: Explanation) -> None:
    names = {"95", "99"} if explanation.unit == "ms" else set()  # p95 and p99 are names
    allowed = {"100"} | names | numbers(explanation.reference)
    for named in (*explanation.attributions, *explanation.counterfactuals):
        allowed |= numbers(named.service_id or "")
    for fact in facts_of(explanation):
        allowed |= readings(fact, explanation.unit)
    said = numbers(explanation.summary) | set().union(*(numbers(c.change) for c in explanation.counterfactuals))
    assert said <= allowed, said - allowed


@settings(max_examples=12, deadline=None)
@given(
    service_id=st.sampled_from(list(CALLS)),
    seed=st.integers(0, 10**6),
    days=st.integers(8, 60),
    volume=st.sampled_from([20.0, 3e2, 2e4]),
    outages=st.integers(0, 40),
)
def test_every_number_that_is_said_is_a_fact(service_id: str, seed: int, days: int, volume: float, outages: int):
    case = case_of(service_id, shop_panel(seed, days=days, volume=volume, outages_of_db=outages))
    explanation = case.explainer.explain(case.recommendation)
    if explanation is None:
        assert all(not tier.targets for tier in case.recommendation.tiers)
        return

    assert_only_facts(explanation)
    total = sum(part.contribution for part in explanation.attributions)
    assert total == pytest.approx(explanation.target_value - explanation.reference_value, abs=1e-9)
    for found in explanation.counterfactuals:
        assert f"{explanation.tier.lower()} target is {availability_text(explanation.target_value)}" in (
            explanation.summary
        )
        if found.change.startswith("Even"):
            assert not found.feasible
        if found.change.startswith("One more nine ("):
            reached = found.resulting_target
            assert not found.feasible or 100 - reached <= (100 - explanation.target_value) / 10 + 1e-9
        if "One nine less" in found.change:
            assert found.after is not None
            assert found.before is not None
            assert found.after >= found.before


@given(
    contributions=st.lists(st.floats(-5, 5, allow_nan=False), min_size=4, max_size=4),
    unit=st.sampled_from(["percent", "ms"]),
    reference=st.floats(50, 99.9),
)
def test_what_makes_a_target_tighter_is_never_called_looser(
    contributions: list[float], unit: str, reference: float
):
    parts = [Attribution(name, value) for name, value in zip(GROUPS, contributions, strict=True)]

    said = summarize_explanation(
        tier="balanced",
        unit=unit,
        target=reference + sum(contributions),
        reference="a usual service",
        reference_value=reference,
        attributions=parts,
        towards=(),
        beyond=(),
    )

    better = 1 if unit == "percent" else -1
    tighter, _, looser = said.partition("What makes it looser")
    tighter = tighter.partition("What makes it tighter")[2]
    for part in parts:
        assert part.contribution * better > 0 or part.feature not in tighter
        assert part.contribution * better < 0 or part.feature not in looser
    largest = max(parts, key=lambda part: abs(part.contribution))
    if largest.contribution:
        assert f"{largest.feature} {signed_text(largest.contribution, unit)}" in said


@given(st.floats(0, 100))
def test_an_availability_keeps_three_digits_of_what_fails(percent: float):
    shown = float(availability_text(percent).removesuffix(" %"))

    assert 100 - shown == pytest.approx(100 - percent, rel=0.006, abs=1e-9)


def test_contributions_read_well():
    assert signed_text(-0.0000123, "percent") == "−0.0000123 points"
    assert signed_text(1e-17, "percent") == "0 points"
    assert signed_text(12.345, "ms") == "+12.3 ms"
    assert value_text(1234.0, "ms") == "1,234 ms"
    assert np.isfinite(float(availability_text(99.99999).removesuffix(" %")))
