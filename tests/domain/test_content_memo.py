from __future__ import annotations

import numpy as np
import pytest

from sloengine.domain.content_memo import ContentMemo

ONES = np.ones(4)


@pytest.mark.parametrize(
    ("arrays", "texts"),
    [
        ((np.array([1.0, 1.0, 1.0, 2.0]),), ("a", "b")),
        ((ONES.reshape(2, 2),), ("a", "b")),
        ((ONES.astype(np.float32),), ("a", "b")),
        ((ONES,), ("ab", "")),
        ((ONES, ONES), ("a", "b")),
    ],
)
def test_anything_else_about_the_inputs_is_another_result(arrays, texts):
    memo: ContentMemo[str] = ContentMemo(10)
    memo((ONES,), ("a", "b"), lambda: "first")

    assert memo((ONES.copy(),), ("a", "b"), lambda: "again") == "first"
    assert memo(arrays, texts, lambda: "other") == "other"


def test_a_view_counts_by_what_it_shows():
    memo: ContentMemo[str] = ContentMemo(10)
    memo((np.arange(8.0)[::2],), (), lambda: "first")

    assert memo((np.array([0.0, 2.0, 4.0, 6.0]),), (), lambda: "again") == "first"


def test_the_result_not_used_for_the_longest_goes_first():
    memo: ContentMemo[int] = ContentMemo(2)
    for number in (1, 2):
        memo((), (str(number),), lambda number=number: number)
    memo((), ("1",), lambda: -1)
    memo((), ("3",), lambda: 3)

    assert memo((), ("1",), lambda: -1) == 1
    assert memo((), ("2",), lambda: -2) == -2


def test_a_failure_is_not_remembered():
    memo: ContentMemo[int] = ContentMemo(2)

    with pytest.raises(ZeroDivisionError):
        memo((ONES,), (), lambda: 1 // 0)

    assert memo((ONES,), (), lambda: 5) == 5
