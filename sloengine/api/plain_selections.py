"""A selection of nothing but plain fields, as one function from an object to its part of the answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from inspect import iscoroutinefunction
from operator import attrgetter
from typing import Any

import strawberry
from graphql import (
    GraphQLEnumType,
    GraphQLLeafType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLString,
    Undefined,
)
from graphql.type import is_leaf_type
from strawberry import relay
from strawberry.relay.utils import to_base64

PLAIN = "sloengine-plain-fields"
LINK = "sloengine-plain-link"

type Plain = Callable[[Any], Any]
"""From an object to (a part of) the answer; raises anything at all when it is out of the ordinary."""


class Unusual(Exception):
    """Not plain: the usual way has to deal with it."""


@dataclass(frozen=True, slots=True)
class PlainLink:
    """Metadata of a field that leads to an object of which the id in ``attribute`` answers some fields.

    ``made()`` gives the function that makes such an object of the id; ``answers``: names of the fields.
    """

    attribute: str
    made: Callable[[], Callable[[str], Any]]
    answers: frozenset[str]


@dataclass(frozen=True, slots=True)
class PlainObject:
    """A field that leads to one object or (``is_list``) to a list of them, none of them null."""

    read: Plain
    kind: GraphQLObjectType
    nullable: bool
    is_list: bool
    answers: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class PlainFields:
    """What is plain in an object type. ``origin``: the class that its objects must be of; None: any."""

    origin: type | None
    leaves: Mapping[str, Plain] = field(default_factory=dict)
    objects: Mapping[str, PlainObject] = field(default_factory=dict)


def plain_selection(kind: GraphQLObjectType, field_details_list: Any, collect: Callable[[Any, Any], Any]) -> Plain:
    """The function of what is selected of ``kind``. Raises ``Unusual``.

    ``collect``: the executor's ``collect_subfields``, which knows fragments and ``@skip``.
    """
    fields: PlainFields | None = kind.extensions.get(PLAIN)
    if fields is None:
        raise Unusual
    grouped, deferred, forbidden = collect(kind, field_details_list)
    if deferred or forbidden:
        raise Unusual
    parts: list[tuple[str, Plain]] = []
    for response_name, details in grouped.items():
        name = details[0].node.name.value
        leaf = fields.leaves.get(name)
        if leaf is None:
            found = fields.objects.get(name)
            if found is None:
                raise Unusual
            leaf = _of_object(found, details, collect)
        parts.append((response_name, leaf))
    origin = fields.origin

    def shown(source: Any) -> dict[str, Any]:
        if origin is not None and type(source) is not origin:
            raise Unusual
        return {response_name: part(source) for response_name, part in parts}

    return shown


def _of_object(found: PlainObject, details: Any, collect: Callable[[Any, Any], Any]) -> Plain:
    if found.is_list and has_directive(details, "stream"):
        raise Unusual
    if found.answers is not None:
        grouped, _, _ = collect(found.kind, details)
        if any(inner[0].node.name.value not in found.answers for inner in grouped.values()):
            raise Unusual
    inner = plain_selection(found.kind, details, collect)
    read, nullable, is_list = found.read, found.nullable, found.is_list

    def shown(source: Any) -> Any:
        value = read(source)
        if value is None and nullable:
            return None
        if not is_list:
            return inner(value)
        if not isinstance(value, list | tuple):
            raise Unusual
        return [inner(one) for one in value]

    return shown


def has_directive(field_details_list: Any, name: str) -> bool:
    """Whether this directive stands at the field, wherever it is selected."""
    return any(
        directive.name.value == name
        for details in field_details_list
        for directive in details.node.directives or ()
    )


def plain_fields_of(schema: strawberry.Schema, kind: GraphQLObjectType, definition: Any) -> PlainFields:
    """What is plain in this type."""
    leaves: dict[str, Plain] = {"__typename": _constant(kind.name)}
    objects: dict[str, PlainObject] = {}
    for each in definition.fields:
        name = schema.config.name_converter.get_graphql_name(each)
        target = kind.fields.get(name)
        if target is None:
            continue
        link = each.metadata.get(LINK)
        if each.is_basic_field and getattr(target.resolve, "_is_attribute", False):
            read: Plain = attrgetter(each.python_name)
        elif isinstance(link, PlainLink):
            read = _linked(link)
        elif name == "id" and _is_plain_node(definition.origin):
            read = _global_id(kind.name)
        else:
            continue
        nullable = not isinstance(target.type, GraphQLNonNull)
        inner: Any = target.type.of_type if isinstance(target.type, GraphQLNonNull) else target.type
        if is_leaf_type(inner):
            leaves[name] = _leaf(read, inner, nullable=nullable)
            continue
        is_list = isinstance(inner, GraphQLList)
        if is_list:
            # A null within a list is for the usual way to judge.
            inner = inner.of_type.of_type if isinstance(inner.of_type, GraphQLNonNull) else inner.of_type
        if isinstance(inner, GraphQLObjectType):
            answers = link.answers if isinstance(link, PlainLink) else None
            objects[name] = PlainObject(read, inner, nullable, is_list, answers)
    return PlainFields(definition.origin if kind.is_type_of else None, leaves, objects)


def _constant(value: str) -> Plain:
    return lambda _source: value


def _linked(link: PlainLink) -> Plain:
    read, make = attrgetter(link.attribute), link.made()

    def linked(source: Any) -> Any:
        linked_id = read(source)
        return None if linked_id is None else make(linked_id)

    return linked


def _is_plain_node(origin: type) -> bool:
    return issubclass(origin, relay.Node) and not iscoroutinefunction(origin.resolve_id)


def _global_id(type_name: str) -> Plain:
    def global_id(source: Any) -> str:
        # No type here looks at the info to tell its own id.
        return to_base64(type_name, source.resolve_id(source, info=None))

    return global_id


def _leaf(read: Plain, leaf: GraphQLLeafType, *, nullable: bool) -> Plain:
    coerce = _coerced(leaf)

    def shown(source: Any) -> Any:
        value = read(source)
        if value is None:
            if nullable:
                return None
            raise Unusual
        answer = coerce(value)
        if answer is None or answer is Undefined:
            raise Unusual
        return answer

    return shown


def _coerced(leaf: GraphQLLeafType) -> Plain:
    """What makes an answer of a value; the values of an enum are known beforehand."""
    usual: Plain = leaf.coerce_output_value
    if leaf is GraphQLString:
        return lambda value: value if type(value) is str else usual(value)
    wrapped = getattr(leaf, "wrapped_cls", None)
    if isinstance(leaf, GraphQLEnumType) and isinstance(wrapped, type) and issubclass(wrapped, Enum):
        names = {member: usual(member) for member in wrapped}
        return lambda value: names[value] if type(value) is wrapped else usual(value)
    return usual
