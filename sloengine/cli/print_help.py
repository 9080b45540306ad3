"""Print the help of every command as Markdown: ``python -m sloengine.cli.print_help [FILE]``.

With a file, the part of it between the two marks is replaced.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

import typer

from sloengine.cli.lazy import Command
from sloengine.cli.main import COMMANDS

BEGIN = "<!-- made by `make cli-help`; do not edit -->"
END = "<!-- end -->"
_COMMON = ("--help", "--json", "--state-dir")


def help_text() -> str:
    """Every command with its arguments and options, as on the page."""
    blocks = [
        block
        for panel, commands in COMMANDS.items()
        for block in (f"### {panel}", *(block for command in commands for block in _blocks(command)))
    ]
    return "\n\n".join(blocks)


def with_help(page: str, text: str) -> str:
    """The page with this text between its marks. Raises ``ValueError`` when it has none."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page has no {BEGIN} … {END}")
    return f"{before}{BEGIN}\n\n{text}\n\n{END}{after}"


def _blocks(command: Command) -> Iterator[str]:
    loaded = command.load()
    if isinstance(loaded, typer.Typer):
        group: Any = typer.main.get_group(loaded)
        if group.invoke_without_command:
            yield _block(command.name, group)
        for name in loaded.registered_commands:
            yield _block(f"{command.name} {name.name}", group.commands[name.name])
        return
    app = typer.Typer(add_completion=False)
    app.command(command.name)(loaded)
    yield _block(command.name, typer.main.get_command(app))


def _block(name: str, command: Any) -> str:
    own = [param for param in command.params if not set(param.opts) & set(_COMMON)]
    common = [f"`{option}`" for option in _COMMON[1:] if any(option in p.opts for p in command.params)]
    usage = " ".join([name, *(_usage(param) for param in own if param.required or _is_argument(param))])
    lines = [f"**`sloengine {usage}`**", "", _first_sentences(command.help)]
    listed = [f"- {_label(param)}: {_what(param)}" for param in own]
    if common:
        listed.append(f"- and {', '.join(common)}: as above")
    return "\n".join([*lines, "", *listed] if listed else lines)


def _first_sentences(text: str | None) -> str:
    return (text or "").strip().split("\n\n")[0].replace("\n", " ")


def _is_argument(param: Any) -> bool:
    return bool(param.param_type_name == "argument")


def _usage(param: Any) -> str:
    shown = param.name.upper() if _is_argument(param) else f"{param.opts[0]} {param.name.upper()}"
    many = "…" if param.multiple or param.nargs != 1 else ""
    return f"{shown}{many}" if param.required else f"[{shown}{many}]"


def _label(param: Any) -> str:
    if _is_argument(param):
        return f"`{param.name.upper()}`"
    return ", ".join(f"`{option}`" for option in (*param.opts, *param.secondary_opts))


def _what(param: Any) -> str:
    """The help text, what can be chosen, and what holds when nothing is said."""
    parts = [(param.help or "").strip()]
    kind = param.type_descriptor.annotation
    if isinstance(kind, type) and issubclass(kind, Enum):
        parts.append(f"One of {', '.join(f'`{str(choice.value).lower()}`' for choice in kind)}.")
    default = param.default
    if param.show_default and default is not None and not isinstance(default, bool) and not param.required:
        parts.append(f"Default: `{str(getattr(default, 'value', default)).lower()}`.")
    return " ".join(part for part in parts if part)


def main(arguments: list[str]) -> None:
    """Write into the file that is named, else to standard output."""
    if arguments:
        page = Path(arguments[0])
        page.write_text(with_help(page.read_text(encoding="utf-8"), help_text()), encoding="utf-8")
    else:
        sys.stdout.write(help_text() + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
