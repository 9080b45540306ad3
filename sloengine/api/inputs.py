"""From what clients send to what use cases take: absent values, ids, times, page sizes."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime
from enum import Enum
from typing import Any

import strawberry
from strawberry.relay import GlobalID
from strawberry.relay.types import GlobalIDValueError
from strawberry.types.base import get_object_definition

from sloengine.application.ports.paging import MAX_PAGE_SIZE, PageRequest
from sloengine.domain.errors import Invalid, TooLarge

IDEMPOTENCY = (
    "Any text of yours, up to 200 characters: sending the same key and body again within 7 days gives the first "
    "answer and does nothing twice; the same key with another body is IDEMPOTENCY_MISMATCH."
)


def given[Value](value: Value | None) -> Value | None:
    """The value, or None when it was left out."""
    return None if value is strawberry.UNSET else value


def given_or[Value](value: Value | None, default: Value) -> Value:
    """The value, or the default when it was left out or null."""
    return default if value is None or value is strawberry.UNSET else value


def utc(at: datetime | None) -> datetime | None:
    """The time, aware and in UTC; one without an offset is taken as UTC."""
    if at is None or at is strawberry.UNSET:
        return None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def page_request(first: int | None, after: str | None, *, default: int = 50) -> PageRequest:
    """1 to 200 rows behind the cursor."""
    size = given_or(first, default)
    if size > MAX_PAGE_SIZE:
        raise TooLarge(
            f"first is {size}, at most {MAX_PAGE_SIZE} are answered; page on with after", path=("first",)
        )
    if size < 1:
        raise Invalid(f"first is {size}, it must be 1 to {MAX_PAGE_SIZE}", path=("first",))
    return PageRequest(first=size, after=given(after) or None)


def stored_id(global_id: str, type_name: str, *path: str) -> str:
    """The id that the store knows, from the id that the API gave out."""
    try:
        parsed = GlobalID.from_id(global_id)
    except GlobalIDValueError:
        parsed = None
    if parsed is None or parsed.type_name != type_name:
        raise Invalid(f"{global_id!r} is not the id of a {type_name}; take the `id` field of one", path=path)
    return parsed.node_id


def as_row(value: Any) -> dict[str, Any]:
    """A typed input as the JSON row that it stands for: the API's names, absent values left out."""
    names = _graphql_names(type(value))
    return {
        name: item.value if isinstance(item, Enum) else item
        for python_name, name in names
        if (item := getattr(value, python_name)) is not None and item is not strawberry.UNSET
    }


_NAMES: dict[type, tuple[tuple[str, str], ...]] = {}


def _graphql_names(cls: type) -> tuple[tuple[str, str], ...]:
    if cls not in _NAMES:
        definition = get_object_definition(cls, strict=True)
        known = {field.python_name: field.graphql_name for field in definition.fields}
        _NAMES[cls] = tuple((field.name, known.get(field.name) or _camel(field.name)) for field in fields(cls))
    return _NAMES[cls]


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.title() for part in rest)
