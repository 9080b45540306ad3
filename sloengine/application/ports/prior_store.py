"""What the organisation's services have in common, learnt once and reused."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol


class PriorStore(Protocol):
    """Newest learnt prior per SLI type, as JSON-able data."""

    async def load(self, sli_type: str) -> tuple[Mapping[str, Any], datetime] | None:
        """The prior and when it was learnt."""
        ...

    async def save(self, sli_type: str, prior: Mapping[str, Any], *, learnt_at: datetime) -> None:
        """Replace it."""
        ...
