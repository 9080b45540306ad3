from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sloengine.domain.accuracy.judged import ENGINE, JudgedTarget, TrafficClass
from sloengine.domain.accuracy.report import tier_accuracies
from sloengine.domain.recommendation.model import ObjectiveKind, TierName

START = datetime(2026, 1, 1, tzinfo=UTC)
MONTH = timedelta(days=28)


def judged(service: int, block: int, *, held: bool, promised: float = 0.98) -> JudgedTarget:
    """One window of one service; blocks of time lie far apart."""
    return JudgedTarget(
        service_id=f"s{service}",
        cluster=f"s{service}",
        kind=ObjectiveKind.AVAILABILITY,
        tier=TierName.CONSERVATIVE,
        estimator=ENGINE,
        as_of=START + 2 * MONTH * block,
        train_days=30,
        traffic=TrafficClass.LOW,
        target=0.99,
        promised=promised,
        held=held,
    )


def test_a_run_without_a_miss_does_not_prove_the_promise_to_a_tenth_of_a_point():
    rows = [judged(service, block, held=True) for service in range(10) for block in range(3)]

    found = tier_accuracies(rows, MONTH)[0]

    assert found.over_promise is not None
    assert found.over_promise.value == pytest.approx(-0.02)
    assert found.over_promise.low == pytest.approx(-0.02)
    # Three quiet stretches: 0.025 ** (1 / 3) = 29 % may be all that hold in truth.
    assert found.over_promise.high == pytest.approx(0.98 - 0.025 ** (1 / 3))


def test_a_run_of_misses_over_promises():
    rows = [judged(service, block, held=False) for service in range(10) for block in range(4)]

    found = tier_accuracies(rows, MONTH)[0]

    assert found.over_promises
    assert found.over_promise is not None
    assert found.over_promise.low == pytest.approx(0.98 - (1 - 0.025 ** (1 / 4)))
