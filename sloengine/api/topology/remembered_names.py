"""The service ids that names were given: what can be asked, and decided."""

from __future__ import annotations

from typing import Annotated

import strawberry

from sloengine.api.connections import Connection
from sloengine.api.context import Info
from sloengine.api.governance.types import AuditEvent
from sloengine.api.inputs import given, page_request
from sloengine.api.problems import UserError, or_user_errors
from sloengine.api.topology.enums import NameChoice
from sloengine.application.topology.remembered_names import DecideNameCommand
from sloengine.domain.topology import name_decisions as model


@strawberry.type(description="The service id that a name was given when discovery took it in first; it stays so.")
class RememberedName:
    """A name."""

    short_id: str = strawberry.field(description="What the name rules make of it.")
    namespace: str = strawberry.field(description="By which it is told from its namesakes; empty: it has none.")
    kind: str = strawberry.field(description="The same of a catalogue's kind; empty: it has none.")
    service_id: str = strawberry.field(description="Its service's id: the short one, or its full name.")
    source_name: str = strawberry.field(description="The name that it was seen under.")
    owns_short_id: bool = strawberry.field(description="Whether the short id is its own.")

    @classmethod
    def from_domain(cls, name: model.RememberedName) -> RememberedName:
        """The name as clients read it."""
        namespace, kind = name.told_apart_by
        return cls(
            short_id=name.short_id,
            namespace=namespace,
            kind=kind,
            service_id=name.service_id,
            source_name=name.source_name,
            owns_short_id=name.owns,
        )


@strawberry.input(description="Which service id a name is to have.")
class DecideNameInput:
    """A decision."""

    short_id: str = strawberry.field(description="As `rememberedNames` has it.")
    namespace: str = strawberry.field(default="", description="As `rememberedNames` has it.")
    kind: str = strawberry.field(default="", description="As `rememberedNames` has it.")
    choice: NameChoice = strawberry.field(description="Which id.")
    expected_service_id: str = strawberry.field(
        description="The id that it was seen to have; another by now is a CONFLICT."
    )
    rationale: str = strawberry.field(description="Why, for the audit trail.")

    def to_command(self) -> DecideNameCommand:
        """The use case's command."""
        return DecideNameCommand(
            self.short_id, self.namespace, self.kind, self.choice, self.expected_service_id, self.rationale
        )


@strawberry.type(description="What came of it.")
class DecideNamePayload:
    """What changed."""

    names: list[RememberedName] = strawberry.field(
        description="Every name that has another id now; none: it was forgotten.", default_factory=list
    )
    audit_event: AuditEvent | None = strawberry.field(description="Its entry in the audit trail.", default=None)
    warnings: list[str] = strawberry.field(
        description="What does not follow by itself, in words.", default_factory=list
    )
    user_errors: list[UserError] = strawberry.field(description="Why nothing changed.", default_factory=list)


@strawberry.type
class NameQueries:
    """Fields of ``Query``."""

    @strawberry.field(
        description="The service ids that names with a namespace or kind were given, by short id. They stay, "
        "whoever is seen later; `decideName` changes them."
    )
    async def remembered_names(
        self,
        info: Info,
        search: Annotated[
            str | None,
            strawberry.argument(
                description="Part of the short id, the service id or the source's name, in any letter case."
            ),
        ] = strawberry.UNSET,
        first: Annotated[int | None, strawberry.argument(description="Rows, 1 to 200.")] = 50,
        after: Annotated[
            str | None, strawberry.argument(description="Cursor to go on behind.")
        ] = strawberry.UNSET,
    ) -> Connection[RememberedName]:
        """One page, cut by the store."""
        request = page_request(first, after)
        page = await info.context.use_cases.read_remembered_names(given(search), request)
        return Connection.of(page, request, RememberedName.from_domain)


@strawberry.type
class NameMutations:
    """Fields of ``Mutation``."""

    @strawberry.mutation(
        description="Decide which service id a name gets from the next reading on. What is stored under its "
        "id before stays there. sre_admin; audited."
    )
    async def decide_name(
        self,
        info: Info,
        input: Annotated[DecideNameInput, strawberry.argument(description="The decision.")],  # noqa: A002
    ) -> DecideNamePayload:
        """One transaction with its audit entry."""

        async def work() -> DecideNamePayload:
            decided = await info.context.use_cases.decide_name(input.to_command(), actor=info.context.actor)
            return DecideNamePayload(
                names=[RememberedName.from_domain(name) for name in decided.chosen.after],
                audit_event=AuditEvent.from_domain(decided.audit_event),
                warnings=list(decided.warnings),
            )

        return await or_user_errors(work(), DecideNamePayload)
