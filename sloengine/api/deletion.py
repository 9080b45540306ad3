"""What every deleting mutation takes and gives."""

from __future__ import annotations

import strawberry

from sloengine.api.problems import UserError


@strawberry.input(description="What to delete.")
class DeleteInput:
    """One object."""

    id: strawberry.ID = strawberry.field(description="Its `id`.")


@strawberry.type(description="What came of it.")
class DeletePayload:
    """One object that is gone."""

    deleted_id: strawberry.ID | None = strawberry.field(
        description="The `id` that is gone; null: nothing was deleted.", default=None
    )
    user_errors: list[UserError] = strawberry.field(
        description="What you can mend; empty: it is done.", default_factory=list
    )
