"""What can be told about services and their graph."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import strawberry
from strawberry.scalars import JSON

from sloengine.api.context import Info
from sloengine.api.inputs import IDEMPOTENCY, as_row, given, stored_id, utc
from sloengine.api.problems import UserError, or_user_errors
from sloengine.api.topology.alerts import CircularDependencyAlert
from sloengine.api.topology.discovery_types import DiscoveryDifference
from sloengine.api.topology.enums import (
    AlertStatus,
    Criticality,
    DependencyCriticality,
    DependencyMode,
    DiscoverySource,
)
from sloengine.api.topology.ingestions import Ingestion
from sloengine.api.topology.types import Service
from sloengine.application.topology.ingest_dependencies import IngestDependenciesCommand
from sloengine.application.topology.register_services import RegisterServicesCommand
from sloengine.application.topology.update_alert import UpdateAlertCommand
from sloengine.domain.errors import Invalid


@strawberry.input(description="A service as its people, or a source, state it. What is left out stays as it is.")
class ServiceInput:
    """A row."""

    service_id: str = strawberry.field(description="1 to 253 characters, no control characters.")
    name: str | None = strawberry.field(default=strawberry.UNSET, description="For people.")
    team: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="Who decides on it. An ingestion of another source than MANUAL gives one only where a setting "
        "lets that source, and only to a service without one.",
    )
    criticality: Criticality | None = strawberry.field(
        default=strawberry.UNSET, description="How much the organisation suffers when it is down."
    )
    entity_ref: str | None = strawberry.field(
        default=strawberry.UNSET, description="Backstage entity, such as component:default/checkout."
    )
    external: bool | None = strawberry.field(default=strawberry.UNSET, description="Run by somebody else.")
    published_availability_percent: float | None = strawberry.field(
        default=strawberry.UNSET,
        description="What an external provider publishes, in percent, below 100: a prior till own data are there.",
    )
    metadata: JSON | None = strawberry.field(default=strawberry.UNSET, description="Whatever else, a JSON object.")


@strawberry.input(description="One dependency as a source states it: the caller points at what it calls.")
class DependencyInput:
    """A row."""

    caller: str = strawberry.field(description="Service id of who calls.")
    dependency: str = strawberry.field(description="Service id of what is called; not the caller itself.")
    mode: DependencyMode | None = strawberry.field(
        default=strawberry.UNSET, description="SYNC is assumed where no source says."
    )
    criticality: DependencyCriticality | None = strawberry.field(
        default=strawberry.UNSET, description="HARD is assumed where no source says."
    )
    protocol: str | None = strawberry.field(default=strawberry.UNSET, description="Such as http, grpc, kafka.")
    timeout_ms: int | None = strawberry.field(default=strawberry.UNSET, description="Milliseconds, above 0.")
    retry_config: JSON | None = strawberry.field(
        default=strawberry.UNSET,
        description="A JSON object; `attempts`: how often a call is tried in all, the first try among them, at "
        "least 1 (Istio's `retries.attempts` leaves the first out: add 1).",
    )
    call_weight: float | None = strawberry.field(
        default=strawberry.UNSET, description="Calls per request of the caller, above 0; above 1 is normal."
    )
    redundancy_group: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="Dependencies of a caller with the same group stand in for each other.",
    )
    required: int | None = strawberry.field(
        default=strawberry.UNSET, description="How many members of the group the caller needs, 1 or more."
    )
    confidence: float | None = strawberry.field(
        default=strawberry.UNSET, description="How sure the source is, 0 to 1; its usual confidence when left out."
    )


@strawberry.input(description="Services to create or update, 2,000 at most.")
class RegisterServicesInput:
    """A batch of services."""

    services: list[ServiceInput] = strawberry.field(description="Bad rows are refused one by one; good ones land.")
    idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=IDEMPOTENCY)


@strawberry.type(description="What came of it.")
class RegisterServicesPayload:
    """Services as they stand now."""

    services: list[Service] = strawberry.field(
        description="The services that were taken, as they stand now.", default_factory=list
    )
    warnings: list[str] = strawberry.field(
        description="What was taken but looks odd, in words.", default_factory=list
    )
    user_errors: list[UserError] = strawberry.field(description="Rows that were refused.", default_factory=list)


@strawberry.input(
    description="Up to 2,000 services and dependencies typed; above that `document`: the same shape as plain "
    "JSON, checked row by row by the worker. 10 MB at most."
)
class IngestDependenciesInput:
    """What one source states."""

    source: DiscoverySource = strawberry.field(description="Who states it.")
    services: list[ServiceInput] | None = strawberry.field(default_factory=list, description="Services, typed.")
    dependencies: list[DependencyInput] | None = strawberry.field(
        default_factory=list, description="Dependencies, typed."
    )
    document: JSON | None = strawberry.field(
        default=strawberry.UNSET,
        description='{"services": [ServiceInput], "dependencies": [DependencyInput]} as plain JSON.',
    )
    complete: bool = strawberry.field(
        default=False,
        description="Withdraw what this source no longer lists: of the callers named in "
        "`services`, of all when none is.",
    )
    observed_at: datetime | None = strawberry.field(
        default=strawberry.UNSET,
        description="When it was so; now when left out. An older time never overwrites a newer one.",
    )
    idempotency_key: str | None = strawberry.field(default=strawberry.UNSET, description=IDEMPOTENCY)

    def to_command(self) -> IngestDependenciesCommand:
        """The use case's command."""
        services, dependencies = given(self.services) or [], given(self.dependencies) or []
        document: Any = given(self.document)
        if document is not None and not isinstance(document, dict):
            raise Invalid(
                "document must be a JSON object with services and dependencies", path=("input", "document")
            )
        return IngestDependenciesCommand(
            source=self.source,
            services=[as_row(row) for row in services],
            dependencies=[as_row(row) for row in dependencies],
            document=document,
            complete=self.complete,
            observed_at=utc(self.observed_at),
            idempotency_key=given(self.idempotency_key),
        )


@strawberry.type(description="What came of it: the ingestion is stored, and merged by a worker afterwards.")
class IngestDependenciesPayload:
    """A queued ingestion."""

    ingestion: Ingestion | None = strawberry.field(
        description="Ask again by `node(id:)` until it is SUCCEEDED or FAILED. null: a dry run, or nothing found.",
        default=None,
    )
    difference: DiscoveryDifference | None = strawberry.field(
        description="Of discovery: what was found, against the graph; else null.", default=None
    )
    user_errors: list[UserError] = strawberry.field(description="Why nothing was taken.", default_factory=list)


@strawberry.input(description="A change of a circular-dependency alert.")
class UpdateCircularDependencyAlertInput:
    """Which alert, and how it is to stand."""

    id: strawberry.ID = strawberry.field(description="`id` of a CircularDependencyAlert.")
    status: AlertStatus = strawberry.field(description="The new status.")
    note: str | None = strawberry.field(default=strawberry.UNSET, description="Why.")


@strawberry.type(description="What came of it.")
class UpdateCircularDependencyAlertPayload:
    """The alert."""

    alert: CircularDependencyAlert | None = strawberry.field(
        description="The alert as it stands now.", default=None
    )
    user_errors: list[UserError] = strawberry.field(description="Why nothing changed.", default_factory=list)


@strawberry.type
class TopologyMutations:
    """Fields of ``Mutation``."""

    @strawberry.mutation(description="Create or update services as a person states them.")
    async def register_services(
        self,
        info: Info,
        input: Annotated[RegisterServicesInput, strawberry.argument(description="The services.")],  # noqa: A002
    ) -> RegisterServicesPayload:
        """Good rows land, bad rows come back as errors."""

        async def work() -> RegisterServicesPayload:
            command = RegisterServicesCommand(
                services=[as_row(row) for row in input.services], idempotency_key=given(input.idempotency_key)
            )
            registered = await info.context.use_cases.register_services(command, actor=info.context.actor)
            return RegisterServicesPayload(
                services=[Service.from_domain(service) for service in registered.services],
                warnings=list(registered.warnings),
                user_errors=[
                    UserError(code=item.code, message=item.message, path=_row_path(item.index, item.path))
                    for item in registered.rejected
                ],
            )

        return await or_user_errors(work(), RegisterServicesPayload)

    @strawberry.mutation(
        description="Take in what one source says about services and who calls whom. Answers at once with a "
        "queued ingestion; progress by `node(id:)`."
    )
    async def ingest_dependencies(
        self,
        info: Info,
        input: Annotated[IngestDependenciesInput, strawberry.argument(description="The statement.")],  # noqa: A002
    ) -> IngestDependenciesPayload:
        """Stored before it is answered."""

        async def work() -> IngestDependenciesPayload:
            ingestion = await info.context.use_cases.ingest_dependencies(
                input.to_command(), actor=info.context.actor
            )
            return IngestDependenciesPayload(ingestion=Ingestion.from_domain(ingestion))

        return await or_user_errors(work(), IngestDependenciesPayload)

    @strawberry.mutation(description="Acknowledge, resolve or reopen a circular-dependency alert.")
    async def update_circular_dependency_alert(
        self,
        info: Info,
        input: Annotated[  # noqa: A002
            UpdateCircularDependencyAlertInput, strawberry.argument(description="The change.")
        ],
    ) -> UpdateCircularDependencyAlertPayload:
        """The alert as it stands now."""

        async def work() -> UpdateCircularDependencyAlertPayload:
            command = UpdateAlertCommand(
                alert_id=stored_id(input.id, "CircularDependencyAlert", "input", "id"),
                status=input.status,
                note=given(input.note),
            )
            alert = await info.context.use_cases.update_alert(command, actor=info.context.actor)
            return UpdateCircularDependencyAlertPayload(alert=CircularDependencyAlert.from_domain(alert))

        return await or_user_errors(work(), UpdateCircularDependencyAlertPayload)


def _row_path(index: int, path: str) -> list[str]:
    """``services.name`` of row 3 → input, services, 3, name."""
    names = [part for part in path.split(".") if part and part != "services" and not part.isdigit()]
    return ["input", "services", str(index), *names]
