from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sloengine.domain.topology.name_decisions import RememberedName, RememberedNames
from sloengine.infrastructure.prometheus import throttling
from sloengine.infrastructure.prometheus.identities import looks_personal, reconcile, refused_labels
from sloengine.infrastructure.prometheus.matrices import histogram_rows
from sloengine.infrastructure.prometheus.promql import quoted, service_matcher


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("jane.doe@example.org", "e-mail address"),
        ("10.1.2.3", "IP address"),
        ("fe80:0:0:0:0:0:0:1", "IP address"),
        ("123e4567-e89b-12d3-a456-426614174000", "user id"),
        ("checkout-7", None),
        ("v1.2.3", None),
    ],
)
def test_label_values_that_look_personal_are_told_apart(value, kind):
    assert looks_personal(value) == kind


def test_a_service_identity_may_look_like_an_address_but_no_other_label_may():
    assert refused_labels({"service": "169.254.170.2_remote"}, ["service"]) is None
    reason = refused_labels({"service": "api", "user": "jane@example.org"}, ["service"])
    assert reason is not None
    assert "user" in reason


def test_an_exact_identity_wins_over_one_behind_a_namespace():
    identities = reconcile(["api", "shop/api"], ["api"])

    assert identities("api") == "api"
    assert identities("shop/api") is None
    assert not identities.ambiguous


def test_telemetry_of_a_namesake_is_not_taken_for_the_service_that_owns_the_name():
    shop = RememberedName("search", ("shop", ""), "search", "shop/search")
    bank = RememberedName("search", ("bank", ""), "bank/search", "bank/search")
    known = RememberedNames((shop, bank))

    both = reconcile(["shop/search", "bank/search"], ["search", "bank/search"], remembered=known)
    idle = reconcile(["bank/search"], ["search"], remembered=known)

    assert both.by_value == {"shop/search": "search", "bank/search": "bank/search"}
    assert (both.ambiguous, idle.by_value, idle.ambiguous) == ({}, {}, {})


def test_a_matcher_takes_ids_as_they_are():
    assert service_matcher("service", ["a.b", 'c"d', "e-f"]) == r'service=~"(a\\.b|c\"d|e-f)"'
    assert quoted("line\nbreak\\") == r'"line\nbreak\\"'


@given(st.lists(st.lists(st.integers(0, 1000), min_size=4, max_size=4), min_size=1, max_size=5))
def test_cumulative_rows_come_back_as_the_counts_they_were_made_of(counts):
    expected = np.array(counts, dtype=float)
    cumulative = np.cumsum(expected, axis=1)
    bounds = [0.1, 0.5, 1.0, float("inf")]

    found_bounds, found, mixed = histogram_rows({bound: cumulative[:, i] for i, bound in enumerate(bounds)})

    assert found_bounds.tolist() == bounds
    assert not mixed
    np.testing.assert_allclose(found, expected)


def test_instances_with_different_layouts_are_noticed():
    rows = {0.1: np.array([100.0]), 0.2: np.array([10.0]), float("inf"): np.array([110.0])}

    assert histogram_rows(rows)[2]


def test_a_service_without_scheduling_periods_is_no_data_and_not_unthrottled():
    answer = [
        {"metric": {"container": "checkout"}, "value": [0, "0.31"]},
        {"metric": {"container": "idle"}, "value": [0, "NaN"]},
        {"metric": {"container": "stranger"}, "value": [0, "0.9"]},
    ]

    assert throttling.shares(answer, "container", ["checkout", "idle"]) == {"checkout": 0.31}
