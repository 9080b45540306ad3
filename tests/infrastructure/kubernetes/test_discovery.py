"""Replay: the adapter on answers recorded from a kube-apiserver (``recorded/README.md``). No cluster runs here."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from sloengine.domain.errors import Unavailable
from sloengine.domain.topology.service import Criticality
from sloengine.infrastructure.kubernetes.access import KubernetesAccess
from sloengine.infrastructure.kubernetes.client import KubernetesClient
from sloengine.infrastructure.kubernetes.discovery import KubernetesDiscovery
from sloengine.infrastructure.kubernetes.objects import RESOURCES, SERVICES, read_network_service
from sloengine.infrastructure.kubernetes.reading_rules import ReadingRules
from sloengine.infrastructure.patient_http import Patience
from tests.infrastructure.kubernetes.objects_by_hand import calls, names
from tests.infrastructure.kubernetes.record import PAGE_SIZE, RECORDED
from tests.infrastructure.kubernetes.shop import EXPECTED_CALLS, EXPECTED_SERVICES
from tests.infrastructure.recorded_answers import Exchange, Replaying, load

NOW = datetime(2026, 11, 26, tzinfo=UTC)
RANGE = (NOW - timedelta(days=1), NOW)


def replaying(
    exchanges: Iterable[Exchange], namespaces: tuple[str, ...] = (), rules: ReadingRules | None = None
) -> tuple[KubernetesDiscovery, Replaying]:
    transport = Replaying(exchanges)
    return KubernetesDiscovery(client_on(transport), namespaces, rules or ReadingRules()), transport


def client_on(transport: httpx.AsyncBaseTransport, page_size: int = PAGE_SIZE) -> KubernetesClient:
    access = KubernetesAccess("https://kube.test", lambda: "token")
    return KubernetesClient(access, page_size, patience=Patience(backoff_seconds=0.001), transport=transport)


async def test_a_cluster_is_read_page_by_page():
    kubernetes, transport = replaying(load(RECORDED, "lists"), rules=ReadingRules(team_keys=("team",)))

    found = await kubernetes.discover(*RANGE)

    assert set(names(found)) == EXPECTED_SERVICES
    assert calls(found) == EXPECTED_CALLS
    assert found.complete
    assert [path for path, asked in transport.asked if "continue" not in asked] == [
        r.path(None) for r in RESOURCES
    ]
    assert any("continue" in asked for _, asked in transport.asked)
    assert len(transport.asked) == len(load(RECORDED, "lists"))
    storefront = next(service for service in found.services if service.source_name == "shop/storefront")
    assert (storefront.team, storefront.criticality) == ("web", Criticality.CRITICAL)
    assert storefront.metadata["kubernetes"]["partOf"] == "shop"


async def test_excluded_namespaces_stay_out():
    kubernetes, _ = replaying(load(RECORDED, "lists"), rules=ReadingRules(excluded_namespaces=("pay",)))

    found = await kubernetes.discover(*RANGE)

    assert not any(name.startswith("pay/") for name in names(found))
    # What is stated of a place that is not read cannot be checked, so nothing is withdrawn.
    assert not found.complete


async def test_missing_permissions_are_named_all_at_once_with_the_rule_that_grants_them():
    kubernetes, transport = replaying(load(RECORDED, "forbidden"))

    with pytest.raises(Unavailable) as refused:
        await kubernetes.discover(*RANGE)

    told = refused.value.message
    assert (
        "forbids viewer to list services, deployments, statefulsets, daemonsets. Bind viewer to a ClusterRole"
        in told
    )
    assert '- {apiGroups: [""], resources: [services], verbs: [list]}' in told
    assert '- {apiGroups: ["apps"], resources: [deployments, statefulsets, daemonsets], verbs: [list]}' in told
    assert len(transport.asked) == 4


async def test_namespaces_are_read_one_by_one_and_refused_by_name():
    refusals = [
        Exchange(resource.path(namespace), {"limit": [str(PAGE_SIZE)]}, 403, load(RECORDED, "forbidden")[0].body)
        for namespace in ("shop", "pay")
        for resource in RESOURCES
    ]
    kubernetes, transport = replaying(refusals, namespaces=("shop", "pay"))

    with pytest.raises(Unavailable, match="to a Role in pay, shop with"):
        await kubernetes.discover(*RANGE)
    assert len(transport.asked) == 8


async def test_a_wrong_token_is_said_to_be_wrong():
    kubernetes, transport = replaying(load(RECORDED, "unauthorized"))

    with pytest.raises(Unavailable, match=r"does not accept the token \(401\)"):
        await kubernetes.discover(*RANGE)
    assert len(transport.asked) == 1


async def test_a_list_that_expires_on_the_way_is_begun_anew():
    recorded = load(RECORDED, "expired")
    assert [exchange.status for exchange in recorded].count(410) == 1

    found = await client_on(Replaying(recorded)).list_all(SERVICES, None, read_network_service)

    shown = [(entry.namespace, entry.name) for entry in found]
    assert len(shown) == len(set(shown))
    assert {("shop", "storefront"), ("shop", "cart"), ("shop", "search"), ("pay", "cards")} <= set(shown)


async def test_a_list_that_keeps_expiring_is_given_up():
    gone = next(exchange for exchange in load(RECORDED, "expired") if exchange.status == 410)
    first = load(RECORDED, "expired")[0]

    with pytest.raises(Unavailable, match=r"expire 3 times.*SLOENGINE_KUBERNETES_PAGE_SIZE"):
        await client_on(Replaying([first, gone])).list_all(SERVICES, None, read_network_service)


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        (
            [httpx.Response(429, headers={"Retry-After": "0"}, json={"message": "too many"})],
            "after 4 attempts: HTTP 429",
        ),
        ([httpx.Response(503, text="starting")], "after 4 attempts: HTTP 503"),
        ([httpx.Response(404, json={"message": "the server could not find the requested resource"})], "HTTP 404"),
        ([httpx.Response(404, text="<html>\n<title>Not here</title>")], "HTTP 404: Not here$"),
        ([httpx.Response(200, text="<html>")], "no login page"),
        ([httpx.Response(200, json={"items": "abc"})], "that is none"),
        ([httpx.Response(200, json={"items": [1]})], "that is none"),
        ([httpx.Response(200, json={"items": [{"metadata": {}}]})], "that is none"),
        ([httpx.Response(200, json={"items": [{"metadata": {"name": "a"}, "spec": "x"}]})], "that is none"),
        ([httpx.Response(200, json={"items": [], "metadata": [1]})], "that is none"),
        ([httpx.ReadTimeout("slow")], "after 4 attempts: ReadTimeout"),
    ],
)
async def test_other_failures_end_after_a_bounded_number_of_requests(answers, says):
    asked = 0

    async def respond(_: httpx.Request) -> httpx.Response:
        nonlocal asked
        asked += 1
        if isinstance(answers[0], Exception):
            raise answers[0]
        return answers[0]

    with pytest.raises(Unavailable, match=says):
        await client_on(httpx.MockTransport(respond)).list_all(SERVICES, None, read_network_service)
    assert asked <= 4


async def test_a_server_in_trouble_is_asked_again():
    answers = [httpx.Response(503), httpx.Response(200, json={"items": [], "metadata": {}})]

    async def respond(_: httpx.Request) -> httpx.Response:
        return answers.pop(0)

    assert await client_on(httpx.MockTransport(respond)).list_all(SERVICES, None, read_network_service) == []
