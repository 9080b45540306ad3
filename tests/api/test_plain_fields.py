"""Plain fields take a short cut; whatever happens on it must look as it does on the usual way."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import pytest
import strawberry

from sloengine.api.plain_fields import PlainFieldExecutor, mark_plain_fields


@strawberry.enum
class Colour(StrEnum):
    RED = "red"


@strawberry.type
class Thing:
    number: float
    maybe: float | None
    colour: Colour
    at: datetime
    words: list[str]
    identity: strawberry.ID
    renamed: int = strawberry.field(name="otherName")

    @strawberry.field
    def computed(self) -> str:
        return f"computed {self.number}"


GOOD: dict[str, Any] = {
    "number": 1.5,
    "maybe": None,
    "colour": Colour.RED,
    "at": datetime(2026, 1, 1, tzinfo=UTC),
    "words": ["a", "b"],
    "identity": "i",
    "renamed": 3,
}
QUERY = "{ thing { number again: number maybe colour at words identity otherName computed __typename } }"


def schemas(value: Thing) -> tuple[strawberry.Schema, strawberry.Schema]:
    @strawberry.type
    class Query:
        @strawberry.field
        def thing(self) -> Thing | None:
            return value

    short = strawberry.Schema(Query, execution_context_class=PlainFieldExecutor)
    mark_plain_fields(short)
    return short, strawberry.Schema(Query)


async def answers(**what: Any) -> list[tuple[Any, Any]]:
    """Data and errors on the short and on the usual way."""
    results = [await schema.execute(QUERY) for schema in schemas(Thing(**{**GOOD, **what}))]
    return [(r.data, [(e.message, e.path, e.locations) for e in r.errors or ()]) for r in results]


async def test_the_short_way_gives_the_same_answer():
    short, usual = await answers()

    assert short == usual
    assert short[0]["thing"]["colour"] == "RED"
    assert short[0]["thing"]["otherName"] == 3
    assert short[1] == []


@pytest.mark.parametrize(
    "bad",
    [
        {"number": None},
        {"number": math.nan},
        {"number": "many"},
        {"maybe": math.inf},
        {"colour": "blue"},
        {"renamed": 2**40},
        {"words": None},
        {"words": [None]},
    ],
)
async def test_what_is_wrong_is_told_in_the_same_words_at_the_same_place(bad: dict[str, Any]):
    short, usual = await answers(**bad)

    assert short == usual
    assert short[1]


async def test_an_attribute_that_is_not_there_is_told_in_the_same_words():
    thing = Thing(**GOOD)
    del thing.number

    short, usual = [(await schema.execute(QUERY)).errors for schema in schemas(thing)]

    assert short
    assert usual
    assert (short[0].message, short[0].path) == (usual[0].message, usual[0].path)


def test_only_leaves_without_a_resolver_are_marked():
    schema, _ = schemas(Thing(**GOOD))

    marked = schema._schema.type_map["Thing"].extensions["sloengine-plain-leaves"]

    assert set(marked) == {"number", "maybe", "colour", "at", "identity", "otherName"}
