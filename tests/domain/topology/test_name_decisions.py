from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sloengine.domain.topology.dependency import DiscoverySource
from sloengine.domain.topology.name_decisions import RememberedName, RememberedNames, resolve_all
from sloengine.domain.topology.name_rules import DEFAULT_NAME_RULES, NameRules

OTEL, MESH, BACKSTAGE = DiscoverySource.OTEL, DiscoverySource.MESH, DiscoverySource.BACKSTAGE
SHOP = RememberedName("search", ("shop", ""), "search", "shop/search")
BANK = RememberedName("search", ("bank", ""), "bank/search", "bank/search")


def ids(found) -> dict[str, str | None]:
    return {name: one.service_id for name, one in found.by_name.items()}


def resolved(*names: str, known=(), aliases=None, source=OTEL):
    rules = NameRules(DEFAULT_NAME_RULES.rules, aliases or {})
    return resolve_all(source, names, rules, (), RememberedNames(known))


def test_the_first_full_name_owns_the_short_id_and_that_is_to_be_remembered():
    found = resolved("shop/search")

    assert ids(found) == {"shop/search": "search"}
    assert found.decided == (SHOP,)
    assert found.warnings == ()


def test_what_is_remembered_holds_for_every_form_of_the_name():
    forms = ("bank/search", "search.bank.svc", "search.bank.svc.cluster.local", "search.bank.svc.cluster.local:80")

    found = resolved(*forms, known=(SHOP, BANK))

    assert set(ids(found).values()) == {"bank/search"}
    assert found.decided == ()
    assert {name: one.rule for name, one in found.by_name.items()}["search.bank.svc"] == "cluster-address-short"


def test_nobody_owns_a_short_id_that_was_contested_from_the_start():
    both = resolved("shop/search", "bank/search")
    later = resolved("mail/search", known=both.decided)

    assert ids(both) == {"shop/search": "shop/search", "bank/search": "bank/search"}
    assert ids(later) == {"mail/search": "mail/search"}
    assert "bank/search, mail/search, shop/search would all be search" in later.warnings[0]


def test_an_alias_gives_its_namespace_the_id_and_no_other():
    found = resolved("search.shop.svc", "bank/search", aliases={"shop/search": "search"})

    assert ids(found) == {"search.shop.svc": "search", "bank/search": "bank/search"}
    assert "bank/search would be search, which is shop/search" in found.warnings[0]


def test_an_alias_overrides_what_is_remembered_and_is_not_remembered_itself():
    found = resolved(
        "bank/search", "search.bank.svc", "shop/search", known=(SHOP, BANK), aliases={"bank/search": "search"}
    )

    assert set(ids(found).values()) == {"search"}
    assert found.decided == ()
    assert found.warnings == ()


def test_an_alias_to_itself_ends_the_warning():
    found = resolved("bank/search", known=(SHOP, BANK), aliases={"bank/search": "bank/search"})

    assert ids(found) == {"bank/search": "bank/search"}
    assert found.warnings == ()


def test_a_bare_name_is_the_bare_id_and_told_of_where_it_could_be_several():
    clear = resolved("search", known=(SHOP,))
    unclear = resolved("search", "shop/search", known=(SHOP, BANK))

    assert ids(clear) == {"search": "search"}
    assert clear.warnings == ()
    assert ids(unclear) == {"search": "search", "shop/search": "search"}
    assert "search without a namespace could be any of bank/search, shop/search" in unclear.warnings[0]
    assert resolved("search", known=(SHOP, BANK)).warnings == unclear.warnings
    assert resolved("search", known=(SHOP, BANK), aliases={"search": "search"}).warnings == ()


def test_the_catalogue_and_the_cluster_meet_under_one_id_and_each_tells_its_own_apart():
    found = resolved("component:default/search", "resource:default/search", known=(SHOP,), source=BACKSTAGE)
    one = resolved("component:default/search", known=(SHOP,), source=BACKSTAGE)

    assert ids(one) == {"component:default/search": "search"}
    assert set(ids(found).values()) == {"component:default/search", "resource:default/search"}


FULL_NAMES = [
    form.format(namespace=namespace, name=name)
    for namespace in ("shop", "bank", "mail")
    for name in ("a", "b")
    for form in ("{namespace}/{name}", "{name}.{namespace}.svc.cluster.local", "{name}.{namespace}.svc")
]


def owner(full_name: str) -> tuple[str, ...]:
    one = DEFAULT_NAME_RULES.resolve(OTEL, full_name)
    return (str(one.service_id), *one.told_apart_by)


@given(
    st.lists(
        st.tuples(st.sampled_from([OTEL, MESH]), st.sets(st.sampled_from([*FULL_NAMES, "a", "b"]))), max_size=6
    )
)
def test_whatever_is_read_in_whatever_order_an_id_stays_and_is_one_services(readings):
    known: dict[tuple[str, tuple[str, ...]], RememberedName] = {}
    given_id: dict[str, str] = {}
    whose: dict[str, tuple[str, ...]] = {}
    for source, names in readings:
        found = resolve_all(source, sorted(names), DEFAULT_NAME_RULES, (), RememberedNames(known.values()))
        for name in found.decided:
            assert (name.short_id, name.told_apart_by) not in known
            known[name.short_id, name.told_apart_by] = name
        for full_name in names.intersection(FULL_NAMES):
            service_id = found.by_name[full_name].service_id
            assert given_id.setdefault(full_name, service_id) == service_id
            assert whose.setdefault(service_id, owner(full_name)) == owner(full_name)
