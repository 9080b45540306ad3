"""Entities of the catalogue's API, read page by page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson

from sloengine.domain.errors import Unavailable
from sloengine.infrastructure.backstage.entities import FIELDS, KINDS, Entity, read_entity
from sloengine.infrastructure.patient_http import Patience, patient_get, shown

BY_QUERY = "/api/catalog/entities/by-query"
ALL = "/api/catalog/entities"


@dataclass(frozen=True, slots=True)
class CataloguePages:
    """``whole``: no entity can have slipped between two pages. ``queries``: what was asked, first pages only."""

    entities: Sequence[Entity]
    whole: bool
    queries: Sequence[str]


@dataclass
class BackstageClient:
    """Asks one Backstage backend. Create it inside the event loop that uses it; close it when done.

    ``token``: a static token of ``backend.auth.externalAccess``, sent as a bearer token.
    """

    base_url: str
    token: str | None = None
    page_size: int = 500
    patience: Patience = field(default_factory=Patience)
    transport: httpx.AsyncBaseTransport | None = None

    def __post_init__(self) -> None:
        """Open the connection pool."""
        self.base_url = self.base_url.rstrip("/")
        self.whom = f"Backstage at {self.base_url}"
        self._http = httpx.AsyncClient(
            base_url=self.base_url,
            headers={"Accept": "application/json"}
            | ({"Authorization": f"Bearer {self.token}"} if self.token else {}),
            timeout=self.patience.timeout,
            transport=self.transport,
        )

    async def close(self) -> None:
        """Close the connection pool."""
        await self._http.aclose()

    async def entities(self) -> CataloguePages:
        """Components, resources and APIs. A catalogue without ``by-query`` is read by offset.

        Raises: Unavailable, when Backstage does not answer, refuses, or answers with something else.
        """
        by_cursor = await self._by_cursor()
        return await self.by_offset() if by_cursor is None else by_cursor

    async def _by_cursor(self) -> CataloguePages | None:
        """None: the catalogue is older than this way of asking (1.10, 2023)."""
        common: dict[str, str | list[str]] = {"limit": str(self.page_size), "fields": ",".join(FIELDS)}
        asked: dict[str, str | list[str]] = common | {"filter": _filters()}
        found: dict[str, Entity] = {}
        seen: set[str] = set()
        total: int | None = None
        while True:
            answer = await self._ask(BY_QUERY, asked)
            if answer.status_code == httpx.codes.NOT_FOUND and not seen:
                return None
            page = self._json(answer)
            items = page.get("items") if isinstance(page, dict) else None
            if not isinstance(items, list):
                raise Unavailable(f"{self.whom} answered {BY_QUERY} without a list of items")
            _take(items, found)
            said = page.get("totalItems")
            total = said if isinstance(said, int) else total
            info = page.get("pageInfo") or {}
            if not isinstance(info, dict):
                raise Unavailable(f"{self.whom} answered {BY_QUERY} with a pageInfo that cannot be read")
            cursor = info.get("nextCursor")
            if not cursor:
                break
            if cursor in seen:
                raise Unavailable(f"{self.whom} gave the same page twice; its catalogue cannot be read to the end")
            seen.add(cursor)
            # The cursor carries the filter; limit and fields have to be said again.
            asked = common | {"cursor": str(cursor)}
        whole = total is None or len(found) >= total
        return CataloguePages(tuple(found.values()), whole, (self._shown(BY_QUERY),))

    async def by_offset(self) -> CataloguePages:
        """Pages by number: one that comes or goes meanwhile shifts the rest, so this never counts as whole."""
        found: dict[str, Entity] = {}
        offset = 0
        while True:
            asked: dict[str, str | list[str]] = {
                "filter": _filters(),
                "fields": ",".join(FIELDS),
                "limit": str(self.page_size),
                "offset": str(offset),
            }
            items = self._json(await self._ask(ALL, asked))
            if not isinstance(items, list):
                raise Unavailable(f"{self.whom} answered {ALL} with something else than a list")
            before = len(found)
            _take(items, found)
            if len(items) < self.page_size:
                break
            if len(found) == before:
                raise Unavailable(f"{self.whom} gave the same page twice; its catalogue cannot be read to the end")
            offset += len(items)
        return CataloguePages(tuple(found.values()), False, (self._shown(ALL),))

    async def _ask(self, path: str, parameters: Mapping[str, str | list[str]]) -> httpx.Response:
        answer = await patient_get(self._http, path, parameters, whom=self.whom, patience=self.patience)
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            raise Unavailable(
                f"{self.whom} does not accept the token (401). SLOENGINE_BACKSTAGE_TOKEN has to be one of"
                " backend.auth.externalAccess, of type static"
            )
        if answer.status_code == httpx.codes.FORBIDDEN:
            raise Unavailable(
                f"{self.whom} forbids reading the catalogue (403): let externalAccess reach the plugin catalog,"
                " with permission catalog.entity.read"
            )
        return answer

    def _json(self, answer: httpx.Response) -> Any:
        if answer.status_code != httpx.codes.OK:
            raise Unavailable(f"{self.whom} answered with HTTP {answer.status_code}: {shown(answer)}")
        try:
            return orjson.loads(answer.content)
        except orjson.JSONDecodeError as error:
            raise Unavailable(
                f"{self.whom} answered with something else than JSON:"
                " is it the backend's address, and no login page?"
            ) from error

    def _shown(self, path: str) -> str:
        return f"GET {path}?{'&'.join(f'filter={text}' for text in _filters())}&limit={self.page_size}"


def _filters() -> list[str]:
    """Several filters mean any of them."""
    return [f"kind={kind}" for kind in KINDS]


def _take(items: Sequence[Any], found: dict[str, Entity]) -> None:
    for item in items:
        entity = read_entity(item) if isinstance(item, Mapping) else None
        if entity is not None:
            found[str(entity.ref)] = entity
