from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sloengine.domain.errors import Invalid
from sloengine.domain.topology.dependency import DiscoverySource
from sloengine.domain.topology.name_rules import ALIAS, DEFAULT_NAME_RULES, NameRule, NameRules
from tests.processor_time import processor_seconds

OTEL, MESH, K8S = DiscoverySource.OTEL, DiscoverySource.MESH, DiscoverySource.K8S
BACKSTAGE, MANUAL = DiscoverySource.BACKSTAGE, DiscoverySource.MANUAL


@pytest.mark.parametrize(
    ("source", "source_name", "service_id", "rule"),
    [
        (OTEL, "checkout", "checkout", None),
        (OTEL, "shop/checkout", "checkout", "namespace"),
        (OTEL, "user", None, "service-graph-user"),
        (MESH, "user", "user", None),
        (MESH, "shop/user", "user", "namespace"),
        (OTEL, "unknown", None, "unknown-peer"),
        (MESH, "shop/unknown", None, "unknown-in-namespace"),
        (MESH, "PassthroughCluster", None, "istio-passthrough"),
        (OTEL, "checkout.shop.svc.cluster.local", "checkout", "cluster-address"),
        (OTEL, "checkout.shop.svc.cluster.local:8080", "checkout", "cluster-address-port"),
        (K8S, "checkout.shop.svc", "checkout", "cluster-address-short"),
        (BACKSTAGE, "component:default/checkout", "checkout", "entity-ref"),
        (OTEL, "component:default/checkout", "checkout", "namespace"),
        (OTEL, "api.stripe.com", "api.stripe.com", None),
        (K8S, "shop/checkout-v2", "checkout-v2", "namespace"),
        (MANUAL, "shop/checkout", "shop/checkout", None),
    ],
)
def test_what_the_shipped_rules_make_of_names(source, source_name, service_id, rule):
    resolved = DEFAULT_NAME_RULES.resolve(source, source_name)

    assert (resolved.service_id, resolved.rule) == (service_id, rule)


def test_shipped_rules_pass_their_own_check():
    DEFAULT_NAME_RULES.check()


def test_an_alias_comes_before_any_rule_and_the_first_rule_before_later_ones():
    rules = NameRules(
        (NameRule("versions", "{name}-v{number}", "{name}"), NameRule("prefix", "prod-{name}", "{name}")),
        {"prod-legacy-v1": "old-checkout", "load-generator": None},
    )

    assert rules.resolve(K8S, "prod-legacy-v1").service_id == "old-checkout"
    assert rules.resolve(K8S, "prod-legacy-v1").rule == ALIAS
    assert rules.resolve(K8S, "load-generator").service_id is None
    assert rules.resolve(K8S, "prod-cart-v12").service_id == "prod-cart"
    assert rules.resolve(K8S, "prod-vault").service_id == "vault"
    assert rules.resolve(K8S, "my-vault").service_id == "my-vault"


def test_what_a_rule_leaves_out_of_the_id_tells_names_apart():
    first, second = (DEFAULT_NAME_RULES.resolve(OTEL, f"{namespace}/search") for namespace in ("shop", "bank"))

    assert first.service_id == second.service_id
    assert first.told_apart_by != second.told_apart_by


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        (NameRule("", "{name}", "{name}"), "name"),
        (NameRule("alias", "{name}", "{name}"), "name"),
        (NameRule("a", "", "x"), "pattern"),
        (NameRule("a", "{name", "x"), "pattern"),
        (NameRule("a", "{name}/{name}", "x"), "pattern"),
        (NameRule("a", "{a}.{b}.{c}.{d}", "{a}"), "pattern"),
        (NameRule("a", "{name}", "{nome}"), "serviceId"),
        (NameRule("a", "{name}", "{0.__class__}"), "serviceId"),
        (NameRule("a", "{name}", ""), "serviceId"),
    ],
)
def test_a_rule_that_cannot_work_is_refused_with_its_field(rule, field):
    with pytest.raises(Invalid) as caught:
        NameRules((rule,)).check()

    assert caught.value.path == ("input", "rules", "0", field)


def test_two_rules_of_one_name_are_refused():
    with pytest.raises(Invalid):
        NameRules((NameRule("a", "x", "y"), NameRule("a", "z", "y"))).check()


@given(st.text(max_size=253), st.sampled_from(list(DiscoverySource)))
def test_any_name_gets_an_answer_twice_the_same(source_name, source):
    first = DEFAULT_NAME_RULES.resolve(source, source_name)

    assert first == DEFAULT_NAME_RULES.resolve(source, source_name)
    assert first.rule is not None or first.service_id == source_name


def test_the_worst_name_for_the_worst_pattern_is_quick():
    rules = NameRules((NameRule("a", "{a}.{b}.{c}!", "{a}"),))
    rules.check()

    spent, _ = processor_seconds(lambda: rules.resolve(OTEL, "." * 253), 0.5)

    assert spent < 0.5
