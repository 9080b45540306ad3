from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sloengine.domain.topology.dependency import DependencyMode, DiscoverySource, EdgeAttributes
from sloengine.domain.topology.discovered import Discovered, DiscoveredDependency, DiscoveredService, joined
from sloengine.domain.topology.name_reconciliation import reconcile
from sloengine.domain.topology.name_rules import DEFAULT_NAME_RULES, NameRules

OTEL, BACKSTAGE = DiscoverySource.OTEL, DiscoverySource.BACKSTAGE


def calls(*pairs: str, **given_: object) -> tuple[DiscoveredDependency, ...]:
    return tuple(DiscoveredDependency(*pair.split(">"), **given_) for pair in pairs)


def pairs(found) -> list[str]:
    return sorted(f"{call.caller}>{call.dependency}" for call in found.dependencies)


def test_names_become_ids_and_it_is_told_by_which_rule():
    found = reconcile(
        OTEL, Discovered(dependencies=calls("shop/web>checkout", "checkout>db:5432")), DEFAULT_NAME_RULES
    )

    assert pairs(found) == ["checkout>db:5432", "web>checkout"]
    assert [(one.source_name, one.service_id, one.rule) for one in found.renamed] == [
        ("shop/web", "web", "namespace")
    ]


def test_user_and_unknown_are_left_out_with_the_rule_that_says_so():
    found = reconcile(
        OTEL, Discovered(dependencies=calls("user>web", "web>unknown", "web>cart")), DEFAULT_NAME_RULES
    )

    assert pairs(found) == ["web>cart"]
    assert {(one.source_name, one.reason) for one in found.left_out} == {
        ("user", "no service, by rule service-graph-user"),
        ("unknown", "no service, by rule unknown-peer"),
    }


def test_two_namespaces_with_one_service_name_keep_their_full_names_and_a_person_is_asked():
    found = reconcile(
        OTEL, Discovered(dependencies=calls("web>shop/search", "web>bank/search")), DEFAULT_NAME_RULES
    )

    assert pairs(found) == ["web>bank/search", "web>shop/search"]
    assert found.renamed == ()
    assert any("bank/search" in text and "shop/search" in text and "alias" in text for text in found.warnings)


def test_an_alias_to_both_makes_them_one_and_their_calls_add_up():
    rules = NameRules(DEFAULT_NAME_RULES.rules, {"shop/search": "search", "bank/search": "search"})
    found = reconcile(
        OTEL,
        Discovered(
            dependencies=calls("web>shop/search", "web>bank/search", calls=30.0, failed_calls=1.0),
            requests={"prod/web": 20.0},
        ),
        rules,
    )

    [edge] = found.dependencies
    assert (edge.calls, edge.failed_calls, edge.attributes.call_weight) == (60.0, 2.0, 3.0)
    assert found.warnings == ()


def test_a_component_and_a_resource_of_one_name_are_two():
    services = tuple(
        DiscoveredService(ref, entity_ref=ref) for ref in ("component:default/orders", "resource:default/orders")
    )
    found = reconcile(BACKSTAGE, Discovered(services), DEFAULT_NAME_RULES)

    assert {service.source_name for service in found.services} == {
        "component:default/orders",
        "resource:default/orders",
    }
    assert len(found.warnings) == 1


def test_an_alias_that_merges_entities_is_told():
    rules = NameRules((), {"a": "x", "b": "x"})
    services = (
        DiscoveredService("a", entity_ref="component:default/a"),
        DiscoveredService("b", entity_ref="c:d/b"),
    )
    found = reconcile(BACKSTAGE, Discovered(services), rules)

    assert found.services[0].entity_ref == "component:default/a"
    assert "several entities: c:d/b, component:default/a" in found.warnings[0]


def test_a_service_registered_under_its_full_name_keeps_it():
    found = reconcile(
        OTEL, Discovered(dependencies=calls("shop/web>cart")), DEFAULT_NAME_RULES, registered={"shop/web"}
    )

    assert pairs(found) == ["shop/web>cart"]


def test_a_call_to_itself_is_left_out():
    rules = NameRules(DEFAULT_NAME_RULES.rules, {"web-v1": "web", "web-v2": "web"})
    found = reconcile(OTEL, Discovered(dependencies=calls("web-v1>web-v2", "web>cart")), rules)

    assert pairs(found) == ["web>cart"]
    assert found.left_out[0].source_name == "web"


def test_weights_need_the_callers_own_requests():
    found = reconcile(
        OTEL,
        Discovered(dependencies=calls("a>b", "c>b", calls=30.0), requests={"shop/a": 20.0}),
        DEFAULT_NAME_RULES,
    )

    weights = {call.caller: call.attributes.call_weight for call in found.dependencies}
    assert weights == {"a": 1.5, "c": None}


def test_requests_of_two_namespaces_are_not_put_together():
    found = reconcile(
        OTEL,
        Discovered(dependencies=calls("a>b", calls=30.0), requests={"shop/a": 20.0, "bank/a": 10.0}),
        DEFAULT_NAME_RULES,
    )

    assert found.dependencies[0].attributes.call_weight is None
    assert len(found.warnings) == 1


def test_sync_and_async_calls_of_one_pair_are_waited_for():
    queue, call = (EdgeAttributes(mode=mode) for mode in (DependencyMode.ASYNC, DependencyMode.SYNC))
    found = reconcile(
        OTEL,
        Discovered(dependencies=(*calls("a>x/b", attributes=queue), *calls("a>b", attributes=call))),
        DEFAULT_NAME_RULES,
    )

    assert [one.attributes.mode for one in found.dependencies] == [DependencyMode.SYNC]


def test_the_first_reading_speaks_and_later_ones_fill_in():
    first = Discovered(dependencies=calls("a>b", calls=5.0, attributes=EdgeAttributes(mode=DependencyMode.ASYNC)))
    second = Discovered(
        dependencies=calls(
            "a>b", calls=9.0, attributes=EdgeAttributes(mode=DependencyMode.SYNC, protocol="kafka")
        ),
        complete=True,
    )
    both = joined([first, second])

    [edge] = both.dependencies
    assert (edge.calls, edge.attributes.mode, edge.attributes.protocol) == (5.0, DependencyMode.ASYNC, "kafka")
    assert not both.complete


NAMES = st.sampled_from(["a", "b", "x/a", "y/a", "x/b", "a.x.svc.cluster.local", "user", "unknown", "x/c"])


@given(st.lists(st.tuples(NAMES, NAMES), max_size=20), st.randoms())
def test_the_order_of_what_was_found_does_not_matter(found, random):
    shuffled = list(found)
    random.shuffle(shuffled)

    def outcome(rows):
        result = reconcile(
            OTEL,
            Discovered(dependencies=tuple(DiscoveredDependency(*row, calls=1.0) for row in rows)),
            DEFAULT_NAME_RULES,
        )
        return sorted((call.caller, call.dependency, call.calls) for call in result.dependencies)

    assert outcome(found) == outcome(shuffled)


@pytest.mark.parametrize("source", list(DiscoverySource))
def test_nothing_found_is_nothing(source):
    found = reconcile(source, Discovered(), DEFAULT_NAME_RULES)

    assert (found.services, found.dependencies, found.warnings) == ((), (), ())
