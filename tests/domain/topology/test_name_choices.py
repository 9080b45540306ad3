from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sloengine.domain.errors import Conflict, Invalid, NotFound
from sloengine.domain.topology.name_choices import NameChoice, choose
from sloengine.domain.topology.name_decisions import RememberedName

SHOP = RememberedName("search", ("shop", ""), "search", "shop/search")
BANK = RememberedName("search", ("bank", ""), "bank/search", "bank/search")
CATALOGUE = RememberedName("search", ("default", "component"), "search", "component:default/search")


def test_who_gets_the_short_id_takes_it_from_its_namesake_and_from_nobody_else():
    chosen = choose([SHOP, BANK, CATALOGUE], ("bank", ""), NameChoice.SHORT_ID, "bank/search")

    assert [(name.source_name, name.service_id) for name in chosen.after] == [
        ("bank/search", "search"),
        ("shop/search", "shop/search"),
    ]
    assert chosen.in_words == "bank/search is search; shop/search is shop/search"


def test_a_name_can_give_its_short_id_up_or_be_forgotten():
    full = choose([SHOP, BANK], ("shop", ""), NameChoice.FULL_NAME, "search")
    gone = choose([SHOP, BANK], ("shop", ""), NameChoice.FORGET, "search")

    assert [name.service_id for name in full.after] == ["shop/search"]
    assert (gone.after, gone.forgotten) == ((), True)


def test_what_is_so_already_is_unknown_or_was_decided_meanwhile_is_refused():
    with pytest.raises(Invalid, match="already"):
        choose([SHOP], ("shop", ""), NameChoice.SHORT_ID, "search")
    with pytest.raises(NotFound):
        choose([SHOP], ("bank", ""), NameChoice.FORGET, "bank/search")
    with pytest.raises(Conflict, match="by now"):
        choose([SHOP], ("shop", ""), NameChoice.FULL_NAME, "shop/search")


@given(
    st.lists(st.sampled_from("abcdef"), min_size=1, unique=True),
    st.lists(st.tuples(st.integers(0, 5), st.sampled_from(NameChoice)), max_size=8),
)
def test_after_any_choices_one_name_at_most_owns_the_short_id(namespaces: list[str], choices):
    names = {
        (one, ""): RememberedName("s", (one, ""), "s" if place == 0 else f"{one}/s", f"{one}/s")
        for place, one in enumerate(namespaces)
    }
    for place, choice in choices:
        if not names:
            break
        name = list(names.values())[place % len(names)]
        try:
            chosen = choose(names.values(), name.told_apart_by, choice, name.service_id)
        except Invalid:
            continue
        names.update({one.told_apart_by: one for one in chosen.after})
        if chosen.forgotten:
            del names[name.told_apart_by]

        assert sum(one.owns for one in names.values()) <= 1
        assert len({one.service_id for one in names.values()}) == len(names)
