"""Whether a server takes names that are not of letters, digits and underscores, such as ``service.name``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sloengine.domain.errors import Unavailable
from sloengine.infrastructure.prometheus.client import PrometheusClient, QueryRefused
from sloengine.infrastructure.prometheus.promql_names import is_plain, selector

_FIRST_MAJOR = 3
_PROBE = f"count({selector('sloengine.probe', ())})"


@dataclass(frozen=True, slots=True)
class NameSupport:
    """``takes_any``: PromQL with names in quotes is understood. ``server``: which one, in words."""

    takes_any: bool
    server: str

    def require(self, name: str, setting: str) -> None:
        """Raises ``Unavailable`` if this name cannot be asked for, with the setting that asks for it."""
        if not self.takes_any and not is_plain(name):
            plain = re.sub(r"[^a-zA-Z0-9_]", "_", name)
            raise Unavailable(
                f"{setting} is {name!r}, but {self.server} takes names of letters, digits and underscores only: "
                f"others need Prometheus 3. It most likely has the label as {plain}"
            )


async def name_support(client: PrometheusClient) -> NameSupport:
    """Ask which server it is; where that does not tell, whether it understands such a name.

    Version numbers of Mimir, Thanos and others count differently, Prometheus 2 has it behind a feature flag, and a
    binary that was built from source may not know its version.
    Raises: ``Unavailable``; ``QueryRefused``, where it does not let us in.
    """
    build = await client.build()
    version, application = str(build.get("version") or ""), str(build.get("application") or "Prometheus")
    server = f"{application} {version}".strip() + f" at {client.base_url}"
    major = re.match(r"v?(\d+)\.", version)
    if major and application == "Prometheus" and int(major.group(1)) >= _FIRST_MAJOR:
        return NameSupport(True, server)
    try:
        # Only whether it is understood counts, not what the answer lacks.
        await client.query(_PROBE, warnings=[])
    except QueryRefused as refused:
        if refused.kind == "unauthorized":
            raise
        return NameSupport(False, server)
    return NameSupport(True, server)
