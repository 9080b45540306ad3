"""The adapter on a real kube-apiserver and etcd. Slow: ``make test-slow`` builds them."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from sloengine.domain.errors import Unavailable
from sloengine.infrastructure.kubernetes.access import KubernetesAccess, kubernetes_access
from sloengine.infrastructure.kubernetes.client import KubernetesClient
from sloengine.infrastructure.kubernetes.discovery import KubernetesDiscovery
from sloengine.infrastructure.kubernetes.objects import SERVICES, read_network_service
from sloengine.infrastructure.patient_http import Patience
from tests.infrastructure.kubernetes.apiserver import ADMIN, VIEWER, RunningApiServer
from tests.infrastructure.kubernetes.objects_by_hand import calls, names
from tests.infrastructure.kubernetes.record import RECORDED, record
from tests.infrastructure.kubernetes.shop import EXPECTED_CALLS, EXPECTED_SERVICES, service_account
from tests.infrastructure.recorded_answers import Exchange, load

pytestmark = pytest.mark.slow
NOW = datetime(2026, 11, 26, tzinfo=UTC)
RANGE = (NOW - timedelta(days=1), NOW)


@asynccontextmanager
async def asking(access: KubernetesAccess, *, page_size: int = 500) -> AsyncIterator[KubernetesClient]:
    client = KubernetesClient(access, page_size, patience=Patience(attempts=2, backoff_seconds=0.01))
    try:
        yield client
    finally:
        await client.close()


def as_token(cluster: RunningApiServer, token: str) -> KubernetesAccess:
    return kubernetes_access(cluster.url, token=token, ca_file=cluster.ca_file, environment={})


@pytest.mark.parametrize("page_size", [1, 2, 500])
async def test_a_service_account_reads_the_cluster_whatever_the_page_size(cluster, page_size):
    async with asking(as_token(cluster, cluster.token_of("sloengine")), page_size=page_size) as client:
        found = await KubernetesDiscovery(client).discover(*RANGE)

    assert set(names(found)) == EXPECTED_SERVICES
    assert calls(found) == EXPECTED_CALLS
    assert found.complete
    assert not found.warnings


async def test_a_pod_finds_its_cluster_by_its_own_account(cluster, tmp_path):
    (tmp_path / "token").write_text("not yet the right one")
    shutil.copy(cluster.ca_file, tmp_path / "ca.crt")
    host, port = cluster.url.removeprefix("https://").split(":")
    pod = {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port}
    access = kubernetes_access("in-cluster", environment=pod, service_account=tmp_path)

    async with asking(access) as client:
        kubernetes = KubernetesDiscovery(client)
        with pytest.raises(Unavailable, match="does not accept the token"):
            await kubernetes.discover(*RANGE)
        (tmp_path / "token").write_text(cluster.token_of("sloengine"))
        found = await kubernetes.discover(*RANGE)

    assert calls(found) == EXPECTED_CALLS


async def test_a_user_without_permission_is_told_the_rule_and_with_it_may_read(cluster):
    async with asking(as_token(cluster, VIEWER)) as client:
        kubernetes = KubernetesDiscovery(client)
        with pytest.raises(
            Unavailable, match="forbids viewer to list services, deployments, statefulsets, daemonsets"
        ):
            await kubernetes.discover(*RANGE)
        granted = service_account("unused")[1:]
        granted[1]["subjects"] = [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "viewer"}]
        cluster.create(*granted)
        cluster.wait_until_allowed(VIEWER)
        assert calls(await kubernetes.discover(*RANGE)) == EXPECTED_CALLS


async def test_the_account_may_read_nothing_else(cluster):
    token = cluster.token_of("sloengine")

    for path in ("/api/v1/secrets", "/api/v1/pods", "/api/v1/namespaces", "/api/v1/namespaces/shop/services/cart"):
        with pytest.raises(AssertionError, match=" 403 "):
            cluster.request("GET", path, token=token)


@pytest.mark.parametrize("namespaces", [(), ("pay", "empty")], ids=["cluster", "namespaces"])
async def test_the_account_that_the_chart_makes_may_read_what_it_is_made_for(cluster, namespaces):
    release = f"of{len(namespaces)}"
    wanted = {"ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"}
    made = [document for document in rendered(release, namespaces) if document["kind"] in wanted]
    account = next(document for document in made if document["kind"] == "ServiceAccount")
    account["metadata"]["namespace"] = release
    cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": release}}, *made)
    token = cluster.token_of(account["metadata"]["name"], release)
    for namespace in namespaces or (None,):
        cluster.wait_until_allowed(token, namespace)

    async with asking(as_token(cluster, token)) as client:
        found = await KubernetesDiscovery(client, namespaces).discover(*RANGE)
        if namespaces:
            with pytest.raises(Unavailable, match="forbids system:serviceaccount:of2:"):
                await KubernetesDiscovery(client).discover(*RANGE)

    assert set(names(found)) == ({"pay/cards", "api.bank.example"} if namespaces else EXPECTED_SERVICES)


def rendered(release: str, namespaces: tuple[str, ...]) -> list[dict[str, Any]]:
    helm = shutil.which("helm")
    if helm is None:
        pytest.fail("no helm on PATH: scripts/build_helm makes one")
    chart = Path(__file__).parents[3] / "charts" / "sloengine"
    options = [
        "--kube-version",
        "1.34.0",
        "--set",
        "kubernetes.discovery=true",
        "--namespace",
        release,
        "-f",
        str(chart / "ci-values.yaml"),
    ]
    if namespaces:
        options += ["--set", f"kubernetes.namespaces={{{','.join(namespaces)}}}"]
    command = [helm, "template", release, str(chart), *options]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [document for document in yaml.safe_load_all(text) if document]


async def test_named_namespaces_are_read_alone(cluster):
    async with asking(as_token(cluster, ADMIN)) as client:
        found = await KubernetesDiscovery(client, ("pay", "empty")).discover(*RANGE)

    assert set(names(found)) == {"pay/cards", "api.bank.example"}
    assert not found.complete


async def test_a_server_of_another_ca_is_not_talked_to(cluster):
    access = kubernetes_access(cluster.url, token=ADMIN, environment={})

    async with asking(access) as client:
        with pytest.raises(Unavailable, match="CERTIFICATE_VERIFY_FAILED"):
            await client.list_all(SERVICES, None, read_network_service)


async def test_nobody_there_is_unavailable(cluster):
    access = KubernetesAccess("https://127.0.0.1:9", lambda: ADMIN, cluster.ca_file)

    async with asking(access) as client:
        with pytest.raises(Unavailable, match="did not answer after 2 attempts"):
            await client.list_all(SERVICES, None, read_network_service)


async def test_recorded_answers_are_those_of_today(tmp_path):
    today = await record(tmp_path)

    for name, exchanges in today.items():
        assert [shape(exchange) for exchange in exchanges] == [
            shape(exchange) for exchange in load(RECORDED, name)
        ], name


def shape(exchange: Exchange) -> tuple[object, ...]:
    """What does not differ from one run to the next."""
    items = [
        (item["metadata"].get("namespace"), item["metadata"]["name"]) for item in exchange.body.get("items", [])
    ]
    message = exchange.body.get("message")
    return exchange.path, sorted(exchange.parameters), exchange.status, exchange.body["kind"], message, items
