from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from tests.infrastructure.kubernetes.apiserver import BINARIES, RunningApiServer, running
from tests.infrastructure.kubernetes.shop import objects, service_account


@pytest.fixture(scope="package")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApiServer]:
    for name in BINARIES:
        if shutil.which(name) is None:
            pytest.fail(f"no {name} on PATH: scripts/build_kube_apiserver makes one")
    with running(tmp_path_factory.mktemp("cluster")) as server:
        server.create(*objects(), *service_account("sloengine"))
        server.wait_until_allowed(server.token_of("sloengine"))
        yield server
