"""Entities written by hand, in the shape in which the catalogue API gives them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sloengine.domain.topology.dependency import DependencyMode
from sloengine.domain.topology.discovered import Discovered
from sloengine.domain.topology.service import Criticality
from sloengine.infrastructure.backstage.entities import read_entity
from sloengine.infrastructure.backstage.reading import CatalogueRules, read_catalogue

ENTITIES = json.loads((Path(__file__).parent / "entities.json").read_text())


def read(items: list[dict[str, Any]], rules: CatalogueRules | None = None) -> Discovered:
    return read_catalogue([entity for item in items if (entity := read_entity(item)) is not None], rules)


def component(name: str, *, namespace: str | None = None, kind: str = "Component", **spec: Any) -> dict[str, Any]:
    """As ``catalog-info.yaml`` has it, before the catalogue has worked out relations."""
    metadata = {"name": name} | ({} if namespace is None else {"namespace": namespace})
    return {"kind": kind, "metadata": metadata, "spec": {"type": "service", **spec}}


def calls(found: Discovered) -> set[tuple[str, str]]:
    return {(call.caller, call.dependency) for call in found.dependencies}


def test_components_and_resources_are_services_under_their_references():
    found = read(ENTITIES)

    names = {service.source_name for service in found.services}
    assert names == {
        "component:default/Storefront",
        "component:default/cart",
        "component:default/orders",
        "component:payments/card",
        "component:payments/invoice",
        "resource:default/session-cache",
    }
    shop = next(service for service in found.services if service.entity_ref == "component:default/storefront")
    assert (shop.name, shop.team) == ("Web shop", None)
    assert shop.metadata == {
        "backstage": {
            "kind": "component",
            "type": "website",
            "lifecycle": "production",
            "owners": ["group:default/web"],
            "systems": ["system:default/shop"],
            "name": "Web shop",
        }
    }


def test_a_call_may_only_be_visible_over_the_api_that_one_consumes_and_another_provides():
    found = read(ENTITIES)

    assert calls(found) == {
        ("component:default/Storefront", "component:default/cart"),
        ("component:default/Storefront", "resource:default/session-cache"),
        ("component:default/Storefront", "component:default/orders"),
        ("component:default/orders", "component:payments/card"),
        ("component:payments/invoice", "component:default/orders"),
        ("component:payments/invoice", "component:default/cart"),
    }
    said = {
        (call.caller.split("/")[1], call.dependency.split("/")[1]): call.attributes for call in found.dependencies
    }
    assert said["Storefront", "orders"].protocol == "http"
    assert said["orders", "card"].protocol == "grpc"
    assert said["invoice", "cart"].mode is DependencyMode.ASYNC
    assert said["Storefront", "cart"].mode is None


def test_what_is_not_known_is_said():
    told = "\n".join(read(ENTITIES).warnings)

    assert "component:default/moved-away" in told
    assert "no component provides; who is called is not known: api:default/postcodes" in told
    assert "several providers" in told
    assert "api:default/order-events (component:default/orders, component:default/cart)" in told
    assert "owned by a person and by no group, so without a team: component:default/orders" in told


def test_nothing_of_a_person_is_kept():
    found = read(ENTITIES)

    orders = next(service for service in found.services if service.source_name == "component:default/orders")
    assert orders.team is None
    assert "jo" not in json.dumps([dict(service.metadata) for service in found.services])


def test_a_library_is_not_called_at_run_time():
    found = read(ENTITIES)

    assert [(out.source_name, out.reason) for out in found.left_out] == [
        ("component:default/money-library", "a component of type library is not called at run time")
    ]
    assert not any("money-library" in end for pair in calls(found) for end in pair)


def test_a_missing_target_withdraws_nothing_by_itself_and_the_listing_stays_complete():
    assert read(ENTITIES).complete


def test_lifecycle_is_kept_as_a_label():
    kept = {
        service.source_name.split("/")[1]: service.metadata["backstage"] for service in read(ENTITIES).services
    }

    assert kept["orders"]["lifecycle"] == "deprecated"
    assert kept["invoice"]["lifecycle"] == "experimental"


@pytest.mark.parametrize("half", ["here", "there"])
def test_either_half_of_a_pair_of_relations_is_enough(half):
    shop, cart = component("shop"), component("cart")
    if half == "here":
        shop["relations"] = [{"type": "dependsOn", "targetRef": "component:default/cart"}]
    else:
        cart["relations"] = [{"type": "dependencyOf", "targetRef": "component:default/shop"}]

    assert calls(read([shop, cart])) == {("component:default/shop", "component:default/cart")}


@pytest.mark.parametrize("consumer", ["consumer", "api"])
@pytest.mark.parametrize("provider", ["provider", "api"])
def test_two_hops_are_found_from_any_end(consumer, provider):
    shop, cart = component("shop"), component("cart")
    api: dict[str, Any] = {
        "kind": "API",
        "metadata": {"name": "carts"},
        "spec": {"type": "openapi"},
        "relations": [],
    }
    if consumer == "consumer":
        shop["relations"] = [{"type": "consumesApi", "targetRef": "api:default/carts"}]
    else:
        api["relations"].append({"type": "apiConsumedBy", "targetRef": "component:default/shop"})
    if provider == "provider":
        cart["relations"] = [{"type": "providesApi", "targetRef": "api:default/carts"}]
    else:
        api["relations"].append({"type": "apiProvidedBy", "targetRef": "component:default/cart"})

    assert calls(read([shop, cart, api])) == {("component:default/shop", "component:default/cart")}


def test_references_of_a_spec_default_to_its_own_namespace_and_to_the_kind_of_their_field():
    found = read(
        [
            component(
                "Shop", namespace="Retail", owner="web", dependsOn=["component:CART"], consumesApis=["prices"]
            ),
            component("cart", namespace="retail"),
            component("cart"),
            component("pricing", namespace="retail", providesApis=["prices"]),
            component("prices", namespace="retail", kind="API"),
        ]
    )

    assert calls(found) == {
        ("component:retail/Shop", "component:retail/cart"),
        ("component:retail/Shop", "component:retail/pricing"),
    }
    assert found.services[0].metadata["backstage"]["owners"] == ["group:retail/web"]


def test_a_dependency_without_a_kind_is_refused_and_nothing_is_withdrawn_for_it():
    found = read([component("shop", dependsOn=["cart", "component:cart"]), component("cart")])

    assert calls(found) == {("component:default/shop", "component:default/cart")}
    assert "spec.dependsOn of component:default/shop: 'cart' does not say which kind" in found.warnings[0]
    assert not found.complete


def test_old_relations_have_their_target_in_parts():
    shop = component("shop")
    shop["relations"] = [
        {"type": "dependsOn", "target": {"kind": "Component", "namespace": "default", "name": "CART"}}
    ]

    assert calls(read([shop, component("cart")])) == {("component:default/shop", "component:default/cart")}


def test_a_component_and_a_resource_of_one_name_are_two():
    found = read([component("db", dependsOn=["resource:db"]), component("db", kind="Resource")])

    assert calls(found) == {("component:default/db", "resource:default/db")}


def test_an_annotation_states_the_service_id_outright():
    shop = component("shop", dependsOn=["component:cart"])
    cart = component("cart")
    cart["metadata"]["annotations"] = {"sloengine.dev/service": "basket"}

    found = read([shop, cart])

    assert calls(found) == {("component:default/shop", "basket")}
    assert next(s for s in found.services if s.source_name == "basket").entity_ref == "component:default/cart"


def test_criticality_comes_from_the_annotation_and_else_from_tags():
    rules = CatalogueRules(criticality_tags={"tier-1": Criticality.CRITICAL, "java": Criticality.LOW})
    wrong = component("wrong")
    wrong["metadata"]["annotations"] = {"sloengine.dev/criticality": "very"}

    found = read([*ENTITIES, wrong], rules)

    said = {service.source_name.split("/")[1]: service.criticality for service in found.services}
    assert (said["Storefront"], said["cart"], said["orders"]) == (Criticality.CRITICAL, Criticality.HIGH, None)
    assert said["wrong"] is None
    assert any("component:default/wrong (very)" in warning for warning in found.warnings)


def test_tags_say_nothing_unless_a_mapping_does():
    assert next(s for s in read(ENTITIES).services if s.name == "Web shop").criticality is None


def test_where_teams_are_mapped_only_mapped_groups_become_teams():
    found = read(ENTITIES, CatalogueRules(teams={"group:default/web": "storefront-team"}))

    teams = {service.source_name.split("/")[1]: service.team for service in found.services}
    assert (teams["cart"], teams["card"]) == ("storefront-team", None)
    assert any("mapping of teams leaves out: group:payments/core" in warning for warning in found.warnings)


def test_without_a_mapping_owners_are_kept_and_no_group_is_a_team():
    found = read(ENTITIES)

    assert {service.team for service in found.services} == {None}
    owned = [service for service in found.services if "owners" in service.metadata["backstage"]]
    assert any("group:default/web" in service.metadata["backstage"]["owners"] for service in owned)


def test_an_api_named_as_a_dependency_leads_to_who_provides_it():
    found = read(
        [
            component("shop", dependsOn=["api:carts"]),
            component("cart", providesApis=["carts"]),
            component("carts", kind="API"),
        ]
    )

    assert calls(found) == {("component:default/shop", "component:default/cart")}


def test_an_empty_catalogue_withdraws_nothing():
    found = read([])

    assert not found.complete
    assert found.warnings


def test_items_that_are_no_entities_are_passed_over():
    assert [read_entity(item) for item in ({}, {"kind": "Component"}, {"kind": 3, "metadata": []})] == [None] * 3
