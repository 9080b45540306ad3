"""From objects to services and dependencies, on objects written by hand."""

from __future__ import annotations

import pytest

from sloengine.domain.topology.dependency import DependencyCriticality, DependencyMode
from sloengine.domain.topology.service import Criticality
from sloengine.infrastructure.kubernetes.reading import read_cluster
from sloengine.infrastructure.kubernetes.reading_rules import OTEL_SERVICE_NAME, ReadingRules
from tests.infrastructure.kubernetes.objects_by_hand import calls, names, service, workload
from tests.processor_time import processor_seconds

DEPENDS_ON = "sloengine.dev/depends-on"
NAME = "app.kubernetes.io/name"


def test_a_workload_and_the_services_in_front_of_it_are_one_service():
    found = read_cluster([workload("cart")], [service("cart"), service("cart-headless", selector={"app": "cart"})])

    assert names(found) == ["shop/cart"]
    assert found.services[0].metadata == {
        "kubernetes": {
            "namespaces": ["shop"],
            "workloads": ["Deployment/cart"],
            "services": ["cart", "cart-headless"],
        }
    }
    assert found.complete


def test_who_calls_whom_is_not_invented():
    found = read_cluster([workload("shop"), workload("cart")], [service("shop"), service("cart")])

    assert not found.dependencies
    assert any("Kubernetes does not know" in warning for warning in found.warnings)


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ({"labels": {NAME: "basket"}}, "shop/basket"),
        ({"pod": {NAME: "basket"}}, "shop/basket"),
        ({"pod": {NAME: "basket"}, "pod_annotations": {OTEL_SERVICE_NAME: "Basket"}}, "shop/Basket"),
        ({"annotations": {"sloengine.dev/service": "basket-api"}, "pod": {NAME: "basket"}}, "basket-api"),
        ({}, "shop/cart"),
    ],
)
def test_the_name_is_what_telemetry_would_call_it(said, name):
    assert names(read_cluster([workload("cart", **said)], [])) == [name]


def test_a_canary_beside_the_stable_version_is_the_same_service():
    versions = [
        workload("cart", pod={NAME: "cart", "track": "stable"}),
        workload("cart-canary", pod={NAME: "cart", "track": "canary"}),
    ]

    found = read_cluster(versions, [service("cart", selector={NAME: "cart"})])

    assert names(found) == ["shop/cart"]
    assert found.services[0].metadata["kubernetes"]["workloads"] == ["Deployment/cart", "Deployment/cart-canary"]


def test_a_web_server_and_its_background_worker_of_one_chart_are_two_services():
    parts = [workload("cart-web", pod={NAME: "cart"}), workload("cart-worker", pod={NAME: "cart"})]

    found = read_cluster(parts, [service("cart", selector={"app": "cart-web"})])

    assert names(found) == ["shop/cart-web", "shop/cart-worker"]
    assert "shop/cart-web, shop/cart-worker call themselves shop/cart" in found.warnings[0]


def test_a_selector_reaches_only_its_own_namespace():
    found = read_cluster(
        [workload("cart"), workload("cart", namespace="staging")],
        [service("cart"), service("cart", namespace="qa")],
    )

    assert names(found) == ["shop/cart", "staging/cart", "qa/cart"]


def test_a_service_without_a_selector_selects_nothing():
    found = read_cluster([workload("cart")], [service("by-hand", selector={})])

    assert names(found) == ["shop/cart", "shop/by-hand"]
    assert not any("by-hand" in warning for warning in found.warnings)


def test_a_service_in_front_of_what_was_not_read_is_a_service_and_that_is_told():
    found = read_cluster([], [service("rollout")])

    assert names(found) == ["shop/rollout"]
    assert found.warnings[0].startswith("shop/rollout: selected by no Deployment")


def test_the_api_server_itself_is_no_service():
    assert not names(read_cluster([], [service("kubernetes", namespace="default", selector={})]))


def test_external_names_are_external_services_and_cluster_names_are_not():
    found = read_cluster(
        [workload("cart", annotations={DEPENDS_ON: "bank, old-orders"}), workload("orders")],
        [
            service("bank", external="API.Bank.example."),
            service("orders"),
            service("old-orders", external="orders.shop.svc.cluster.local"),
            service("gone", external="nobody.shop.svc.cluster.local"),
        ],
    )

    assert {one.source_name: one.external for one in found.services} == {
        "shop/cart": None,
        "shop/orders": None,
        "api.bank.example": True,
    }
    assert calls(found) == {("shop/cart", "api.bank.example"), ("shop/cart", "shop/orders")}
    assert any("shop/gone stands for nobody.shop.svc.cluster.local" in warning for warning in found.warnings)


@pytest.mark.parametrize(
    ("written", "means"),
    [
        ("ledger", "shop/general-ledger"),
        ("general-ledger", "shop/general-ledger"),
        ("pay/cards", "pay/cards"),
        ("cards.pay", "pay/cards"),
        ("cards.pay.svc", "pay/cards"),
        ("cards.pay.svc.cluster.local", "pay/cards"),
        ("cards-0.cards.pay.svc.cluster.local", "pay/cards"),
        ("API.Bank.example:external", "api.bank.example"),
    ],
)
def test_a_stated_dependency_is_found_by_any_of_its_names(written, means):
    found = read_cluster(
        [workload("cart", annotations={DEPENDS_ON: written}), workload("general-ledger")],
        [service("ledger", selector={"app": "general-ledger"}), service("cards", namespace="pay")],
    )

    assert calls(found) == {("shop/cart", means)}
    assert found.complete


def test_what_is_stated_of_a_dependency_reaches_its_edge():
    stated = "cards.pay:soft:async\nledger:Degraded, ledger"
    found = read_cluster(
        [workload("cart", pod_annotations={DEPENDS_ON: stated}), workload("ledger")],
        [service("cards", namespace="pay")],
    )

    edges = {call.dependency: call.attributes for call in found.dependencies}
    assert edges["pay/cards"].criticality is DependencyCriticality.SOFT
    assert edges["pay/cards"].mode is DependencyMode.ASYNC
    # Stated twice: the harder reading, which is the one that leaves it to the default.
    assert edges["shop/ledger"].criticality is None


def test_a_service_may_state_for_what_stands_behind_it_and_statements_add_up():
    found = read_cluster(
        [workload("cart", annotations={DEPENDS_ON: "a"}), workload("a"), workload("b")],
        [service("cart", annotations={DEPENDS_ON: "b"})],
    )

    assert calls(found) == {("shop/cart", "shop/a"), ("shop/cart", "shop/b")}


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("legder", "there is no Service or workload 'legder' in namespace 'shop'"),
        ("ledger:8080", "8080 is none of sync, async"),
        ("ledger:soft:hard", "hard contradicts"),
        ("ledger:", "nothing is none of"),
        (":soft", "nothing is no name"),
        ("https://ledger", "//ledger is none of"),
        ("pair", "leads to several services (shop/cart, shop/ledger)"),
    ],
)
def test_a_typing_mistake_is_told_and_withdraws_nothing(written, told):
    found = read_cluster(
        [workload("ledger", pod={"x": "y"}), workload("cart", pod={"x": "y"}, annotations={DEPENDS_ON: written})],
        [service("pair", selector={"x": "y"})],
    )

    assert not found.dependencies
    assert any(f"{DEPENDS_ON} of shop/cart: " in warning and told in warning for warning in found.warnings)
    assert not found.is_listing


def test_a_namespace_that_is_not_read_is_taken_at_its_word():
    annotated = [workload("cart", annotations={DEPENDS_ON: "pay/cards"})]

    assert calls(read_cluster(annotated, [], namespaces=["shop"])) == {("shop/cart", "pay/cards")}
    assert not calls(read_cluster(annotated, [], namespaces=["shop", "pay"]))
    assert not calls(read_cluster(annotated, []))


def test_a_few_namespaces_withdraw_nothing_of_others():
    some = read_cluster([workload("cart")], [], namespaces=["shop"])
    whole = read_cluster([workload("cart")], [])

    assert (some.complete, some.complete_for_named) == (False, True)
    assert (whole.complete, whole.complete_for_named) == (True, False)
    assert not read_cluster([], [], namespaces=["shop"]).is_listing


def test_nothing_depends_on_itself():
    assert not calls(read_cluster([workload("cart", annotations={DEPENDS_ON: "cart"})], [service("cart")]))


def test_team_and_criticality_come_from_labels_and_annotations():
    rules = ReadingRules(team_keys=("sloengine.dev/team", "team", "owner"))
    found = read_cluster(
        [
            workload(
                "cart", labels={"team": "web", "owner": "jo"}, annotations={"sloengine.dev/criticality": "High"}
            ),
            workload("cards", pod={"owner": "pay"}),
            workload("odd", annotations={"sloengine.dev/criticality": "very"}),
        ],
        [
            service("cart", annotations={"sloengine.dev/criticality": "critical"}),
            service("cards", annotations={"sloengine.dev/team": "payments"}),
        ],
        rules,
    )

    said = {one.source_name: (one.team, one.criticality) for one in found.services}
    assert said == {
        "shop/cart": ("web", Criticality.CRITICAL),
        "shop/cards": ("payments", None),
        "shop/odd": (None, None),
    }
    assert any("sloengine.dev/criticality of shop/odd is 'very'" in warning for warning in found.warnings)


def test_without_a_setting_an_owner_is_kept_and_no_team_comes_of_it():
    found = read_cluster([workload("cart", labels={"team": "web", "owner": "jo"})], [service("cart")])

    [cart] = found.services
    assert cart.team is None
    assert cart.metadata["kubernetes"]["owner"] == "web"


def test_where_teams_are_named_no_other_is_taken():
    rules = ReadingRules(team_keys=("team",), teams=("web",))
    found = read_cluster(
        [workload("cart", labels={"team": "web"}), workload("pay", labels={"team": "x"})], [], rules
    )

    assert {one.source_name: one.team for one in found.services} == {"shop/cart": "web", "shop/pay": None}
    assert any("shop/pay states the team 'x'" in warning for warning in found.warnings)


def test_keys_are_a_choice():
    rules = ReadingRules(name_keys=("app",), team_keys=(), criticality_key="tier", depends_on_key="calls")
    found = read_cluster(
        [
            workload(
                "v1-cart", pod={"app": "cart"}, labels={"team": "web", "tier": "low"}, annotations={"calls": "b"}
            ),
            workload("b"),
        ],
        [],
        rules,
    )

    assert names(found) == ["shop/cart", "shop/b"]
    assert (found.services[0].team, found.services[0].criticality) == (None, Criticality.LOW)
    assert calls(found) == {("shop/cart", "shop/b")}


def test_what_is_to_be_ignored_takes_its_service_along():
    found = read_cluster(
        [workload("debug", labels={"sloengine.dev/ignore": "true"}), workload("cart")],
        [service("debug"), service("cart"), service("both", selector={"app": "cart"})],
    )

    assert names(found) == ["shop/cart"]
    assert [out.source_name for out in found.left_out] == ["shop/debug", "shop/debug"]


def test_an_empty_cluster_withdraws_nothing():
    found = read_cluster([], [])

    assert not found.complete
    assert found.warnings


def test_the_same_cluster_reads_the_same_in_any_order():
    runs = [workload("cart", annotations={DEPENDS_ON: "b"}), workload("b"), workload("c", pod={NAME: "b"})]
    fronts = [service("cart"), service("b")]

    one, other = read_cluster(runs, fronts), read_cluster(runs[::-1], fronts[::-1])

    assert sorted(names(one)) == sorted(names(other))
    assert calls(one) == calls(other)


def test_thousands_of_services_of_one_namespace_are_read_in_time():
    count = 3_000
    runs = [
        workload(f"s{n}", pod={"tier": "x"}, annotations={DEPENDS_ON: f"s{(n + 1) % count}"}) for n in range(count)
    ]
    fronts = [service(f"s{n}", selector={"app": f"s{n}", "tier": "x"}) for n in range(count)]

    # Every selector against every workload would be 9 million looks, some seconds.
    spent, found = processor_seconds(lambda: read_cluster(runs, fronts), 1.5)

    assert len(found.dependencies) == count
    assert spent < 1.5
