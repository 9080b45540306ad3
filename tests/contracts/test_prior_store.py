from __future__ import annotations

from datetime import UTC, datetime

from tests.contracts.conftest import Stores

LEARNT_AT = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)


async def test_a_prior_comes_back_and_is_replaced(stores: Stores):
    prior = {"rate": [0.1, 0.25], "pool": {"a": None, "n": 3}}

    absent = await stores.priors.load("AVAILABILITY")
    for value in ({"rate": []}, prior):
        await stores.priors.save("AVAILABILITY", value, learnt_at=LEARNT_AT)

    assert absent is None
    assert await stores.priors.load("AVAILABILITY") == (prior, LEARNT_AT)
    assert await stores.priors.load("LATENCY") is None
