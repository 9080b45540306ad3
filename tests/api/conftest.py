from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.api.door import Door, open_door


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    """The real application on memory adapters, in development, with a client that has the key."""
    async with open_door() as opened:
        yield opened
