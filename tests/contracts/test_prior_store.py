from __future__ import annotations

from datetime import UTC, datetime

import pytest
from neomodel.async_.match import AsyncNodeSet

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


async def test_a_prior_that_somebody_else_made_since_it_was_looked_for_is_replaced(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
):
    await stores.priors.save("AVAILABILITY", {"rate": [0.1]}, learnt_at=LEARNT_AT)
    looked_for = AsyncNodeSet.get_or_none
    looks = iter([True])

    async def not_there_yet(nodes, **by):
        return None if next(looks, False) else await looked_for(nodes, **by)

    monkeypatch.setattr(AsyncNodeSet, "get_or_none", not_there_yet)
    await stores.priors.save("AVAILABILITY", {"rate": [0.2]}, learnt_at=LEARNT_AT)
    monkeypatch.undo()

    assert await stores.priors.load("AVAILABILITY") == ({"rate": [0.2]}, LEARNT_AT)
