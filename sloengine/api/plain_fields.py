"""Fields that are read off an object without further ado, resolved without further ado.

Strawberry sends every field through a chain of calls that only those with a resolver of their own need; much of
the time of a cached answer went there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import strawberry
from graphql import GraphQLObjectType, GraphQLResolveInfo


def resolve_plain_fields_directly(schema: strawberry.Schema) -> None:
    """Give each field without resolver, extensions and arguments a function that reads its attribute."""
    for name, kind in schema._schema.type_map.items():
        definition = schema.get_type_by_name(name)
        if not isinstance(kind, GraphQLObjectType) or definition is None or not hasattr(definition, "fields"):
            continue
        for field in definition.fields:
            target = kind.fields.get(schema.config.name_converter.get_graphql_name(field))
            if field.is_basic_field and target is not None and getattr(target.resolve, "_is_default", False):
                target.resolve = _attribute(field.python_name)


def _attribute(name: str) -> Callable[[Any, GraphQLResolveInfo[Any]], Any]:
    def read(source: Any, _info: GraphQLResolveInfo[Any]) -> Any:
        return getattr(source, name)

    return read
