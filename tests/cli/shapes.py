"""Does a JSON value have the shape of a GraphQL type?"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    GraphQLUnionType,
    build_schema,
    is_leaf_type,
)

SCHEMA_FILE = Path(__file__).parents[2] / "graphql" / "schema.graphql"
# An object that another one leads to carries its identity only.
REFERENCES = {
    "Service": {"id", "serviceId"},
    "Recommendation": {"id"},
    "Journey": {"id", "name"},
    "AuditEvent": {"id"},
    "CircularDependencyAlert": {"id"},
    "Divergence": {"id"},
    "DriftEvent": {"id"},
    "Ingestion": {"id"},
    "Slo": {"id"},
}

# What has a command of its own: of a service, `sloengine drift` says what it does not judge.
ELSEWHERE = {"Service": {"notJudged"}}


@cache
def schema() -> GraphQLSchema:
    return build_schema(SCHEMA_FILE.read_text(encoding="utf-8"))


def check(value: Any, type_name: str, *, stored: bool = True) -> None:
    """Raise ``AssertionError`` where the value differs. ``stored`` False: ids are null."""
    _check_object(value, _object_type(type_name), type_name, stored=stored, whole=True)


def _object_type(name: str) -> GraphQLObjectType:
    found = schema().type_map[name]
    assert isinstance(found, GraphQLObjectType)
    return found


def _check_object(value: Any, kind: GraphQLObjectType, path: str, *, stored: bool, whole: bool) -> None:
    assert isinstance(value, dict), f"{path}: {value!r} is no object"
    unknown = value.keys() - kind.fields.keys()
    assert not unknown, f"{path}: {kind.name} has no {sorted(unknown)}"
    needed = _own_fields(kind) if whole else REFERENCES[kind.name]
    missing = needed - value.keys()
    assert not missing, f"{path}: {sorted(missing)} missing"
    for name, inner in value.items():
        _check(inner, kind.fields[name].type, f"{path}.{name}", stored=stored)


def _own_fields(kind: GraphQLObjectType) -> Collection[str]:
    """What an object says of itself: all but what asks for arguments, and what may be absent as another object."""
    own = {name for name, field in kind.fields.items() if _is_own(field)}
    return own - ELSEWHERE.get(kind.name, set())


def _is_own(field: GraphQLField) -> bool:
    return not field.args and (isinstance(field.type, GraphQLNonNull) or is_leaf_type(field.type))


def _check(value: Any, kind: GraphQLOutputType, path: str, *, stored: bool) -> None:
    if isinstance(kind, GraphQLNonNull):
        is_id = getattr(kind.of_type, "name", None) == "ID"
        assert value is not None or (is_id and not stored), f"{path} is null"
        if is_id and not stored:
            assert value is None, f"{path}: an id where there is no database"
        kind = kind.of_type
    if value is None:
        return
    if isinstance(kind, GraphQLList):
        assert isinstance(value, list), f"{path}: {value!r} is no list"
        for position, item in enumerate(value):
            _check(item, kind.of_type, f"{path}[{position}]", stored=stored)
    elif isinstance(kind, GraphQLObjectType):
        whole = kind.name not in REFERENCES or value.keys() > REFERENCES[kind.name]
        _check_object(value, kind, path, stored=stored, whole=whole)
    elif isinstance(kind, GraphQLUnionType):
        fitting = [one for one in kind.types if isinstance(value, dict) and value.keys() <= one.fields.keys()]
        assert len(fitting) == 1, f"{path}: {value!r} is none of {kind.name}"
        _check_object(value, fitting[0], path, stored=stored, whole=True)
    elif isinstance(kind, GraphQLEnumType):
        assert value in kind.values, f"{path}: {value!r} is no {kind.name}"
    else:
        assert _is_scalar(value, getattr(kind, "name", "")), f"{path}: {value!r} is no {kind}"


def _is_scalar(value: Any, name: str) -> bool:
    match name:
        case "Boolean":
            return isinstance(value, bool)
        case "Int":
            return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**31
        case "Float":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "String" | "ID":
            return isinstance(value, str)
        case "DateTime":
            return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
        case "JSON":
            return True
    raise AssertionError(f"no rule for {name}")
