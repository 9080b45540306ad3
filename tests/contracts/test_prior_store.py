from __future__ import annotations

import asyncio
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


async def test_a_first_prior_that_many_save_at_once_is_saved(stores: Stores):
    values = [{"rate": [float(number)]} for number in range(8)]

    await asyncio.gather(*(stores.priors.save("AVAILABILITY", value, learnt_at=LEARNT_AT) for value in values))

    found = await stores.priors.load("AVAILABILITY")
    assert found is not None
    assert found[0] in values
