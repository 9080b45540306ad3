from __future__ import annotations

import io
import json

from rich.console import Console

from sloengine.application.ports.service_graph import Neighbourhood
from sloengine.cli.graph_tree import graph_tree
from sloengine.domain.topology.dependency import Dependency, DependencyCriticality, DependencyMode
from sloengine.domain.topology.graph import Supernode
from sloengine.domain.topology.service import Criticality, Service
from tests.cli.conftest import Run
from tests.processor_time import processor_seconds


def drawn(edges, root="a", *, depth=5, width=80, supernodes=(), services=None, towards_callers=False) -> list[str]:
    ids = sorted({end for edge in edges for end in edge.pair})
    found = Neighbourhood(services or [Service(one) for one in ids], edges, supernodes, 1, False)
    console = Console(width=width, file=io.StringIO(), color_system="truecolor", force_terminal=True)
    tree = graph_tree(root, found, depth, towards_callers=towards_callers, width=width)
    with console.capture() as captured:
        console.print(tree)
    plain = Console(width=width, file=io.StringIO())
    with plain.capture() as text:
        plain.print(graph_tree(root, found, depth, towards_callers=towards_callers, width=width))
    assert all(len(line) <= width for line in text.get().splitlines())
    return [*text.get().splitlines(), captured.get()]


def test_a_cycle_ends_and_shared_services_are_unfolded_once():
    edges = [
        Dependency("a", "b"),
        Dependency("b", "a"),
        Dependency("a", "c"),
        Dependency("b", "c"),
        Dependency("c", "d"),
    ]

    *lines, _ = drawn(edges, supernodes=[Supernode("s", ("a", "b"), ("a", "b", "a"))])

    text = "\n".join(lines)
    assert text.count("back to the path above") == 1
    assert text.count("shown above") == 1
    assert text.count("d hard") == 1
    assert "a ○ in a cycle" in lines[0]


def test_a_graph_where_everybody_calls_everybody_is_drawn_at_once():
    ids = [f"s{i}" for i in range(40)]
    edges = [Dependency(x, y) for x in ids for y in ids if x != y]

    spent, [*lines, _] = processor_seconds(lambda: drawn(edges, root="s0", depth=10), 10)

    assert spent < 10
    assert len(lines) <= len(edges) + 1


def test_kinds_of_calls_are_named_and_coloured_and_callers_go_the_other_way():
    edges = [
        Dependency("a", "b", mode=DependencyMode.ASYNC),
        Dependency("a", "c", criticality=DependencyCriticality.SOFT, is_stale=True, call_weight=0.25),
        Dependency("x", "a", redundancy_group="pool", required=2),
    ]
    services = [
        Service("a", criticality=Criticality.CRITICAL),
        Service("b", external=True),
        Service("c"),
        Service("x"),
    ]

    *lines, colours = drawn(edges, services=services)
    *up, _ = drawn(edges, services=services, towards_callers=True)

    assert lines == ["a", "├── b (external) async", "└── c soft, ×0.25, stale"]
    assert up == ["a", "└── x hard, 2 of pool"]
    assert "\x1b[1;31ma" in colours  # bold red


def test_hostile_names_are_shown_as_they_are_and_long_ones_cut():
    hostile = "[bold red]x[/] \x1b[2J"
    edges = [Dependency("a", hostile), Dependency("a", "y" * 250)]

    *lines, _ = drawn(edges, width=60)

    assert any("[bold red]x[/] \\x1b[2J" in line for line in lines)
    assert any(line.endswith("…") for line in lines)


def test_the_command_writes_every_format(ask: Run):
    answers = {
        kind: ask("graph", "front", "--format", kind) for kind in ("tree", "dot", "mermaid", "cytoscape", "json")
    }
    callers = ask("graph", "db", "--direction", "callers")

    assert [answer.code for answer in answers.values()] == [0] * 5
    assert answers["dot"].out.startswith("digraph")
    assert answers["mermaid"].out.startswith("flowchart LR")
    assert len(json.loads(answers["cytoscape"].out)["elements"]["nodes"]) == 3
    assert len(answers["json"].json["services"]) == 3
    assert "cart" in callers.out
