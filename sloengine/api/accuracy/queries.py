"""What can be asked about the organisation as a whole."""

from __future__ import annotations

import strawberry

from sloengine.api.accuracy.types import Organization
from sloengine.api.context import Info


@strawberry.type
class AccuracyQueries:
    """Fields of ``Query``."""

    @strawberry.field(
        description="The organisation as a whole: coverage, budgets, what people do with recommendations, and how "
        "well promises hold."
    )
    async def organization(self, info: Info) -> Organization:
        """Counted by the store in one query; calibration as the daily look back left it."""
        return Organization.from_domain(await info.context.use_cases.read_organization())
