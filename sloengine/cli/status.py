"""``sloengine status | down | reset``: what ``up`` runs on a state directory, and the end of it."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import httpx
import psutil
import typer
from rich.text import Text

from sloengine.bootstrap.settings import Settings
from sloengine.cli import output
from sloengine.cli.options import AsJson, StateDir
from sloengine.domain.errors import Conflict, Unavailable
from sloengine.infrastructure.embedded.state_directory import StateDirectory, StateLock

_STOP_TIMEOUT_SECONDS = 60.0


def status(as_json: AsJson = False, state_dir: StateDir = None) -> None:
    """Say what runs, where it answers and where its logs are; exit 3 when nothing runs or it is not ready."""
    state = _state(state_dir)
    shape = _status_shape(state)
    if as_json:
        output.print_json(shape)
    elif shape["running"]:
        _print_status(shape)
    else:
        output.out.print(f"nothing runs on {state.root}; start it with `make up`", highlight=False, markup=False)
        output.out.print(f"logs of earlier runs: {state.logs}", highlight=False, markup=False)
    if not shape["ready"]:
        raise typer.Exit(output.EXIT_UNAVAILABLE)


def _status_shape(state: StateDirectory) -> dict[str, Any]:
    run = state.running() or {}
    lock = StateLock(state)
    running = lock.is_held()
    children = run.get("children", {}) if running else {}
    return {
        "stateDir": str(state.root),
        "running": running,
        "ready": running and _is_ready(run.get("health")),
        "pid": lock.holder() if running else None,
        "graphiql": run.get("graphiql") if running else None,
        "health": run.get("health") if running else None,
        "neo4j": run.get("neo4j_url") if running else None,
        "telemetry": run.get("telemetry") if running else None,
        "logs": str(state.logs),
        "processes": [_process_shape(name, child) for name, child in children.items()],
    }


def _process_shape(name: str, child: dict[str, Any]) -> dict[str, Any]:
    try:
        process = psutil.Process(child["pid"])
        alive = process.is_running() and process.status() != psutil.STATUS_ZOMBIE
        memory = _resident_bytes(process) if alive else None
    except psutil.Error:
        alive, memory = False, None
    return {"name": name, "pid": child["pid"], "alive": alive, "residentBytes": memory, "log": child["log"]}


def _resident_bytes(process: psutil.Process) -> int:
    """Of a process and all that it started: a worker's own processes do its work."""
    total: int = process.memory_info().rss
    for child in process.children(recursive=True):
        with suppress(psutil.Error):
            total += child.memory_info().rss
    return total


def _is_ready(health: str | None) -> bool:
    if health is None:
        return False
    try:
        return httpx.get(health, timeout=5, trust_env=False).is_success
    except httpx.HTTPError:
        return False


def _print_status(shape: dict[str, Any]) -> None:
    word = "ready" if shape["ready"] else "running, not ready yet"
    output.out.print(f"sloengine on {shape['stateDir']} is {word} (process {shape['pid']})", highlight=False)
    for name in ("graphiql", "health", "neo4j", "telemetry", "logs"):
        output.out.print(f"{name:>10}  {shape[name] or '–'}", highlight=False, markup=False, soft_wrap=True)
    table = output.table()
    for column in ("process", "pid", "state", "memory MB"):
        table.add_column(column, justify="right" if column in {"pid", "memory MB"} else "left")
    table.add_column("log", overflow="fold")
    for process in shape["processes"]:
        memory = "–" if process["residentBytes"] is None else f"{process['residentBytes'] / 1e6:.0f}"
        state = Text("runs") if process["alive"] else Text("has ended", "red")
        table.add_row(process["name"], str(process["pid"]), state, memory, process["log"])
    output.out.print(table)


def down(state_dir: StateDir = None) -> None:
    """Stop the running `up` and all its children, and end what a killed one left behind."""
    state = _state(state_dir)
    lock = StateLock(state)
    if lock.is_held():
        _interrupt(state, lock)
        output.out.print("stopped", highlight=False)
        return
    ended = state.end_left_overs()
    state.run_file.unlink(missing_ok=True)
    said = f"ended what a killed run had left: {', '.join(ended)}" if ended else f"nothing runs on {state.root}"
    output.out.print(said, highlight=False, markup=False)


def _interrupt(state: StateDirectory, lock: StateLock) -> None:
    pid = lock.holder()
    if pid is None:
        raise Unavailable(
            f"something runs on {state.root}, but its process is unknown: stop it where it was started"
        )
    psutil.Process(pid).terminate()
    deadline = time.monotonic() + _STOP_TIMEOUT_SECONDS
    while lock.is_held():
        if time.monotonic() > deadline:
            raise Unavailable(f"process {pid} has not stopped in {_STOP_TIMEOUT_SECONDS:.0f} s; see {state.logs}")
        time.sleep(0.1)


def reset(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    state_dir: StateDir = None,
) -> None:
    """Delete all data, logs and keys of a state directory. An external Neo4j or Redis is not touched."""
    state = _state(state_dir)
    if StateLock(state).is_held():
        raise Conflict(f"`sloengine up` runs on {state.root}: stop it first with `sloengine down`")
    if not state.exists():
        output.out.print(f"no `sloengine up` has ever worked on {state.root}", highlight=False, markup=False)
        return
    if not yes:
        typer.confirm(f"Delete all data, logs and keys in {state.root}?", abort=True)
    state.end_left_overs()
    state.clear()
    output.out.print(f"{state.root} is empty again", highlight=False, markup=False)


def _state(state_dir: Path | None) -> StateDirectory:
    return StateDirectory.at(state_dir or Settings().state_dir)
