"""Commands that are imported when they are run, so that ``--help`` and ``offline`` wait for nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup


@dataclass(frozen=True, slots=True)
class Command:
    """``target``: ``module:name`` of a function, or of a ``Typer`` with commands of its own."""

    name: str
    target: str
    help: str

    def load(self) -> Any:
        """The function or the ``Typer``."""
        module, _, attribute = self.target.partition(":")
        return getattr(import_module(module), attribute)


def group_of(panels: Mapping[str, Sequence[Command]], settings: Mapping[str, Any]) -> type[TyperGroup]:
    """The group class of a program with these commands. ``settings``: Typer's context settings."""
    commands = {command.name: command for listed in panels.values() for command in listed}
    stubs = {
        command.name: TyperCommand(command.name, help=command.help, rich_help_panel=panel)
        for panel, listed in panels.items()
        for command in listed
    }

    class LazyGroup(TyperGroup):
        def __init__(self, **attributes: Any) -> None:
            super().__init__(**attributes)
            self.commands.update(stubs)

        def resolve_command(self, ctx: Any, args: list[str]) -> Any:
            """The command to run: here, and only here, the real one is needed."""
            if args and args[0] in commands:
                self.commands[args[0]] = _built(commands[args[0]], settings)
            return super().resolve_command(ctx, args)

    return LazyGroup


def _built(command: Command, settings: Mapping[str, Any]) -> Any:
    """The command as Typer makes it."""
    loaded = command.load()
    if isinstance(loaded, typer.Typer):
        loaded.info.context_settings = dict(settings)
        return typer.main.get_group(loaded)
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command(command.name, context_settings=dict(settings))(loaded)
    return typer.main.get_command(app)
