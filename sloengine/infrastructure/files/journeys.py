"""Journeys in a file, in the shape of the API's ``JourneyInput``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sloengine.application.journeys.save_journeys import SaveJourneyCommand
from sloengine.domain.errors import Invalid
from sloengine.domain.journeys.model import JourneyRoute
from sloengine.infrastructure.files.documents import read_value

_JOURNEY_KEYS = {"name", "entryPoints", "routes", "notes"}
_ROUTE_KEYS = {"name", "weight", "services"}


def read_journeys(path: Path) -> list[SaveJourneyCommand]:
    """One journey, a list of them, or ``{"journeys": […]}`` as `journeys derive --json` prints it.

    Raises ``Invalid`` with the place of everything that is wrong, a line each; ``FileProblem``.
    """
    value = read_value(path)
    if isinstance(value, Mapping) and isinstance(value.get("journeys"), list):
        value = value["journeys"]
    rows = value if isinstance(value, list) else [value]
    if not rows:
        raise Invalid(f"{path}: no journey in it")
    commands: list[SaveJourneyCommand] = []
    wrong: list[str] = []
    for position, row in enumerate(rows, 1):
        try:
            commands.append(_journey(row, f"{path}: journey {position}"))
        except Invalid as error:
            wrong.append(error.message)
    if wrong:
        raise Invalid("\n".join(wrong))
    return commands


def _journey(row: Any, where: str) -> SaveJourneyCommand:
    fields = _fields(row, _JOURNEY_KEYS, where)
    routes = fields.get("routes") or []
    if not isinstance(routes, list):
        raise Invalid(f"{where}: routes is a list")
    return SaveJourneyCommand(
        _text(fields.get("name"), f"{where}: name"),
        _texts(fields.get("entryPoints"), f"{where}: entryPoints"),
        [_route(route, f"{where}, route {position}") for position, route in enumerate(routes, 1)],
    )


def _route(row: Any, where: str) -> JourneyRoute:
    fields = _fields(row, _ROUTE_KEYS, where)
    weight = fields.get("weight")
    if isinstance(weight, bool) or not isinstance(weight, int | float):
        raise Invalid(f"{where}: weight is a number")
    return JourneyRoute(
        _text(fields.get("name"), f"{where}: name"),
        float(weight),
        tuple(_texts(fields.get("services"), f"{where}: services")),
    )


def _fields(row: Any, known: set[str], where: str) -> Mapping[str, Any]:
    if not isinstance(row, Mapping):
        raise Invalid(f"{where} is no object")
    unknown = sorted(str(key) for key in row if key not in known)
    if unknown:
        raise Invalid(f"{where}: {', '.join(unknown)} is not known; {', '.join(sorted(known))} are")
    return row


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise Invalid(f"{where} is a text")
    return value


def _texts(value: Any, where: str) -> Sequence[str]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise Invalid(f"{where} is a list of service ids")
    return value
