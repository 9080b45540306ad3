from __future__ import annotations

import pytest

from sloengine.domain.errors import Invalid, ServiceNotFound, TooLarge
from sloengine.domain.topology.dependency import Dependency
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.topology.service import Service
from sloengine.domain.what_if.documents import edit_document, edits_of_document
from sloengine.domain.what_if.edited_model import replicated
from sloengine.domain.what_if.edits import (
    AddCache,
    AddFallback,
    AddReplica,
    Cut,
    Improve,
    MakeAsync,
    Soften,
    check_edits,
)

GRAPH = DependencyGraph(
    tuple(Service(name) for name in ("front", "cart", "db", "spare")),
    (
        Dependency("front", "cart"),
        Dependency("cart", "db"),
        Dependency("spare", "front"),
        Dependency("front", "db", redundancy_group="stores"),
        Dependency("cart", "spare", is_stale=True),
    ),
)
ALL = [
    Soften("front", "cart", 0.2),
    MakeAsync("front", "cart"),
    Cut("cart", "db"),
    AddFallback("cart", "db", fallback="spare"),
    AddFallback("cart", "db", availability_ratio=0.999),
    AddReplica("db", 3, 2, 0.05),
    Improve("db", availability_ratio=0.9999),
    Improve("db", latency_scale=0.5),
    AddCache("cart", "db", 0.8),
]


def test_edits_survive_being_written_down():
    assert edits_of_document([edit_document(edit) for edit in ALL]) == ALL


@pytest.mark.parametrize(
    ("edit", "error", "field"),
    [
        (Soften("nobody", "cart"), ServiceNotFound, "caller"),
        (Cut("front", "nobody"), ServiceNotFound, "dependency"),
        (Cut("db", "cart"), Invalid, "dependency"),
        (Cut("cart", "spare"), Invalid, "dependency"),
        (Soften("front", "cart", 1.1), Invalid, "passThrough"),
        (AddCache("front", "cart", -0.1), Invalid, "hitRatio"),
        (AddReplica("db", 2, 3), Invalid, "required"),
        (AddReplica("db", 2, 0), Invalid, "required"),
        (AddReplica("db", 1, 1), Invalid, "replicas"),
        (AddReplica("db", 2, 1, 1.5), Invalid, "commonCause"),
        (AddReplica("nobody", 2, 1), ServiceNotFound, "serviceId"),
        (Improve("db", availability_ratio=1.0), Invalid, "availabilityPercent"),
        (Improve("db", latency_scale=0.0), Invalid, "latencyScale"),
        (Improve("db"), Invalid, "improve"),
        (AddFallback("cart", "db"), Invalid, "addFallback"),
        (AddFallback("cart", "db", fallback="cart"), Invalid, "fallback"),
        (AddFallback("front", "cart", fallback="spare"), Invalid, "fallback"),
        (AddFallback("front", "db", fallback="cart"), Invalid, "dependency"),
    ],
)
def test_edits_that_cannot_be_are_refused_by_field(edit, error, field):
    with pytest.raises(error) as refused:
        check_edits(GRAPH, [Cut("front", "cart"), edit])

    assert refused.value.path[:2] == ("edits", "1")
    assert refused.value.path[-1] == field


def test_edits_have_a_number():
    with pytest.raises(TooLarge):
        check_edits(GRAPH, [Cut("front", "cart")] * 21)
    with pytest.raises(Invalid):
        check_edits(GRAPH, [])


@pytest.mark.parametrize(
    ("row", "path"),
    [
        ({"explode": {}}, ("edits", "0")),
        ({"cut": {"caller": "a", "dependency": "b"}, "soften": {}}, ("edits", "0")),
        ({"cut": {"caller": "a"}}, ("edits", "0", "cut", "dependency")),
        ({"cut": {"caller": "a", "dependency": "b", "passThrough": 0.1}}, ("edits", "0", "cut", "passThrough")),
        (
            {"addReplica": {"serviceId": "a", "replicas": 2.5, "required": 1}},
            ("edits", "0", "addReplica", "replicas"),
        ),
        (
            {"addCache": {"caller": "a", "dependency": "b", "hitRatio": "x"}},
            ("edits", "0", "addCache", "hitRatio"),
        ),
    ],
)
def test_a_file_is_refused_by_field(row, path):
    with pytest.raises(Invalid) as refused:
        edits_of_document([row])

    assert refused.value.path == path


def test_replicas_are_k_of_n():
    """Against the binomial law, by hand: 2 of 3 good, 1 % each; and with a tenth in common."""
    independent = 3 * 0.01**2 * 0.99 + 0.01**3
    alone = 1 - (1 - 0.01) / (1 - 0.001)

    assert replicated(0.01, AddReplica("a", 3, 2, 0.0)) == pytest.approx(independent)
    assert replicated(0.01, AddReplica("a", 2, 1, 0.1)) == pytest.approx(0.001 + 0.999 * alone**2)
    assert replicated(0.01, AddReplica("a", 2, 1, 1.0)) == pytest.approx(0.01)
