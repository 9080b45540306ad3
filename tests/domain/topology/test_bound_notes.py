"""What a bound says that it assumed stays readable however large the graph is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from sloengine.domain.reliability.panel import SliPanel
from sloengine.domain.topology.composite_bound import composite_bound
from sloengine.domain.topology.dependency import Dependency
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.topology.graph_reliability import learn_reliability
from sloengine.domain.topology.service import Service


def assumed_of(providers: int) -> tuple[str, ...]:
    """Of a service that calls so many others of which no more than a published figure is known."""
    names = tuple(f"p{n:04}" for n in range(providers))
    graph = DependencyGraph(
        (Service("shop"), *(Service(name, external=True, published_availability_ratio=0.999) for name in names)),
        tuple(Dependency("shop", name) for name in names),
        version=1,
    )
    total = np.full((1, 24 * 40), 10_000.0)
    good = total - np.random.default_rng(1).poisson(1.0, total.shape)
    panel = SliPanel(("shop",), datetime(2026, 9, 1, tzinfo=UTC), timedelta(hours=1), good, total)
    model = learn_reliability(graph, panel)
    return composite_bound(model, "shop", window=timedelta(days=28)).bound.assumptions


@pytest.mark.parametrize(("providers", "rest"), [(9, 0), (10, 0), (11, 1), (300, 290)])
def test_of_many_alike_the_first_are_told_and_the_rest_counted(providers: int, rest: int):
    notes = assumed_of(providers)

    told = [note for note in notes if "is taken as a prior" in note]
    counted = [note for note in notes if note.startswith("The same of ")]
    assert len(told) == providers - rest
    assert counted == ([f"The same of {rest} more services."] if rest else [])
