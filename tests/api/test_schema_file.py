from __future__ import annotations

from pathlib import Path

import pytest
from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLInterfaceType, GraphQLObjectType, build_schema

from sloengine.api.print_schema import main, schema_text
from sloengine.api.schema import schema

FOLDER = Path(__file__).parents[2] / "graphql"
OWN = {name: kind for name, kind in schema._schema.type_map.items() if not name.startswith("__")}


def test_the_printed_schema_is_the_one_that_is_served():
    assert (FOLDER / "schema.graphql").read_text(encoding="utf-8") == schema_text(), "run `make schema`"


def test_it_is_printed_into_the_file_that_is_named(tmp_path: Path):
    main([str(tmp_path / "schema.graphql")])

    assert build_schema((tmp_path / "schema.graphql").read_text(encoding="utf-8")).query_type is not None


def test_the_folder_of_the_schema_does_not_hide_the_library():
    assert not list(FOLDER.rglob("__init__.py"))


@pytest.mark.parametrize("name", sorted(OWN))
def test_everything_is_described_for_somebody_who_has_never_seen_it(name: str):
    kind = OWN[name]

    assert kind.description
    if isinstance(kind, GraphQLEnumType):
        assert [value for value, known in kind.values.items() if not known.description] == []
    if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
        assert [field for field, known in kind.fields.items() if not known.description] == []
    if isinstance(kind, GraphQLObjectType):
        described = [
            f"{field}({argument}:)"
            for field, known in kind.fields.items()
            for argument, wanted in known.args.items()
            if not wanted.description
        ]
        assert described == []


def test_names_speak_of_callers_and_dependencies_only():
    text = schema_text().lower()

    assert "upstream" not in text
    assert "downstream" not in text
