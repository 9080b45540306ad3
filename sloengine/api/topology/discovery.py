"""Discovery: what can be asked and done."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import strawberry

from sloengine.api.context import Info
from sloengine.api.inputs import given, utc
from sloengine.api.problems import UserError, or_user_errors
from sloengine.api.topology.discovery_types import DiscoveryDifference, DiscoveryState, NameRules
from sloengine.api.topology.enums import DiscoverySource
from sloengine.api.topology.ingestions import Ingestion
from sloengine.api.topology.mutations import IngestDependenciesPayload
from sloengine.application.topology.discover_dependencies import DiscoverDependenciesCommand
from sloengine.domain.topology import name_rules as model


@strawberry.input(description="What to read, over which range, and whether to change anything.")
class DiscoverDependenciesInput:
    """A reading."""

    source: DiscoverySource = strawberry.field(description="Whose claims the findings become.")
    reading: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="Only this of the source's readings, such as tempo; all when left out.",
    )
    dry_run: bool = strawberry.field(default=False, description="Say what would change, and change nothing.")
    from_at: datetime | None = strawberry.field(
        name="from", default=strawberry.UNSET, description="Start, included; a day before `to` when left out."
    )
    to_at: datetime | None = strawberry.field(
        name="to", default=strawberry.UNSET, description="End; now when left out. At most 31 days are read."
    )

    def to_command(self) -> DiscoverDependenciesCommand:
        """The use case's command."""
        return DiscoverDependenciesCommand(
            self.source, given(self.reading), utc(self.from_at), utc(self.to_at), self.dry_run
        )


@strawberry.input(description="Names of this form stand for that service.")
class NameRuleInput:
    """A rule."""

    name: str = strawberry.field(description="A name of its own, shown where the rule changed a name.")
    pattern: str = strawberry.field(
        description="The whole name with up to three placeholders, such as {namespace}/{name}. A placeholder is "
        "one or more characters without a slash, {number} digits."
    )
    service_id: str | None = strawberry.field(
        default=None, description="The id, made of the same placeholders; null: no service."
    )
    sources: list[DiscoverySource] | None = strawberry.field(
        default_factory=list, description="Whose names; everybody's when left out."
    )


@strawberry.input(description="One exact name.")
class NameAliasInput:
    """An alias."""

    source_name: str = strawberry.field(description="As the source has it.")
    service_id: str | None = strawberry.field(
        default=None, description="What it stands for; null: it is no service."
    )


@strawberry.input(description="All rules and aliases: they replace what is there.")
class SaveNameRulesInput:
    """The rules."""

    revision: int = strawberry.field(
        description="Of the rules that were read and changed; saved since by somebody else, it is a CONFLICT."
    )
    rules: list[NameRuleInput] = strawberry.field(description="In order; the first that matches holds.")
    aliases: list[NameAliasInput] | None = strawberry.field(
        default_factory=list, description="They come before all rules."
    )

    def to_domain(self) -> model.NameRules:
        """The rules, unchecked."""
        return model.NameRules(
            tuple(
                model.NameRule(rule.name, rule.pattern, given(rule.service_id), tuple(given(rule.sources) or ()))
                for rule in self.rules
            ),
            {alias.source_name: given(alias.service_id) for alias in given(self.aliases) or ()},
        )


@strawberry.type(description="What came of it.")
class SaveNameRulesPayload:
    """The rules as they stand now."""

    name_rules: NameRules | None = strawberry.field(description="The rules in force.", default=None)
    user_errors: list[UserError] = strawberry.field(description="Why nothing changed.", default_factory=list)


@strawberry.type
class DiscoveryQueries:
    """Fields of ``Query``."""

    @strawberry.field(description="How the names that sources use become service ids.")
    async def name_rules(self, info: Info) -> NameRules:
        """Those that were saved, or the shipped ones."""
        return NameRules.from_domain(await info.context.use_cases.read_name_rules())

    @strawberry.field(description="What services and dependencies can be discovered from, and how that went last.")
    async def discovery_states(self, info: Info) -> list[DiscoveryState]:
        """One for each source with something configured."""
        states = await info.context.use_cases.read_discovery_states()
        return [DiscoveryState.from_domain(state) for state in states]


@strawberry.type
class DiscoveryMutations:
    """Fields of ``Mutation``."""

    @strawberry.mutation(
        description="Read who calls whom from a real system. A dry run answers with the difference only; else the "
        "findings are a queued ingestion of that source as well."
    )
    async def discover_dependencies(
        self,
        info: Info,
        input: Annotated[DiscoverDependenciesInput, strawberry.argument(description="The reading.")],  # noqa: A002
    ) -> IngestDependenciesPayload:
        """The difference, and the ingestion that makes it."""

        async def work() -> IngestDependenciesPayload:
            outcome = await info.context.use_cases.discover_dependencies(
                input.to_command(), actor=info.context.actor
            )
            return IngestDependenciesPayload(
                ingestion=None if outcome.ingestion is None else Ingestion.from_domain(outcome.ingestion),
                difference=DiscoveryDifference.from_domain(outcome.difference),
            )

        return await or_user_errors(work(), IngestDependenciesPayload)

    @strawberry.mutation(
        description="Replace the rules by which sources' names become service ids. What is in the graph keeps its "
        "ids; the next reading uses the new rules."
    )
    async def save_name_rules(
        self,
        info: Info,
        input: Annotated[SaveNameRulesInput, strawberry.argument(description="All rules.")],  # noqa: A002
    ) -> SaveNameRulesPayload:
        """The rules as they stand now."""

        async def work() -> SaveNameRulesPayload:
            saved = await info.context.use_cases.save_name_rules(
                input.to_domain(), revision=input.revision, actor=info.context.actor
            )
            return SaveNameRulesPayload(name_rules=NameRules.from_domain(saved))

        return await or_user_errors(work(), SaveNameRulesPayload)
