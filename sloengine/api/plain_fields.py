"""Fields that are read off an object without further ado, answered without further ado.

Most fields of an answer are an attribute that is a number, a text or an enum value. Strawberry and
graphql-core make a resolve info and a chain of calls for each; most of the time of a cached answer went there.
Where all that is selected of an object is of that kind, the selection becomes one function, and a list of a
thousand objects a thousand calls of it. Anything out of the ordinary (errors, null where there must be a value,
resolvers, arguments) takes the usual way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import strawberry
from graphql import GraphQLList, GraphQLNonNull, GraphQLObjectType, GraphQLResolveInfo
from graphql.pyutils import Path
from graphql.type import GraphQLResolveInfoHelpers
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from sloengine.api.plain_selections import (
    PLAIN,
    Plain,
    PlainFields,
    Unusual,
    has_directive,
    plain_fields_of,
    plain_selection,
)

_NONE = PlainFields(None)


class PlainFieldExecutor(StrawberryGraphQLCoreExecutionContext):
    """Answers plain fields at once, and leaves nothing behind that only the garbage collector can free."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        # These hold the executor, and it them: with all that it has collected it would wait for the collector,
        # which then stops every request for tens of milliseconds. No resolver here uses them.
        self.async_helpers = cast("GraphQLResolveInfoHelpers", None)
        # By type and selection; the selection is kept so that its id is not given to another one meanwhile.
        self._selections: dict[tuple[str, int], tuple[Any, Plain | None]] = {}

    def execute_field(
        self,
        parent_type: GraphQLObjectType,
        source: Any,
        field_details_list: Any,
        path: Path,
        position_context: Any,
    ) -> Any:
        """The value of one field, or an awaitable of it."""
        leaf = parent_type.extensions.get(PLAIN, _NONE).leaves.get(field_details_list[0].node.name.value)
        if leaf is not None:
            try:
                return leaf(source)
            except Exception:  # noqa: S110  (the usual way tells it properly)
                pass
        return super().execute_field(parent_type, source, field_details_list, path, position_context)

    def complete_object_value(
        self,
        return_type: GraphQLObjectType,
        field_details_list: Any,
        info: GraphQLResolveInfo[Any],
        path: Path,
        result: Any,
        position_context: Any,
    ) -> Any:
        """The answer for one object."""
        plain = self._plain(return_type, field_details_list) if position_context is None else None
        if plain is not None:
            try:
                return plain(result)
            except Exception:  # noqa: S110  (the usual way tells it properly)
                pass
        return super().complete_object_value(return_type, field_details_list, info, path, result, position_context)

    def complete_list_value(
        self,
        return_type: GraphQLList[Any],
        field_details_list: Any,
        info: GraphQLResolveInfo[Any],
        path: Path,
        result: Any,
        position_context: Any,
    ) -> Any:
        """The answer for a list; one object out of the ordinary, and all of it takes the usual way."""
        item = return_type.of_type
        kind = item.of_type if isinstance(item, GraphQLNonNull) else None
        if (
            position_context is None
            and isinstance(kind, GraphQLObjectType)
            and isinstance(result, list | tuple)
            and not has_directive(field_details_list, "stream")
        ):
            plain = self._plain(kind, field_details_list)
            if plain is not None:
                try:
                    return [plain(one) for one in result]
                except Exception:  # noqa: S110  (the usual way tells it properly)
                    pass
        return super().complete_list_value(return_type, field_details_list, info, path, result, position_context)

    def _plain(self, kind: GraphQLObjectType, field_details_list: Any) -> Plain | None:
        key = (kind.name, id(field_details_list))
        known = self._selections.get(key)
        if known is None:
            try:
                plain = plain_selection(kind, field_details_list, self.collect_subfields)
            except Unusual:
                plain = None
            self._selections[key] = known = (field_details_list, plain)
        return known[1]


def mark_plain_fields(schema: strawberry.Schema) -> None:
    """Find the fields without resolver, extensions and arguments of their own, once for a schema."""
    for name, kind in schema._schema.type_map.items():
        definition = schema.get_type_by_name(name)
        if not isinstance(kind, GraphQLObjectType) or definition is None or not hasattr(definition, "fields"):
            continue
        for field in definition.fields:
            target = kind.fields.get(schema.config.name_converter.get_graphql_name(field))
            if target is not None and field.is_basic_field and getattr(target.resolve, "_is_default", False):
                target.resolve = _attribute(field.python_name)
        kind.extensions[PLAIN] = plain_fields_of(schema, kind, definition)


def _attribute(name: str) -> Callable[[Any, GraphQLResolveInfo[Any]], Any]:
    def read(source: Any, _info: GraphQLResolveInfo[Any]) -> Any:
        return getattr(source, name)

    read._is_attribute = True  # type: ignore[attr-defined]
    return read
