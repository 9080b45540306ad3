"""The truth must not come from the mathematics that it judges: who imports whom, followed file by file."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import sloengine

ROOT = Path(sloengine.__file__).parent
SIMULATOR = "sloengine.domain.simulation"
SHARED = {"sloengine.domain.reliability.panel"}
"""Arrays that the one fills and the other reads."""
ROOMS = sorted(path.name for path in (ROOT / "domain").iterdir() if path.name not in ("simulation", "__pycache__"))


def test_the_simulator_reaches_no_module_of_the_engine_but_the_arrays_it_fills():
    reached = closure(module for module in modules(ROOT / "domain" / "simulation"))

    assert {name for name in reached if not inside(name, SIMULATOR)} == SHARED


@pytest.mark.parametrize(
    "room", sorted(path.name for path in (ROOT / "domain").iterdir() if path.suffix != ".pyc")
)
def test_no_room_of_the_domain_reaches_the_simulator(room: str):
    if room in ("simulation", "__init__.py", "__pycache__"):
        return

    reached = closure(modules(ROOT / "domain" / room))

    assert not [name for name in reached if inside(name, SIMULATOR)]


def test_the_use_cases_do_not_reach_the_simulator():
    assert not [name for name in closure(modules(ROOT / "application")) if inside(name, SIMULATOR)]


def inside(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def modules(place: Path) -> Iterator[str]:
    for path in [place] if place.is_file() else place.rglob("*.py"):
        parts = path.relative_to(ROOT.parent).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def closure(names: Iterator[str]) -> set[str]:
    """Modules with code that these are or import, directly or not, wherever in a file."""
    found: set[str] = set()
    left = list(names)
    while left:
        name = left.pop()
        path = file_of(name)
        if name in found or path is None:
            continue
        found.add(name)
        left.extend(imported(path))
    return {name for name in found if (path := file_of(name)) is not None and len(parsed(path).body) > 1}


def file_of(name: str) -> Path | None:
    place = ROOT.parent.joinpath(*name.split("."))
    return next((path for path in (place.with_suffix(".py"), place / "__init__.py") if path.exists()), None)


@cache
def imported(path: Path) -> tuple[str, ...]:
    found: list[str] = []
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if inside(alias.name, "sloengine")]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            if node.module is not None and inside(node.module, "sloengine"):
                found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return tuple(found)


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())
