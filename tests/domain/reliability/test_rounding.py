from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sloengine.domain.reliability.rounding import (
    availability_grid,
    round_availability_down,
    round_latency_up,
    tightest_availability,
)


@given(ratio=st.floats(0.11, 1.0), requests=st.none() | st.floats(20, 1e9))
def test_an_availability_is_only_ever_rounded_to_the_safe_side(ratio: float, requests: float | None) -> None:
    rounded = round_availability_down(ratio, requests)

    if rounded is None:
        assert requests is not None or ratio < 0.2
        return
    assert rounded <= ratio + 1e-12
    assert rounded < 1
    assert rounded in availability_grid(0.0)
    if requests is not None:
        assert (1 - rounded) * requests >= 1 - 1e-6


@given(ratio=st.floats(0.9, 0.9999999))
def test_rounding_costs_at_most_half_the_budget(ratio: float) -> None:
    rounded = round_availability_down(ratio)

    assert rounded is not None
    assert (1 - rounded) <= 1.5 * (1 - ratio) + 1e-9


@given(a=st.floats(0.2, 1.0), b=st.floats(0.2, 1.0))
def test_rounding_keeps_the_order(a: float, b: float) -> None:
    low, high = round_availability_down(min(a, b)), round_availability_down(max(a, b))

    assert low is not None
    assert high is not None
    assert low <= high


@pytest.mark.parametrize("figure", [0.9, 0.95, 0.99, 0.995, 0.999, 0.9995, 0.9997, 0.99985, 0.9999, 0.99999])
def test_figures_people_use_stay_as_they_are(figure: float) -> None:
    assert round_availability_down(figure) == figure


def test_a_perfect_record_is_no_promise_of_perfection() -> None:
    assert round_availability_down(1.0, 1_000) == 0.999
    assert tightest_availability(1_000, failures=5) == pytest.approx(0.995)


@given(milliseconds=st.floats(1e-3, 1e6))
def test_a_latency_is_only_ever_rounded_up_and_by_less_than_a_third(milliseconds: float) -> None:
    rounded = round_latency_up(milliseconds)

    assert milliseconds * (1 - 1e-9) <= rounded <= milliseconds * 4 / 3 * (1 + 1e-9)
    assert round_latency_up(rounded) == rounded


@pytest.mark.parametrize("nonsense", [0.0, -1.0, math.inf, math.nan])
def test_nonsense_is_refused(nonsense: float) -> None:
    with pytest.raises(ValueError, match="positive"):
        round_latency_up(nonsense)
