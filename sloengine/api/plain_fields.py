"""Fields that are read off an object without further ado, answered without further ado.

Most fields of an answer are an attribute that is a number, a text or an enum value. Strawberry and
graphql-core make a resolve info and a chain of calls for each; most of the time of a cached answer went there.
Anything out of the ordinary (errors, null where there must be a value, lists, objects) takes the usual way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, cast

import strawberry
from graphql import GraphQLLeafType, GraphQLNonNull, GraphQLObjectType, GraphQLResolveInfo, Undefined
from graphql.pyutils import Path
from graphql.type import GraphQLResolveInfoHelpers, is_leaf_type
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

PLAIN = "sloengine-plain-leaves"


class PlainLeaf(NamedTuple):
    """Where a leaf's value is, and what makes an answer of it."""

    attribute: str
    coerce: Callable[[Any], Any]
    nullable: bool


class PlainFieldExecutor(StrawberryGraphQLCoreExecutionContext):
    """Answers plain leaves at once, and leaves nothing behind that only the garbage collector can free."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        # These hold the executor, and it them: with all that it has collected it would wait for the collector,
        # which then stops every request for tens of milliseconds. No resolver here uses them.
        self.async_helpers = cast("GraphQLResolveInfoHelpers", None)

    def execute_field(
        self,
        parent_type: GraphQLObjectType,
        source: Any,
        field_details_list: Any,
        path: Path,
        position_context: Any,
    ) -> Any:
        """The value of one field, or an awaitable of it."""
        leaf = parent_type.extensions.get(PLAIN, _NONE).get(field_details_list[0].node.name.value)
        if leaf is not None:
            value = getattr(source, leaf.attribute, Undefined)
            if value is None and leaf.nullable:
                return None
            if value is not None and value is not Undefined:
                try:
                    answer = leaf.coerce(value)
                except Exception:  # the usual way tells it properly
                    answer = None
                if answer is not None and answer is not Undefined:
                    return answer
        return super().execute_field(parent_type, source, field_details_list, path, position_context)


_NONE: dict[str, PlainLeaf] = {}


def mark_plain_fields(schema: strawberry.Schema) -> None:
    """Find the fields without resolver, extensions and arguments of their own, once for a schema."""
    for name, kind in schema._schema.type_map.items():
        definition = schema.get_type_by_name(name)
        if not isinstance(kind, GraphQLObjectType) or definition is None or not hasattr(definition, "fields"):
            continue
        leaves: dict[str, PlainLeaf] = {}
        for field in definition.fields:
            graphql_name = schema.config.name_converter.get_graphql_name(field)
            target = kind.fields.get(graphql_name)
            if not field.is_basic_field or target is None or not getattr(target.resolve, "_is_default", False):
                continue
            target.resolve = _attribute(field.python_name)
            nullable = not isinstance(target.type, GraphQLNonNull)
            leaf: Any = target.type if nullable else target.type.of_type
            if is_leaf_type(leaf):
                leaves[graphql_name] = PlainLeaf(field.python_name, _coerce(leaf), nullable)
        kind.extensions[PLAIN] = leaves


def _coerce(leaf: GraphQLLeafType) -> Callable[[Any], Any]:
    return leaf.coerce_output_value


def _attribute(name: str) -> Callable[[Any, GraphQLResolveInfo[Any]], Any]:
    def read(source: Any, _info: GraphQLResolveInfo[Any]) -> Any:
        return getattr(source, name)

    return read
