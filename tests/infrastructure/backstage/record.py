"""Record a Backstage's answers: ``python -m tests.infrastructure.backstage.record URL TOKEN OTHER_TOKEN``.

``recorded/README.md`` says how to start one that has the entities of ``recorded/catalog.yaml``.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from pathlib import Path

import httpx

from sloengine.domain.errors import Unavailable
from sloengine.infrastructure.backstage.client import BackstageClient
from tests.infrastructure.recorded_answers import Exchange, Recording, save

RECORDED = Path(__file__).parent / "recorded"
PAGE_SIZE = 5


async def answers(url: str, token: str, *, by_offset: bool = False) -> list[Exchange]:
    """The whole catalogue, in small pages; ``by_offset``: as a catalogue without ``by-query`` is read."""
    transport = Recording(httpx.AsyncHTTPTransport())
    client = BackstageClient(url, token, PAGE_SIZE, transport=transport)
    with contextlib.suppress(Unavailable):
        await (client.by_offset() if by_offset else client.entities())
    await client.close()
    return transport.exchanges


def main(url: str, token: str, other_token: str) -> None:
    save(RECORDED, "by-cursor", asyncio.run(answers(url, token)))
    save(RECORDED, "by-offset", asyncio.run(answers(url, token, by_offset=True)))
    save(RECORDED, "unauthorized", asyncio.run(answers(url, "wrong")))
    save(RECORDED, "forbidden", asyncio.run(answers(url, other_token)))


if __name__ == "__main__":
    main(*sys.argv[1:])
