"""Record the answers that the fast tests replay: ``python -m tests.infrastructure.kubernetes.record``.

Needs kube-apiserver and etcd on PATH; ``scripts/build_kube_apiserver .tools`` makes them.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from pathlib import Path

import httpx

from sloengine.domain.errors import Unavailable
from sloengine.infrastructure.kubernetes.access import KubernetesAccess
from sloengine.infrastructure.kubernetes.client import KubernetesClient, ListRefused
from sloengine.infrastructure.kubernetes.objects import RESOURCES, SERVICES
from tests.infrastructure.kubernetes.apiserver import ADMIN, VIEWER, RunningApiServer, running
from tests.infrastructure.kubernetes.shop import objects, service_account
from tests.infrastructure.recorded_answers import Exchange, Recording, save

PAGE_SIZE = 2
RECORDED = Path(__file__).parent / "recorded"


async def lists(server: RunningApiServer, token: str, *, forget: bool = False) -> list[Exchange]:
    """Every list that discovery reads, in small pages; ``forget``: one whose continuation expires on the way."""
    access = KubernetesAccess(server.url, lambda: token, server.ca_file)
    transport = Recording(httpx.AsyncHTTPTransport(verify=access.verification()))
    client = KubernetesClient(access, PAGE_SIZE, transport=transport)
    forgotten = False

    def name(item: object) -> object:
        nonlocal forgotten
        if forget and not forgotten:
            forgotten = True
            # Only a past that is no longer the present can be forgotten.
            server.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "later"}})
            server.forget_the_past()
        return item

    for resource in [SERVICES] if forget else RESOURCES:
        with contextlib.suppress(ListRefused, Unavailable):
            await client.list_all(resource, None, name)
    await client.close()
    return transport.exchanges


async def record(home: Path) -> dict[str, list[Exchange]]:
    """Everything that is replayed."""
    found: dict[str, list[Exchange]] = {}
    (home / "cached").mkdir()
    with running(home / "cached") as server:
        server.create(*objects(), *service_account("sloengine"))
        token = server.token_of("sloengine")
        server.wait_until_allowed(token)
        found["lists"] = await lists(server, token)
        found["forbidden"] = await lists(server, VIEWER)
        found["unauthorized"] = await lists(server, "wrong")
    (home / "forgetful").mkdir()
    with running(home / "forgetful", "--watch-cache=false") as server:
        server.create(*objects())
        found["expired"] = await lists(server, ADMIN, forget=True)
    return found


def main() -> None:
    with tempfile.TemporaryDirectory() as home:
        for name, exchanges in asyncio.run(record(Path(home))).items():
            save(RECORDED, name, exchanges)


if __name__ == "__main__":
    main()
