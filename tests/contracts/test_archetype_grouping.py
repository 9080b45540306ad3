from __future__ import annotations

import numpy as np
import pytest

from sloengine.application.ports.archetype_grouping import ArchetypeGrouping
from sloengine.infrastructure.learning.archetype_groups import SilhouetteGroups
from sloengine.infrastructure.memory.archetype_groups import GapGroups


@pytest.fixture(params=[SilhouetteGroups, GapGroups], ids=["scikit-learn", "memory"])
def grouping(request: pytest.FixtureRequest) -> ArchetypeGrouping:
    """Every grouping there is."""
    adapter: ArchetypeGrouping = request.param()
    return adapter


def clouds() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    truth = np.repeat([0, 1], [14, 9])
    return np.where(truth == 0, -1.0, 1.0)[:, None] + 0.1 * rng.standard_normal((23, 3)), truth


def test_two_clouds_are_told_apart(grouping: ArchetypeGrouping) -> None:
    values, truth = clouds()

    labels = grouping(values)

    same = labels[:, None] == labels[None, :]
    assert np.array_equal(same, truth[:, None] == truth[None, :])


def test_the_same_rows_give_the_same_groups(grouping: ArchetypeGrouping) -> None:
    values, _ = clouds()

    assert np.array_equal(grouping(values), grouping(values.copy()))


@pytest.mark.parametrize("shape", [(0, 3), (1, 3), (20, 0)])
def test_nothing_to_divide_is_one_group(grouping: ArchetypeGrouping, shape: tuple[int, int]) -> None:
    assert not grouping(np.ones(shape)).any()


def test_alike_rows_are_one_group(grouping: ArchetypeGrouping) -> None:
    assert not grouping(np.ones((30, 4))).any()
