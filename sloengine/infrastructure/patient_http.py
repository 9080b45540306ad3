"""GET requests that are bounded and retried, for systems that are asked now and then."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from sloengine.domain.errors import Unavailable
from sloengine.infrastructure.logs import get_logger

log = get_logger(__name__)

_SHOWN, _LOOKED_AT = 200, 20_000
_TITLE = re.compile(r"<title[^>]*>(.*?)</title", re.IGNORECASE | re.DOTALL)
_TAGS = re.compile(r"<(script|style)\b.*?</\1\s*>|<[^>]*>", re.IGNORECASE | re.DOTALL)
_RETRIED = frozenset({408, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Patience:
    """How long an answer is waited for and asked for. Seconds; ``attempts`` includes the first one."""

    timeout_seconds: float = 30.0
    connect_seconds: float = 5.0
    attempts: int = 4
    backoff_seconds: float = 0.5
    backoff_cap_seconds: float = 8.0

    @property
    def timeout(self) -> httpx.Timeout:
        """As httpx wants it."""
        return httpx.Timeout(self.timeout_seconds, connect=self.connect_seconds)

    def pause_seconds(self, attempt: int, retry_after: str | None) -> float:
        """Exponential with full jitter, but no shorter than the server asked for, up to the cap."""
        ceiling = min(self.backoff_cap_seconds, self.backoff_seconds * 2**attempt)
        pause = random.uniform(0, ceiling)  # noqa: S311 - spreads retries, guards nothing
        if retry_after is not None and retry_after.isdigit():
            pause = max(pause, min(float(retry_after), self.backoff_cap_seconds))
        return pause


async def patient_get(
    http: httpx.AsyncClient, path: str, parameters: Mapping[str, str | list[str]], *, whom: str, patience: Patience
) -> httpx.Response:
    """The first answer that asking again would not change, whatever its status.

    ``whom``: who is asked, for messages: ``Backstage at https://…``.
    Raises: Unavailable, when there is none within ``patience.attempts``.
    """
    reason, retry_after = "", None
    for attempt in range(patience.attempts):
        if attempt:
            await asyncio.sleep(patience.pause_seconds(attempt, retry_after))
        try:
            response = await http.get(path, params=dict(parameters))
        except httpx.HTTPError as error:
            reason, retry_after = f"{type(error).__name__}: {error}", None
        else:
            if response.status_code not in _RETRIED:
                return response
            reason = f"HTTP {response.status_code}: {shown(response)}"
            retry_after = response.headers.get("retry-after")
        log.warning("http.retry", whom=whom, attempt=attempt + 1, reason=reason)
    raise Unavailable(f"{whom} did not answer after {patience.attempts} attempts: {reason}")


def shown(response: httpx.Response) -> str:
    """What an answer says, in one line for people: of a page of HTML its title or the words in it.

    >>> shown(httpx.Response(404, html="<html><head><title>404 Not Found</title></head><body>nginx</body></html>"))
    '404 Not Found'
    >>> shown(httpx.Response(302, headers={"location": "https://login.example/"}))
    'it leads to https://login.example/'
    """
    location = response.headers.get("location")
    if response.is_redirect and location:
        return f"it leads to {location[:_SHOWN]}"
    text = response.text[:_LOOKED_AT]
    if text.lstrip()[:1] == "<":
        title = _TITLE.search(text)
        text = title.group(1) if title and title.group(1).strip() else _TAGS.sub(" ", text)
    return " ".join(text.split())[:_SHOWN] or "nothing else"
