"""Plain fields take a short cut; whatever happens on it must look as it does on the usual way."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import pytest
import strawberry
from strawberry import relay

from sloengine.api.plain_fields import PlainFieldExecutor, mark_plain_fields
from sloengine.api.plain_selections import LINK, PLAIN, PlainLink


@strawberry.enum
class Colour(StrEnum):
    RED = "red"


@strawberry.type
class Owner(relay.Node):
    owner_id: strawberry.Private[str]
    team: str

    @classmethod
    def resolve_id(cls, root: Owner, *, info: Any) -> str:
        return root.owner_id

    @classmethod
    def identified(cls, owner_id: str) -> Owner:
        return cls(owner_id=owner_id, team="read from the database")


def owned(attribute: str, answers: frozenset[str]) -> Any:
    def resolve(self: Any) -> Owner | None:
        owner_id = getattr(self, attribute)
        return None if owner_id is None else Owner.identified(owner_id)

    link = PlainLink(attribute, lambda: Owner.identified, answers)
    return strawberry.field(resolver=resolve, metadata={LINK: link})


@strawberry.type
class Part:
    name: str
    owner_id: strawberry.Private[str | None] = None
    size: float | None = None
    owner: Owner | None = owned("owner_id", frozenset({"id", "__typename"}))


@strawberry.type
class Thing:
    number: float
    maybe: float | None
    colour: Colour
    at: datetime
    words: list[str]
    identity: strawberry.ID
    parts: list[Part]
    main: Part | None
    gaps: list[Part | None]
    owners: list[Owner]
    renamed: int = strawberry.field(name="otherName")

    @strawberry.field
    def computed(self) -> str:
        return f"computed {self.number}"


PARTS = [Part(name="a", owner_id="o1", size=1.0), Part(name="b")]
GOOD: dict[str, Any] = {
    "number": 1.5,
    "maybe": None,
    "colour": Colour.RED,
    "at": datetime(2026, 1, 1, tzinfo=UTC),
    "words": ["a", "b"],
    "identity": "i",
    "renamed": 3,
    "parts": PARTS,
    "main": PARTS[0],
    "gaps": [PARTS[0], None],
    "owners": [Owner(owner_id="o1", team="t1"), Owner(owner_id="o2", team="t2")],
}
QUERY = """query($no: Boolean = false) {
  thing { number again: number maybe colour at words identity otherName computed __typename
    parts { ...P name size label: name @skip(if: $no) hidden: size @include(if: $no) owner { id ...Typed } }
    main { name ... on Part { size } owner { team } }
    gaps { name }
    owners { id team ... on Node { id } }
  } }
  fragment P on Part { __typename owner { __typename } }
  fragment Typed on Owner { __typename }"""


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
        {"parts": None},
        {"parts": [None]},
        {"parts": [PARTS[0], Part(name="c", size=math.nan), PARTS[1]]},
        {"parts": [Part(name=None)]},
        {"parts": "letters"},
        {"parts": [ValueError("a part that is an error")]},
        {"main": Part(name=None)},
        {"owners": [PARTS[0]]},
        {"owners": [Owner(owner_id="o1", team=None)]},
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

    marked = schema._schema.type_map["Thing"].extensions[PLAIN]

    assert set(marked.leaves) == {"__typename", "number", "maybe", "colour", "at", "identity", "otherName"}
    assert set(marked.objects) == {"parts", "main", "gaps", "owners"}


async def test_a_list_may_be_given_as_a_tuple_or_come_one_by_one():
    for parts in (tuple(PARTS), iter(PARTS)):
        whole = Thing(**{**GOOD, "parts": parts})
        short = await schemas(whole)[0].execute("{ thing { parts { name } } }")

        assert short.data == {"thing": {"parts": [{"name": "a"}, {"name": "b"}]}}


async def test_what_only_the_database_knows_is_not_taken_from_the_id():
    short, _ = schemas(Thing(**GOOD))
    plain = short._schema.type_map["Part"].extensions[PLAIN].objects["owner"]

    assert plain.answers == {"id", "__typename"}
    # "team" is asked of the main part's owner in QUERY: the resolver has to give it, and does.
    answer = await short.execute(QUERY)
    assert answer.data["thing"]["main"]["owner"]["team"] == "read from the database"


async def test_thousands_of_plain_objects_take_the_short_way(monkeypatch: pytest.MonkeyPatch):
    resolved: list[str] = []
    usual = PlainFieldExecutor.execute_field

    def watched(self: Any, parent_type: Any, source: Any, details: Any, *others: Any) -> Any:
        resolved.append(parent_type.name)
        return usual(self, parent_type, source, details, *others)

    monkeypatch.setattr(PlainFieldExecutor, "execute_field", watched)
    short, _ = schemas(Thing(**{**GOOD, "parts": PARTS * 1_000}))
    answer = await short.execute("{ thing { parts { name size owner { id } } } }")

    assert len(answer.data["thing"]["parts"]) == 2_000
    assert resolved == ["Query"]
