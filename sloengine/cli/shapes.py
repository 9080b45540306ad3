"""Domain values as JSON in the shape of the GraphQL types: camelCase names, percent, Relay ids, enums by name.

An object that another one leads to carries its identity only. docs/cli.md says what is left out.
"""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Any

from sloengine.domain.reliability.percent import percent_from_ratio

type Json = dict[str, Any]


def global_id(type_name: str, node_id: str | None) -> str | None:
    """The Relay id of a stored object; None where there is no database."""
    return None if node_id is None else base64.b64encode(f"{type_name}:{node_id}".encode()).decode()


def time(at: datetime | None) -> str | None:
    """ISO 8601."""
    return None if at is None else at.isoformat()


def percent(ratio: float | None) -> float | None:
    """The ratio in percent; None stays None."""
    return None if ratio is None else percent_from_ratio(ratio)


def service_reference(service_id: str, *, stored: bool = True) -> Json:
    """A service where only its identity is at hand. ``stored``: there is a database that knows it."""
    return {"id": global_id("Service", service_id if stored else None), "serviceId": service_id}


def recommendation_reference(recommendation_id: str | None) -> Json | None:
    """A stored recommendation where only its identity is at hand; None: there is none."""
    return None if recommendation_id is None else {"id": global_id("Recommendation", recommendation_id)}
