"""Fields that lead to a service. Where a client asks only who it is, the id at hand is the answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from graphql import (
    EnumValueNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    SelectionNode,
    VariableNode,
)

from sloengine.api.context import Info
from sloengine.api.plain_selections import LINK, PlainLink
from sloengine.domain.errors import ServiceNotFound
from sloengine.domain.recommendation.model import SliType

if TYPE_CHECKING:
    from sloengine.api.topology.types import Service

# Fields of Service that need no more than its id: the rest is read from the graph.
ANSWERED_BY_ID = frozenset(
    {
        "__typename",
        "id",
        "serviceId",
        "dependencies",
        "callers",
        "supernode",
        "centrality",
        "sli",
        "sliSeries",
        "recommendation",
        "recommendations",
        "activeSlo",
        "auditLog",
    }
)

LazyService = Annotated["Service", strawberry.lazy("sloengine.api.topology.types")]


def service_link(attribute: str, description: str, *, nullable: bool = False) -> Any:
    """A field that leads to the service whose id is in ``attribute``."""

    def required(self: Any, info: Info) -> LazyService:
        return linked_service(info, getattr(self, attribute))  # type: ignore[return-value]

    def optional(self: Any, info: Info) -> LazyService | None:
        service_id = getattr(self, attribute)
        return None if service_id is None else linked_service(info, service_id)  # type: ignore[return-value]

    # What a client mostly asks of it is its id, for thousands of edges at once: see plain_fields.
    link = PlainLink(attribute, _identified, ANSWERED_BY_ID)
    return strawberry.field(
        resolver=optional if nullable else required, description=description, metadata={LINK: link}
    )


def _identified() -> Callable[[str], Service]:
    from sloengine.api.topology.types import Service  # noqa: PLC0415  (types lead to each other)

    return Service.identified


def linked_service(info: Info, service_id: str) -> Service | Awaitable[Service]:
    """The service: only its identity where that is all that is selected, else loaded with all others."""
    from sloengine.api.topology.types import Service  # noqa: PLC0415  (types lead to each other)

    if not needs_row(info):
        return Service.identified(service_id)
    return _loaded(info, service_id)


async def _loaded(info: Info, service_id: str) -> Service:
    from sloengine.api.topology.types import Service  # noqa: PLC0415  (types lead to each other)

    service = await info.context.topology.service_by_id.load(service_id)
    if service is None:
        raise ServiceNotFound(f"no service {service_id!r} in the graph any more")
    return Service.from_domain(service)


def needs_row(info: Info) -> bool:
    """Whether the selection on the current field asks for more of a service than its id answers."""
    raw = info._raw_info
    known = info.context.row_needed
    key = id(raw.field_nodes[0])
    if key not in known:
        known[key] = any(
            node.selection_set is not None and _asks_for_more(node.selection_set.selections, raw.fragments)
            for node in raw.field_nodes
        )
    return known[key]


def _asks_for_more(selections: Iterable[SelectionNode], fragments: dict[str, FragmentDefinitionNode]) -> bool:
    for selection in selections:
        if isinstance(selection, FieldNode):
            if selection.name.value not in ANSWERED_BY_ID:
                return True
        elif isinstance(selection, InlineFragmentNode):
            if _asks_for_more(selection.selection_set.selections, fragments):
                return True
        elif isinstance(selection, FragmentSpreadNode):
            fragment = fragments[selection.name.value]
            if _asks_for_more(fragment.selection_set.selections, fragments):
                return True
    return False


def selected_sli_types(info: Info) -> list[SliType]:
    """SLI types of the ``recommendation`` fields that stand directly in the selection on a service."""
    raw, variables = info._raw_info, info.variable_values
    types: dict[SliType, None] = {}
    for node in raw.field_nodes:
        for selection in node.selection_set.selections if node.selection_set else ():
            if isinstance(selection, FieldNode) and selection.name.value == "recommendation":
                for argument in selection.arguments or ():
                    value = argument.value
                    if isinstance(value, EnumValueNode) and value.value in SliType.__members__:
                        types[SliType[value.value]] = None
                    elif isinstance(value, VariableNode):
                        given = variables.get(value.name.value)
                        if isinstance(given, SliType):
                            types[given] = None
    return list(types)
