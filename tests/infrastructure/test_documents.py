from __future__ import annotations

import dataclasses
import json
import math
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sloengine.domain.governance.model import AuditEvent, Slo
from sloengine.domain.recommendation.model import Recommendation, RecommendationUnavailable
from sloengine.domain.topology.dependency import Dependency
from sloengine.domain.topology.ingestion import CircularDependencyAlert, Ingestion
from sloengine.domain.topology.service import Service
from sloengine.infrastructure.documents import decode, decode_result, encode, encode_result

json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.floats(allow_nan=False), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(), inner, max_size=3)),
    max_leaves=5,
)
st.register_type_strategy(
    datetime,
    st.datetimes(
        datetime(2000, 1, 1),  # noqa: DTZ001  made aware by the next line
        datetime(2100, 1, 1),  # noqa: DTZ001
        timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))]),
    ),
)
st.register_type_strategy(float, st.floats(allow_nan=False))
st.register_type_strategy(str, st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
KINDS = (
    Recommendation,
    RecommendationUnavailable,
    Ingestion,
    Slo,
    AuditEvent,
    Service,
    Dependency,
    CircularDependencyAlert,
)


def drawn(kind: type) -> st.SearchStrategy[Any]:
    """Any value of a kind; free-form mappings hold what JSON can hold."""
    free = {"metadata", "retry_config"}
    given_fields = {
        field.name: st.dictionaries(st.text(), json_values, max_size=3)
        for field in dataclasses.fields(kind)
        if field.name in free
    }
    return st.builds(kind, **given_fields)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_every_value_comes_back_equal(kind: type, data: st.DataObject):
    value = data.draw(drawn(kind))

    assert decode(kind, encode(value)) == value


@settings(max_examples=40, deadline=None)
@given(st.one_of(drawn(Recommendation), drawn(RecommendationUnavailable)))
def test_results_come_back_as_what_they_were(result: Any):
    found = decode_result(encode_result(result))

    assert type(found) is type(result)
    assert found == result


def test_an_open_interval_stays_open():
    from tests.contracts.recommendation_samples import latency

    found = decode(Recommendation, encode(latency()))

    assert math.isinf(found.tiers[0].targets[0].interval.high)
    assert isinstance(found.tiers, tuple)


@pytest.mark.parametrize("document", [b"", b"X", b"R{}", b"Unot json"])
def test_what_is_no_result_is_refused(document: bytes):
    with pytest.raises(ValueError, match=r".+"):
        decode_result(document)


def test_an_explanation_of_another_version_is_left_out():
    from tests.contracts.recommendation_samples import availability

    known = availability()
    plain = json.loads(encode(known))

    for older in (None, {"unit": "ratio", "attributions": [1, 2.5, None]}):
        document = json.dumps(plain | {"explanation": older})

        assert decode(Recommendation, document) == dataclasses.replace(known, explanation=None)


def test_a_document_without_explanation_is_read():
    from tests.contracts.recommendation_samples import availability

    plain = json.loads(encode(availability()))
    del plain["explanation"]

    assert decode(Recommendation, json.dumps(plain)).explanation is None


def test_other_damage_is_refused():
    from tests.contracts.recommendation_samples import availability

    plain = json.loads(encode(availability()))

    with pytest.raises(ValueError, match="confidence"):
        decode(Recommendation, json.dumps(plain | {"explanation": {"unit": 1}, "confidence": "much"}))
