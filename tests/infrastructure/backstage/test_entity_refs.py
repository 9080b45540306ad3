"""References as Backstage's own documentation writes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sloengine.infrastructure.backstage.entity_refs import EntityRef, parse_ref

words = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,20}[A-Za-z0-9])?", fullmatch=True)


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("petstore", "group:shop/petstore"),
        ("default/petstore", "group:default/petstore"),
        ("user:jo", "user:shop/jo"),
        ("Component:Default/PetStore", "component:default/petstore"),
        (" api:petstore ", "api:shop/petstore"),
    ],
)
def test_kind_and_namespace_default_to_those_of_where_the_reference_stands(text, means):
    assert str(parse_ref(text, default_kind="Group", default_namespace="Shop")) == means


def test_a_field_without_a_default_kind_needs_it_spelled_out():
    with pytest.raises(ValueError, match="write component:checkout or resource:checkout"):
        parse_ref("checkout", default_kind=None)


@pytest.mark.parametrize("text", ["", ":", "/", "group:", "group:/x", "group:a/", "a/b/c", "a:b:c"])
def test_what_is_no_reference_is_refused(text):
    with pytest.raises(ValueError, match=r"no entity reference|which kind"):
        parse_ref(text, default_kind="component")


@given(words, words, words)
def test_a_whole_reference_is_read_as_written_whatever_the_case_and_defaults(kind, namespace, name):
    text = f"{kind}:{namespace}/{name}"

    read = parse_ref(text.swapcase(), default_kind="other", default_namespace="elsewhere")

    assert read == EntityRef(kind.lower(), namespace.lower(), name.lower())
    assert parse_ref(str(read), default_kind=None) == read
