"""How much one operation may ask for: depth, aliases, and an estimate of how many fields its answer has.

Each fragment is measured once, however often it is spread, so that measuring is no way to keep the server busy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    EnumValueNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
)

MAX_TOKENS = 4_000
MAX_DEPTH = 16
MAX_ALIASES = 30
MAX_COST = 60_000

# How long lists without `first` usually are; others count as 3.
USUAL_LENGTHS: Mapping[str, int] = {
    "DependencyGraph.services": 100,
    "DependencyGraph.dependencies": 300,
    "Service.sliSeries": 168,
    "Backtest.series": 60,
    "CompositeBound.contributions": 10,
    "SharedCause.services": 50,
    "GenerateRecommendationsPayload.results": 40,
}
OTHER_LENGTH = 3
DEFAULT_PAGE = 50
_LONGEST_KIND = 40
_LONGEST_INT = 11


@dataclass(frozen=True, slots=True)
class WorkPerName:
    """What a field does for each of the names in its argument, however few fields of its answer are asked for.

    ``names``: the argument; left out, it stands for ``most``. ``kind``: the argument that says what is done.
    ``fields``: by the value of ``kind``, as many as a query for the same things would have for one name; a value
    that is not known counts as the dearest.
    """

    names: str
    most: int
    kind: str
    fields: Mapping[str, int]


# FILE holds name, entry points and routes of each journey. OPENSLO_V1 has both kinds of tiers worked out: as many
# fields as `journeys { nodes { name availability { … } latency { … } } }` with tiers and targets.
WORK: Mapping[str, WorkPerName] = {
    "Query.exportJourneys": WorkPerName("names", 200, "format", {"FILE": 20, "OPENSLO_V1": 110}),
}


@dataclass(frozen=True, slots=True)
class Measured:
    """``depth``: nested fields. ``cost``: estimated number of fields in the answer."""

    depth: int = 0
    aliases: int = 0
    cost: int = 0


class OperationMeasure:
    """Measures the operations of one valid document."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode) -> None:
        self._schema = schema
        self._fragments: dict[str, FragmentDefinitionNode] = {}
        self._operations: dict[str | None, OperationDefinitionNode] = {}
        for definition in document.definitions:
            if isinstance(definition, FragmentDefinitionNode):
                self._fragments[definition.name.value] = definition
            elif isinstance(definition, OperationDefinitionNode):
                self._operations[definition.name.value if definition.name else None] = definition
        self._sizes: dict[tuple[object, ...], Measured] = {}
        self._sizing_variables: dict[str, None] = {}
        for operation in self._operations.values():
            self._measure(operation, {})
        self._relevant = tuple(self._sizing_variables)

    def problem(self, operation_name: str | None, variables: Mapping[str, Any] | None) -> GraphQLError | None:
        """What is wrong with asking for this operation, if anything."""
        if operation_name is None and len(self._operations) > 1:
            return GraphQLError(
                "The document holds several operations; name one in operationName.",
                extensions={"code": "BAD_INPUT"},
            )
        measured = self.measured(operation_name, variables or {})
        for code, what, found, limit in (
            ("TOO_DEEP", "fields deep", measured.depth, MAX_DEPTH),
            ("TOO_MANY_ALIASES", "aliases", measured.aliases, MAX_ALIASES),
            (
                "TOO_COSTLY",
                "fields in the answer, as estimated from `first` or `names`,",
                measured.cost,
                MAX_COST,
            ),
        ):
            if found > limit:
                return GraphQLError(
                    f"The operation is too large: {found} {what} where {limit} are allowed. Ask for less at once.",
                    extensions={"code": code, "found": found, "limit": limit},
                )
        return None

    def measured(self, operation_name: str | None, variables: Mapping[str, Any]) -> Measured:
        """Size of the operation with these variables; remembered per page sizes, lengths and kinds."""
        operation = self._operations.get(operation_name) or next(iter(self._operations.values()))
        sizing = {name: _sizing(variables[name]) for name in self._relevant if name in variables}
        key = (operation_name, *sizing.items())
        if key not in self._sizes:
            if len(self._sizes) > 100:
                self._sizes.clear()
            self._sizes[key] = self._measure(operation, sizing)
        return self._sizes[key]

    def _measure(self, operation: OperationDefinitionNode, variables: Mapping[str, Any]) -> Measured:
        root = self._schema.get_root_type(operation.operation)
        defaults = {
            definition.variable.name.value: _sizing_literal(definition.default_value)
            for definition in operation.variable_definitions or ()
            if definition.default_value is not None
        }
        return self._selection(operation.selection_set, root, None, {**defaults, **variables}, {})

    def _selection(
        self,
        selection_set: SelectionSetNode,
        parent: Any,
        page: int | None,
        variables: Mapping[str, Any],
        seen: dict[tuple[str, int | None], Measured],
    ) -> Measured:
        depth = aliases = cost = 0
        for selection in selection_set.selections:
            if isinstance(selection, FieldNode):
                part = self._field(selection, parent, page, variables, seen)
            elif isinstance(selection, InlineFragmentNode):
                inner = parent
                if selection.type_condition is not None:
                    inner = self._schema.get_type(selection.type_condition.name.value)
                part = self._selection(selection.selection_set, inner, page, variables, seen)
            elif isinstance(selection, FragmentSpreadNode):
                key = (selection.name.value, page)
                if key not in seen:
                    fragment = self._fragments[selection.name.value]
                    inner = self._schema.get_type(fragment.type_condition.name.value)
                    seen[key] = self._selection(fragment.selection_set, inner, page, variables, seen)
                part = seen[key]
            else:
                continue
            depth, aliases, cost = max(depth, part.depth), aliases + part.aliases, cost + part.cost
        return Measured(depth, aliases, cost)

    def _field(
        self,
        node: FieldNode,
        parent: Any,
        page: int | None,
        variables: Mapping[str, Any],
        seen: dict[tuple[str, int | None], Measured],
    ) -> Measured:
        name, aliases = node.name.value, 1 if node.alias else 0
        if name.startswith("__") or not isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
            return Measured(0, aliases, 0)  # introspection has a depth rule of its own
        field = parent.fields[name]
        if node.selection_set is None:
            return Measured(1, aliases, 1)
        work = WORK.get(f"{parent.name}.{name}")
        done = 0 if work is None else self._work(work, node, variables)
        named = get_named_type(field.type)
        own_page = self._page_size(node, field, variables) if "first" in field.args else None
        length = 1
        if _is_list(field):
            usual = USUAL_LENGTHS.get(f"{parent.name}.{name}", OTHER_LENGTH)
            length = next((size for size in (own_page, page) if size is not None), usual)
            own_page = None  # it is this list that is cut, not one in its elements
        inner = self._selection(node.selection_set, named, own_page, variables, seen)
        return Measured(inner.depth + 1, aliases + inner.aliases, length * (1 + inner.cost) + done)

    def _page_size(self, node: FieldNode, field: GraphQLField, variables: Mapping[str, Any]) -> int:
        size = self._argument(node, "first", variables)
        if size is None:
            size = field.args["first"].default_value
        return max(1, size) if isinstance(size, int) else DEFAULT_PAGE

    def _work(self, work: WorkPerName, node: FieldNode, variables: Mapping[str, Any]) -> int:
        names = self._argument(node, work.names, variables)
        kind = self._argument(node, work.kind, variables)
        count = names.length if isinstance(names, Length) else work.most
        return count * (work.fields.get(kind) or max(work.fields.values()))

    def _argument(self, node: FieldNode, name: str, variables: Mapping[str, Any]) -> Any:
        """What the argument says of a size; None: it is null, left out, or says nothing."""
        for argument in node.arguments or ():
            if argument.name.value == name:
                if not isinstance(argument.value, VariableNode):
                    return _sizing_literal(argument.value)
                variable = argument.value.name.value
                self._sizing_variables[variable] = None
                return variables.get(variable)
        return None


@dataclass(frozen=True, slots=True)
class Length:
    """Of a list, all that its values say of a size."""

    length: int


def _sizing(value: Any) -> int | str | Length | None:
    """What a variable's value says of a size: a number, a kind, or how many there are. None: nothing."""
    if isinstance(value, list):
        return Length(len(value))
    if isinstance(value, float) and value.is_integer():
        return int(value)  # GraphQL takes 200.0 for an Int
    if isinstance(value, str) and len(value) > _LONGEST_KIND:
        return None  # what is remembered stays small
    return value if isinstance(value, int | str) else None


def _sizing_literal(node: ValueNode) -> int | str | Length | None:
    """The same of a value that stands in the document."""
    if isinstance(node, ListValueNode):
        return Length(len(node.values))
    if isinstance(node, IntValueNode):
        return int(node.value) if len(node.value) <= _LONGEST_INT else None
    return _sizing(node.value) if isinstance(node, EnumValueNode) else None


def _is_list(field: GraphQLField) -> bool:
    kind = field.type
    return isinstance(kind.of_type if isinstance(kind, GraphQLNonNull) else kind, GraphQLList)
