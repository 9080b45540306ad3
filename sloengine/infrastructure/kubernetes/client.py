"""Lists of the Kubernetes API, read page by page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson

from sloengine.domain.errors import Unavailable
from sloengine.infrastructure.kubernetes.access import BearerToken, KubernetesAccess
from sloengine.infrastructure.patient_http import Patience, patient_get, shown


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of object as RBAC and the API's paths name it. ``group`` "": the core group."""

    group: str
    version: str
    plural: str

    def path(self, namespace: str | None) -> str:
        """Where it is listed: in one namespace, or in the whole cluster."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        return f"{root}/{self.plural}" if namespace is None else f"{root}/namespaces/{namespace}/{self.plural}"


@dataclass
class ListRefused(Exception):
    """The API server knows who asks and says no. ``message``: its own words."""

    resource: Resource
    namespace: str | None
    message: str


@dataclass
class KubernetesClient:
    """Asks one API server. Create it inside the event loop that uses it; close it when done.

    ``page_size``: objects a request; the server may send fewer. ``restarts``: how often a list whose continuation
    has expired is begun anew.
    """

    access: KubernetesAccess
    page_size: int = 500
    restarts: int = 2
    patience: Patience = field(default_factory=Patience)
    transport: httpx.AsyncBaseTransport | None = None

    def __post_init__(self) -> None:
        """Open the connection pool."""
        self.whom = f"Kubernetes at {self.access.url}"
        self._http = httpx.AsyncClient(
            base_url=self.access.url,
            auth=BearerToken(self.access.token),
            timeout=self.patience.timeout,
            headers={"Accept": "application/json"},
            verify=self.access.verification() if self.transport is None else True,
            transport=self.transport,
        )

    async def close(self) -> None:
        """Close the connection pool."""
        await self._http.aclose()

    async def list_all[T](
        self, resource: Resource, namespace: str | None, read: Callable[[Mapping[str, Any]], T]
    ) -> list[T]:
        """Every object of a kind, as ``read`` makes it; each page is let go of once it is read.

        All pages show the cluster at one moment. The server forgets that moment after some minutes and answers 410
        Gone; the list is then begun anew, because going on would mix two moments.
        Raises: ListRefused, when the permission is missing; Unavailable, on anything else that goes wrong.
        """
        for _ in range(self.restarts + 1):
            found = await self._pages(resource, namespace, read)
            if found is not None:
                return found
        raise Unavailable(
            f"{self.whom} let the list of {resource.plural} expire {self.restarts + 1} times before it was read;"
            " raise SLOENGINE_KUBERNETES_PAGE_SIZE"
        )

    async def _pages[T](
        self, resource: Resource, namespace: str | None, read: Callable[[Mapping[str, Any]], T]
    ) -> list[T] | None:
        """The whole list; None: its continuation has expired."""
        found: list[T] = []
        asked = {"limit": str(self.page_size)}
        while True:
            response = await patient_get(
                self._http, resource.path(namespace), asked, whom=self.whom, patience=self.patience
            )
            if response.status_code == httpx.codes.GONE and "continue" in asked:
                return None
            page = self._page(response, resource, namespace)
            items, metadata = page.get("items") or [], page.get("metadata") or {}
            if not isinstance(metadata, dict) or not isinstance(items, list) or not all(map(_is_object, items)):
                raise Unavailable(
                    f"{self.whom} answered a list of {resource.plural} with something that is none: is it the"
                    " address of an API server?"
                )
            found.extend(read(item) for item in items)
            more = metadata.get("continue")
            if not more:
                return found
            asked = {"limit": str(self.page_size), "continue": str(more)}

    def _page(self, response: httpx.Response, resource: Resource, namespace: str | None) -> dict[str, Any]:
        try:
            body = orjson.loads(response.content)
        except orjson.JSONDecodeError:
            body = None
        said = body if isinstance(body, dict) else {}
        status = response.status_code
        if status == httpx.codes.OK and "items" in said:
            return said
        message = str(said.get("message") or shown(response))
        if status == httpx.codes.UNAUTHORIZED:
            raise Unavailable(
                f"{self.whom} does not accept the token (401): it is wrong, expired, or of another cluster"
            )
        if status == httpx.codes.FORBIDDEN:
            raise ListRefused(resource, namespace, message)
        if status == httpx.codes.OK:
            raise Unavailable(
                f"{self.whom} answered a list of {resource.plural} with something else than a list in JSON: is it"
                " the address of an API server, and no login page?"
            )
        raise Unavailable(f"{self.whom} answered a list of {resource.plural} with HTTP {status}: {message}")


def _is_object(item: object) -> bool:
    """An object of Kubernetes has a name, whatever else it has."""
    if not isinstance(item, dict) or not isinstance(item.get("metadata"), dict):
        return False
    return bool(item["metadata"].get("name")) and isinstance(item.get("spec") or {}, dict)
