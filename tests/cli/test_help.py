"""Help of every command, and the lines that stand in for commands not imported yet."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from sloengine.cli.lazy import Command
from sloengine.cli.main import COMMANDS
from sloengine.cli.print_help import help_text, with_help
from tests.cli.conftest import Run

ALL = [command for listed in COMMANDS.values() for command in listed]
PAGE = Path(__file__).parents[2] / "docs" / "cli.md"


def subcommands(command: Command) -> Iterator[tuple[str, str]]:
    """Names on the command line and first docstring lines; of a group also those of its commands."""
    loaded = command.load()
    if not isinstance(loaded, typer.Typer):
        yield command.name, first_line(loaded)
        return
    yield command.name, str(loaded.info.help)
    for registered in loaded.registered_commands:
        yield f"{command.name} {registered.name}", first_line(registered.callback)


def first_line(function: object) -> str:
    return (inspect.getdoc(function) or "").split("\n", 1)[0]


NAMED = [named for command in ALL for named in subcommands(command)]


@pytest.mark.parametrize("command", ALL, ids=lambda command: command.name)
def test_the_line_of_a_command_is_the_first_line_of_its_docstring(command: Command):
    [(_, line), *_] = subcommands(command)

    assert command.help == line


@pytest.mark.parametrize(("name", "line"), NAMED, ids=[name for name, _ in NAMED])
def test_every_command_explains_itself(run: Run, name: str, line: str):
    for option in ("--help", "-h"):
        answer = run(*name.split(), option)

        assert (answer.code, answer.err) == (0, "")
        assert line.split(".", maxsplit=1)[0].replace("`", "") in " ".join(answer.out.replace("`", "").split())


def test_all_commands_are_listed(run: Run):
    answer = run("--help")

    assert answer.code == 0
    for command in ALL:
        assert f" {command.name} " in answer.out


def test_the_page_of_the_command_line_is_up_to_date():
    text = PAGE.read_text(encoding="utf-8")

    assert text == with_help(text, help_text()), "run `make cli-help`"


def test_every_option_on_the_page_says_what_it_does():
    undocumented = [line for line in help_text().splitlines() if line.startswith("- ") and ": " not in line]

    assert not undocumented
