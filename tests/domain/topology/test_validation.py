"""Raw rows: the good land, the bad come back with a reason."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sloengine.domain.errors import ErrorCode
from sloengine.domain.topology.dependency import DependencyCriticality, DependencyMode
from sloengine.domain.topology.service import Criticality
from sloengine.domain.topology.validation import check_rows
from tests.processor_time import processor_seconds

EDGE = {"caller": "a", "dependency": "b"}


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ({"caller": "a", "dependency": "a"}, "dependency"),
        ({"dependency": "b"}, "caller"),
        ({"caller": "a", "dependency": ""}, "dependency"),
        ({"caller": "a", "dependency": " "}, "dependency"),
        ({"caller": "a", "dependency": "b" * 254}, "dependency"),
        ({"caller": "a\x00", "dependency": "b"}, "caller"),
        ({"caller": "a", "dependency": "b\u202e"}, "dependency"),
        ({"caller": "a", "dependency": "b\ud800"}, "dependency"),
        ({"caller": 5, "dependency": "b"}, "caller"),
        (EDGE | {"mode": "SOMETIMES"}, "mode"),
        (EDGE | {"mode": 1}, "mode"),
        (EDGE | {"criticality": "CRITICAL"}, "criticality"),
        (EDGE | {"callWeight": 0}, "callWeight"),
        (EDGE | {"callWeight": -1}, "callWeight"),
        (EDGE | {"callWeight": float("nan")}, "callWeight"),
        (EDGE | {"callWeight": float("inf")}, "callWeight"),
        (EDGE | {"callWeight": 10**400}, "callWeight"),
        (EDGE | {"callWeight": "1"}, "callWeight"),
        (EDGE | {"callWeight": True}, "callWeight"),
        (EDGE | {"timeoutMs": 0}, "timeoutMs"),
        (EDGE | {"timeoutMs": 1.5}, "timeoutMs"),
        (EDGE | {"timeoutMs": 2**31}, "timeoutMs"),
        (EDGE | {"required": 0, "redundancyGroup": "g"}, "required"),
        (EDGE | {"confidence": 1.1}, "confidence"),
        (EDGE | {"protocol": "x" * 254}, "protocol"),
        (EDGE | {"redundancyGroup": "g\n"}, "redundancyGroup"),
        (EDGE | {"retryConfig": [1]}, "retryConfig"),
        (EDGE | {"retryConfig": {"x": float("nan")}}, "retryConfig"),
        (EDGE | {"retryConfig": {"x": "y" * 20_000}}, "retryConfig"),
        (EDGE | {"retryConfig": {"attempts": "often"}}, "retryConfig.attempts"),
        (EDGE | {"retryConfig": {"attempts": 2.5}}, "retryConfig.attempts"),
        (EDGE | {"retryConfig": {"attempts": 0}}, "retryConfig.attempts"),
        (EDGE | {"retryConfig": {"attempts": True}}, "retryConfig.attempts"),
        (EDGE | {"retryConfig": {"attempts": 10**400}}, "retryConfig.attempts"),
    ],
)
def test_a_bad_edge_is_refused_by_name_and_its_neighbours_land(row, field):
    checked = check_rows([], [EDGE, row, {"caller": "b", "dependency": "c"}])

    assert [(d.caller, d.dependency) for d in checked.dependencies] == [("a", "b"), ("b", "c")]
    (rejected,) = checked.rejected
    assert (rejected.index, rejected.path, rejected.code) == (1, f"dependencies.1.{field}", ErrorCode.INVALID)
    assert rejected.message.isprintable()
    assert checked.accepted == 2


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ({"name": "x"}, "serviceId"),
        ({"serviceId": "s", "criticality": "HUGE"}, "criticality"),
        ({"serviceId": "s", "external": "yes"}, "external"),
        ({"serviceId": "s", "publishedAvailabilityPercent": 100}, "publishedAvailabilityPercent"),
        ({"serviceId": "s", "publishedAvailabilityPercent": -1}, "publishedAvailabilityPercent"),
        ({"serviceId": "s", "name": "x" * 513}, "name"),
        ({"serviceId": "s", "metadata": "x"}, "metadata"),
    ],
)
def test_a_bad_service_is_refused_by_name(row, field):
    checked = check_rows([row], [])

    assert [item.path for item in checked.rejected] == [f"services.0.{field}"]
    assert checked.services == ()


@pytest.mark.parametrize("row", [None, 5, "a", [EDGE], True])
def test_a_row_that_is_no_object_is_refused(row):
    assert [item.path for item in check_rows([], [row]).rejected] == ["dependencies.0"]


def test_a_full_row_is_read_whole():
    row = EDGE | {
        "mode": "async",
        "criticality": "Soft",
        "protocol": "grpc",
        "timeoutMs": 300,
        "retryConfig": {"max": 2},
        "callWeight": 2,
        "redundancyGroup": "g",
        "required": 1,
        "confidence": 0.5,
    }

    (read,) = check_rows([], [row]).dependencies

    said = read.attributes
    assert (said.mode, said.criticality) == (DependencyMode.ASYNC, DependencyCriticality.SOFT)
    assert (said.protocol, said.timeout_ms, said.call_weight) == ("grpc", 300, 2.0)
    assert (said.redundancy_group, said.required, said.retry_config) == ("g", 1, {"max": 2})
    assert read.confidence == 0.5


def test_null_is_the_same_as_left_out():
    (read,) = check_rows([], [EDGE | {"mode": None, "callWeight": None, "retryConfig": None}]).dependencies

    assert read == check_rows([], [EDGE]).dependencies[0]


def test_a_service_row_is_read_whole():
    row = {
        "serviceId": "169.254.170.2_remote",
        "name": "Ä",
        "team": "t",
        "criticality": "HIGH",
        "entityRef": "component:d/x",
        "external": True,
        "publishedAvailabilityPercent": 99.95,
        "metadata": {"a": [1]},
    }

    (read,) = check_rows([row], []).services

    assert read.criticality is Criticality.HIGH
    assert read.published_availability_ratio == pytest.approx(0.9995)
    assert (read.external, read.name, read.metadata) == (True, "Ä", {"a": [1]})


def test_unknown_fields_are_a_warning():
    checked = check_rows([], [EDGE | {"colour": 1}, {"caller": "b", "dependency": "c", "colour": 2}])

    assert checked.rejected == ()
    assert checked.warnings == ("Unknown field dependencies[].colour was ignored (2 rows).",)


def test_a_group_that_can_never_be_satisfied_is_a_warning():
    checked = check_rows([], [EDGE | {"redundancyGroup": "g", "required": 3}])

    assert len(checked.dependencies) == 1
    assert "requires 3 of redundancy group g" in checked.warnings[0]


def test_required_without_a_group_is_a_warning():
    assert "required has no meaning" in check_rows([], [EDGE | {"required": 1}]).warnings[0]


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=5,
)
FIELDS = [
    "caller",
    "dependency",
    "mode",
    "criticality",
    "protocol",
    "timeoutMs",
    "retryConfig",
    "callWeight",
    "redundancyGroup",
    "required",
    "confidence",
    "serviceId",
    "name",
    "team",
    "entityRef",
    "external",
    "publishedAvailabilityPercent",
    "metadata",
    "other",
]
fields = st.sampled_from(FIELDS)


@given(st.lists(st.dictionaries(fields, json_values, max_size=6) | json_values, max_size=6))
@settings(max_examples=500, deadline=None)
def test_no_document_breaks_the_check(rows):
    checked = check_rows(rows, rows)

    assert checked.accepted + len(checked.rejected) == 2 * len(rows)


def test_fifty_thousand_edges_take_less_than_a_second():
    chosen = random.Random(1)
    rows = [
        {
            "caller": f"s{chosen.randrange(5000)}",
            "dependency": f"d{chosen.randrange(5000)}",
            "callWeight": 1.5,
            "criticality": "HARD",
        }
        for _ in range(50_000)
    ]

    spent, checked = processor_seconds(lambda: check_rows([], rows), 1.0)

    assert checked.accepted == 50_000
    assert spent < 1.0
