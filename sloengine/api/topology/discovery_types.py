"""Discovery as clients read it."""

from __future__ import annotations

from datetime import datetime, timedelta

import strawberry

from sloengine.api.topology.enums import DiscoveryChange, DiscoverySource
from sloengine.application.ports import discovery_store as stored
from sloengine.application.topology import scheduled_discovery as schedule
from sloengine.domain.topology import discovery_difference as model
from sloengine.domain.topology.name_rules import DEFAULT_NAME_RULES

MAX_SHOWN = 2_000
"""Rows of each list in a difference; the counts are of all."""


@strawberry.type(description="An attribute before and after.")
class FieldChange:
    """One attribute."""

    name: str = strawberry.field(description="Such as call_weight or metadata.runtime.")
    before: str | None = strawberry.field(description="As text; null: not known.")
    after: str | None = strawberry.field(description="As text; null: not known.")

    @classmethod
    def from_domain(cls, change: model.FieldChange) -> FieldChange:
        """As clients read it."""
        return cls(name=change.name, before=change.before, after=change.after)


@strawberry.type(description="What becomes of this source's claim on a caller and what it calls.")
class DependencyChange:
    """A change."""

    change: DiscoveryChange = strawberry.field(description="What happens.")
    caller: str = strawberry.field(description="Service id of who calls.")
    dependency: str = strawberry.field(description="Service id of what is called.")
    fields: list[FieldChange] = strawberry.field(description="What the source says anew.")
    other_sources: list[DiscoverySource] = strawberry.field(
        description="Who else claims it. Nobody: the edge itself appears, or goes, with this claim."
    )
    calls: float | None = strawberry.field(description="In the range that was read; null: not counted.")
    failed_calls: float | None = strawberry.field(description="Of those, failed; null: not counted.")

    @classmethod
    def from_domain(cls, change: model.DependencyChange) -> DependencyChange:
        """As clients read it."""
        return cls(
            change=change.kind,
            caller=change.caller,
            dependency=change.dependency,
            fields=[FieldChange.from_domain(one) for one in change.fields],
            other_sources=list(change.other_sources),
            calls=change.calls,
            failed_calls=change.failed_calls,
        )


@strawberry.type(description="A service that is new to the graph, or of which something new is known.")
class ServiceChange:
    """A change."""

    change: DiscoveryChange = strawberry.field(description="ADDED or CHANGED.")
    service_id: str = strawberry.field(description="The service.")
    fields: list[FieldChange] = strawberry.field(description="What the source says anew.")

    @classmethod
    def from_domain(cls, change: model.ServiceChange) -> ServiceChange:
        """As clients read it."""
        return cls(
            change=change.kind,
            service_id=change.service_id,
            fields=[FieldChange.from_domain(one) for one in change.fields],
        )


@strawberry.type(description="A name of the source that became another service id.")
class RenamedService:
    """A renaming."""

    source_name: str = strawberry.field(description="As the source has it.")
    service_id: str = strawberry.field(description="What it became.")
    rule: str = strawberry.field(description="Name of the rule, or alias.")


@strawberry.type(description="A name of the source that was left out.")
class LeftOut:
    """A name that is no service."""

    source_name: str = strawberry.field(description="As the source has it.")
    reason: str = strawberry.field(description="Why, in words.")


@strawberry.type(
    description="What a reading found, against the graph and what its source claimed so far. Lists show "
    f"{MAX_SHOWN:,} rows at most; counts are of all."
)
class DiscoveryDifference:
    """A difference."""

    source: DiscoverySource = strawberry.field(description="Whose claims these are.")
    readings: list[str] = strawberry.field(description="What was read, such as service-graph or tempo.")
    from_at: datetime = strawberry.field(name="from", description="Start of the range, included.")
    to_at: datetime = strawberry.field(name="to", description="End of the range.")
    complete: bool = strawberry.field(
        description="A full listing: what it leaves out is withdrawn. Else what was not seen only ages."
    )
    added: int = strawberry.field(description="Dependencies that the source claims for the first time.")
    changed: int = strawberry.field(description="Dependencies of which it says something new.")
    withdrawn: int = strawberry.field(description="Dependencies that it no longer lists.")
    unseen: int = strawberry.field(description="Dependencies claimed earlier that were not seen this time.")
    unchanged: int = strawberry.field(description="Dependencies that were seen as before.")
    dependencies: list[DependencyChange] = strawberry.field(
        description="All but the unchanged ones: added, changed, withdrawn, unseen."
    )
    services: list[ServiceChange] = strawberry.field(description="Services that are new or known better.")
    services_unchanged: int = strawberry.field(description="Services about which nothing new was found.")
    renamed: list[RenamedService] = strawberry.field(description="Names that a rule changed.")
    left_out: list[LeftOut] = strawberry.field(description="Names that are no services.")
    warnings: list[str] = strawberry.field(description="What a person should look at, in words.")
    queries: list[str] = strawberry.field(description="What was asked.")

    @classmethod
    def from_domain(cls, found: model.DiscoveryDifference) -> DiscoveryDifference:
        """As clients read it."""
        kinds = model.ChangeKind
        return cls(
            source=found.source,
            readings=list(found.readings),
            from_at=found.since,
            to_at=found.until,
            complete=found.complete,
            added=found.count(kinds.ADDED),
            changed=found.count(kinds.CHANGED),
            withdrawn=found.count(kinds.WITHDRAWN),
            unseen=found.count(kinds.UNSEEN),
            unchanged=found.dependencies_unchanged,
            dependencies=[DependencyChange.from_domain(one) for one in found.dependencies[:MAX_SHOWN]],
            services=[ServiceChange.from_domain(one) for one in found.services[:MAX_SHOWN]],
            services_unchanged=found.services_unchanged,
            renamed=[
                RenamedService(source_name=one.source_name, service_id=one.service_id, rule=one.rule)
                for one in found.renamed[:MAX_SHOWN]
            ],
            left_out=[
                LeftOut(source_name=one.source_name, reason=one.reason) for one in found.left_out[:MAX_SHOWN]
            ],
            warnings=list(found.warnings),
            queries=list(found.queries),
        )


@strawberry.type(description="Names of this form stand for that service. The first rule that matches holds.")
class NameRule:
    """A rule."""

    name: str = strawberry.field(description="Shown where the rule changed a name.")
    pattern: str = strawberry.field(
        description="The whole name with placeholders, such as {namespace}/{name}. A placeholder is one or more "
        "characters without a slash, {number} digits."
    )
    service_id: str | None = strawberry.field(
        description="The id, made of the same placeholders; null: names of this form are no services."
    )
    sources: list[DiscoverySource] = strawberry.field(description="Whose names; empty: everybody's.")


@strawberry.type(description="One exact name. Aliases come before rules.")
class NameAlias:
    """An alias."""

    source_name: str = strawberry.field(description="As the source has it.")
    service_id: str | None = strawberry.field(description="What it stands for; null: no service.")


@strawberry.type(description="How the names that sources use become service ids.")
class NameRules:
    """The rules in force."""

    rules: list[NameRule] = strawberry.field(description="In order; the first that matches holds.")
    aliases: list[NameAlias] = strawberry.field(description="By source name.")
    revision: int = strawberry.field(
        description="Goes up by one each time that they are saved; 0: the shipped ones. Saving names it."
    )
    is_shipped: bool = strawberry.field(description="Nobody has saved rules: these are the shipped ones.")
    saved_by: str | None = strawberry.field(description="Who saved them; null: the shipped ones.")
    saved_at: datetime | None = strawberry.field(description="When; null: the shipped ones.")

    @classmethod
    def from_domain(cls, saved: stored.StoredNameRules | None) -> NameRules:
        """As clients read them; None: the shipped ones."""
        rules = DEFAULT_NAME_RULES if saved is None else saved.rules
        return cls(
            rules=[
                NameRule(
                    name=rule.name, pattern=rule.pattern, service_id=rule.service_id, sources=list(rule.sources)
                )
                for rule in rules.rules
            ],
            aliases=[
                NameAlias(source_name=source_name, service_id=service_id)
                for source_name, service_id in sorted(rules.aliases.items())
            ],
            revision=0 if saved is None else saved.revision,
            is_shipped=saved is None,
            saved_by=None if saved is None else saved.saved_by,
            saved_at=None if saved is None else saved.saved_at,
        )


@strawberry.type(description="The newest reading of a source that was not a dry run.")
class DiscoveryRun:
    """A run."""

    started_at: datetime = strawberry.field(description="When it began.")
    from_at: datetime = strawberry.field(name="from", description="Start of the range, included.")
    to_at: datetime = strawberry.field(name="to", description="End of the range.")
    services: int = strawberry.field(description="Services that were found.")
    dependencies: int = strawberry.field(description="Dependencies that were found.")
    warnings: list[str] = strawberry.field(description="What a person should look at, in words.")
    error: str | None = strawberry.field(description="Why it failed; null: it did not.")


@strawberry.type(description="A source that something is configured for.")
class DiscoveryState:
    """Where discovery from one source stands."""

    source: DiscoverySource = strawberry.field(description="Whose claims they become.")
    readings: list[str] = strawberry.field(description="What is read, such as service-graph or tempo.")
    every_minutes: int | None = strawberry.field(description="How often; null: on demand only.")
    last_run: DiscoveryRun | None = strawberry.field(description="null: never read.")

    @classmethod
    def from_domain(cls, state: schedule.DiscoveryState) -> DiscoveryState:
        """As clients read it."""
        run = state.last_run
        return cls(
            source=state.source,
            readings=list(state.readings),
            every_minutes=None if state.every is None else state.every // timedelta(minutes=1),
            last_run=None
            if run is None
            else DiscoveryRun(
                started_at=run.started_at,
                from_at=run.since,
                to_at=run.until,
                services=run.services,
                dependencies=run.dependencies,
                warnings=list(run.warnings),
                error=run.error,
            ),
        )
