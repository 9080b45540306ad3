"""``sloengine events``: what has happened, and what happens."""

from __future__ import annotations

import json
from contextlib import aclosing
from typing import Annotated, Any

import typer

from sloengine.application.events.follow_events import FollowEventsCommand
from sloengine.application.events.wanted import TOLD_KINDS, EventFilter
from sloengine.application.ports.outbox import OutboxEvent
from sloengine.bootstrap.container import UseCases
from sloengine.cli import output
from sloengine.cli.options import StateDir
from sloengine.cli.session import ask
from sloengine.cli.shapes import Json, global_id, service_reference, time
from sloengine.domain.governance.model import Actor

# Names in payloads that lead to an object: its identity is shown, as the API shows it.
_TYPES = {
    "auditEvent": "AuditEvent",
    "slo": "Slo",
    "drift": "DriftEvent",
    "alert": "CircularDependencyAlert",
    "divergence": "Divergence",
    "recommendation": "Recommendation",
    "ingestion": "Ingestion",
}


_PAYLOADS = {
    "SloChanged": ("auditEvent",),
    "SloAtRisk": ("slo", "forecast"),
    "DriftConfirmed": ("drift",),
    "CircularDependencyDetected": ("alert",),
    "DivergenceDetected": ("divergence",),
    "RecommendationGenerated": ("recommendation",),
    "GraphChanged": ("graphVersion", "ingestion"),
    "IngestionProgressed": ("ingestion",),
}


def events(
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what happens, until Ctrl-C.")] = False,
    after: Annotated[
        str | None,
        typer.Option(
            help="Id of the last event seen; default the oldest kept, with --follow now.", show_default=False
        ),
    ] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option("--type", help=f"Only these, of {', '.join(TOLD_KINDS)}.", show_default=False),
    ] = None,
    service: Annotated[
        list[str] | None, typer.Option(help="Only about these services.", show_default=False)
    ] = None,
    team: Annotated[
        list[str] | None, typer.Option(help="Only about services of these teams.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
    state_dir: StateDir = None,
) -> None:
    """List what has happened of late: a week is kept. Each event has an id; --after goes on behind it."""
    wanted = EventFilter(_named(kind), _named(service), _named(team))
    command = FollowEventsCommand(wanted, after, until_now=not follow)

    async def work(use_cases: UseCases, _: Actor) -> None:
        async with aclosing(await use_cases.follow_events(command)) as batches:
            async for batch in batches:
                for event in batch:
                    typer.echo(json.dumps(event_shape(event), ensure_ascii=False) if as_json else _line(event))

    try:
        ask(state_dir, work)
    except KeyboardInterrupt:
        output.note("")


def event_shape(event: OutboxEvent) -> Json:
    """The event as the API shows it; of the objects it leads to the identity. What only the engine itself needs of
    a payload is left out.
    """
    names = _PAYLOADS[event.kind]
    return {
        "__typename": event.kind,
        "id": str(event.number),
        "at": time(event.at),
        "service": None if event.service_id is None else service_reference(event.service_id),
        **{name: _shown(name, event.payload.get(name)) for name in names},
    }


def _shown(name: str, value: Any) -> Any:
    if name not in _TYPES or value is None:
        return value
    return {"id": global_id(_TYPES[name], value)}


def _line(event: OutboxEvent) -> str:
    about = "" if event.service_id is None else f" {event.service_id}"
    more = "".join(f" {name}={value}" for name, value in event.payload.items() if isinstance(value, str | int))
    return f"{event.number} {event.at:%Y-%m-%d %H:%M:%S} {event.kind}{about}{more}"


def _named(values: list[str] | None) -> tuple[str, ...] | None:
    return tuple(values) if values else None
