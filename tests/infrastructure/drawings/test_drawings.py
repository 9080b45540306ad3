"""Drawings, read back by strict parsers of their grammars: names that try to break out of them do not."""

from __future__ import annotations

import html
import json
import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sloengine.application.ports.service_graph import Neighbourhood
from sloengine.domain.journeys.model import Journey, JourneyRoute
from sloengine.domain.topology.dependency import Dependency, DependencyCriticality, DependencyMode
from sloengine.domain.topology.graph import Supernode
from sloengine.domain.topology.service import Criticality, Service
from sloengine.infrastructure.drawings import DrawingFormat, draw

AT = datetime(2026, 3, 2, tzinfo=UTC)
HOSTILE = [
    'a"; b -> c [label="x',
    "a --> b",
    "<script>alert(1)</script>",
    "back\\slash\\",
    "two\nlines\r\n",
    'end"] --> n0["',
    "`**bold**`",
    "#quot;",
    "\\N \\G \\L",
    "ünïcödé 🦊",
    "a|b{c}(d)[e]",
    "%%{init: {}}%%",
    "169.254.170.2_remote",
]
names = st.lists(
    st.one_of(st.sampled_from(HOSTILE), st.text(min_size=1, max_size=20)), min_size=2, max_size=8, unique=True
)


def neighbourhood(ids, **what) -> Neighbourhood:
    edges = [
        Dependency(
            caller,
            called,
            mode=DependencyMode.ASYNC if position % 3 == 1 else DependencyMode.SYNC,
            criticality=list(DependencyCriticality)[position % 3],
            redundancy_group=ids[0] if position % 4 == 2 else None,
            is_stale=position % 5 == 4,
            call_weight=0.5 if position % 2 else None,
        )
        for position, (caller, called) in enumerate(zip(ids, [*ids[1:], ids[0]], strict=True))
    ]
    services = [
        Service(one, criticality=[None, *Criticality][place % 5], external=place % 3 == 2)
        for place, one in enumerate(ids)
    ]
    cycle = Supernode("c", tuple(sorted(ids[:2])), (ids[0], ids[1], ids[0]))
    return Neighbourhood(services, edges, [cycle], 3, what.get("truncated", False))


TOKEN = re.compile(r'\s*(?:"((?:[^"\\\n]|\\.)*)"|(->)|([A-Za-z_][A-Za-z_0-9]*|[0-9.]+)|([{}\[\]=;,]))')


def read_dot(text: str):
    """Nodes by name and the pairs of edges; raises where the text is no digraph of known statements."""
    tokens, at = [], 0
    text = text.rstrip()
    while at < len(text):
        match = TOKEN.match(text, at)
        assert match, f"no token at {text[at : at + 30]!r}"
        tokens.append(("text", match[1]) if match[1] is not None else ("mark", match[2] or match[3] or match[4]))
        at = match.end()
    tokens.reverse()

    def take(wanted: str | None = None):
        kind, value = tokens.pop()
        assert wanted is None or (kind, value) == ("mark", wanted), (kind, value, wanted)
        return value

    def attributes():
        found = {}
        if tokens[-1] == ("mark", "["):
            take("[")
            while tokens[-1] != ("mark", "]"):
                name = take()
                take("=")
                found[name] = take()
                if tokens[-1] == ("mark", ","):
                    take(",")
            take("]")
        return found

    nodes, edges = {}, []

    def statements():
        while tokens[-1] != ("mark", "}"):
            name = take()
            if name == "subgraph":
                take()
                take("{")
                statements()
                take("}")
                continue
            if tokens[-1] == ("mark", "="):
                take("=")
                take()
            elif tokens[-1] == ("mark", "->"):
                take("->")
                edges.append((name, take()))
                attributes()
            else:
                found = attributes()
                if found and name not in {"node", "edge"}:
                    nodes[name] = re.sub(
                        r"\\(.)", lambda m: {"n": "\n", "r": "\r"}.get(m[1], m[1]), found["label"]
                    )
            take(";")

    def graph():
        take("digraph")
        take()
        take("{")
        statements()
        take("}")
        assert not tokens

    # A subgraph ends without a semicolon.
    graph()
    return nodes, edges


LABEL = r'"((?:[A-Za-z0-9 ._/,]|#[0-9]+;)*)"'
MERMAID = {
    "node": re.compile(rf"(n\d+)(?:\[{LABEL}\]|\(\[{LABEL}\]\))"),
    "edge": re.compile(rf"(n\d+) (?:-->|-\.->)(?:\|{LABEL}\|)? (n\d+)"),
    "open": re.compile(rf"subgraph c\d+\[{LABEL}\]"),
    "other": re.compile(
        r"flowchart LR|end|classDef \w+ [\w:#,-]+|class n\d+ \w+|"
        r"linkStyle [\d,]+ stroke:#(?:aaaaaa|1f77b4,stroke-width:3px)"
    ),
}


def read_mermaid(text: str):
    nodes, edges = {}, []
    for line in text.splitlines():
        stripped = line.strip()
        matches = {name: rule.fullmatch(stripped) for name, rule in MERMAID.items()}
        found = [name for name, match in matches.items() if match]
        assert len(found) == 1, f"{line!r} is {found}"
        if match := matches["node"]:
            label = match[2] if match[2] is not None else match[3]
            nodes[match[1]] = re.sub(r"#(\d+);", lambda code: chr(int(code[1])), label)
        elif match := matches["edge"]:
            edges.append((match[1], match[3]))
    return nodes, edges


def read_cytoscape(text: str):
    elements = json.loads(text)["elements"]
    nodes = {one["data"]["id"]: one["data"]["label"] for one in elements["nodes"] if one["classes"] != "cycle"}
    ids = {one["data"]["id"] for one in elements["nodes"]}
    assert all(one["data"].get("parent", "cycle-0") in ids for one in elements["nodes"])
    edges = [(one["data"]["source"], one["data"]["target"]) for one in elements["edges"]]
    return nodes, edges


READERS = {
    DrawingFormat.DOT: read_dot,
    DrawingFormat.MERMAID: read_mermaid,
    DrawingFormat.CYTOSCAPE_JSON: read_cytoscape,
}


@pytest.mark.parametrize("wanted", DrawingFormat)
@given(ids=names)
def test_what_is_drawn_is_read_back_whatever_services_are_called(wanted: DrawingFormat, ids: list[str]):
    drawing = draw(ids[:1], neighbourhood(ids), wanted)

    nodes, edges = READERS[wanted](drawing.content)

    assert sorted(nodes.values()) == sorted(ids)
    named = {(nodes[caller], nodes[called]) for caller, called in edges}
    assert named == {edge.pair for edge in neighbourhood(ids).dependencies}
    assert (drawing.services, drawing.dependencies, drawing.truncated) == (len(ids), len(ids), False)


def test_no_markup_reaches_a_page_that_shows_mermaid():
    drawing = draw(HOSTILE[:1], neighbourhood(HOSTILE), DrawingFormat.MERMAID)

    assert "<" not in drawing.content.replace("<-", "")
    assert html.escape(drawing.content, quote=False).replace("--&gt;", "-->").replace("-.-&gt;", "-.->") == (
        drawing.content
    )


@pytest.mark.parametrize("wanted", DrawingFormat)
def test_too_much_is_cut_from_the_far_end_and_said(wanted: DrawingFormat):
    ids = [f"s{i:03}" for i in range(50)]
    found = neighbourhood(ids)

    drawing = draw(["s000"], found, wanted, most_edges=10)

    nodes, edges = READERS[wanted](drawing.content)
    assert (drawing.truncated, drawing.dependencies, len(edges)) == (True, 10, 10)
    assert {"s000", "s001", "s049"} <= set(nodes.values())
    assert "s025" not in nodes.values()
    assert draw(["s000"], neighbourhood(ids, truncated=True), wanted).truncated


@pytest.mark.parametrize("wanted", DrawingFormat)
@given(ids=names)
def test_a_drawing_with_journeys_has_the_same_graph_whatever_they_are_called(
    wanted: DrawingFormat, ids: list[str]
):
    journey = Journey("j", ids[-1], (ids[0],), (JourneyRoute("r", 1.0, (ids[0], ids[1])),), "a", AT, "a", AT)

    drawing = draw(ids[:1], neighbourhood(ids), wanted, journeys=[journey])

    nodes, edges = READERS[wanted](drawing.content)
    assert sorted(nodes.values()) == sorted(ids)
    named = {(nodes[caller], nodes[called]) for caller, called in edges}
    assert named == {edge.pair for edge in neighbourhood(ids).dependencies}


def test_steps_of_journeys_are_marked_in_each_format():
    ids = ["web", "cart", "db", "mail"]
    buy = Journey("j", "buy", ("web",), (JourneyRoute("r", 1.0, ("web", "cart")),), "a", AT, "a", AT)

    drawn = {one: draw(["web"], neighbourhood(ids), one, journeys=[buy]).content for one in DrawingFormat}
    plain = draw(["web"], neighbourhood(ids), DrawingFormat.DOT).content

    elements = json.loads(drawn[DrawingFormat.CYTOSCAPE_JSON])["elements"]
    marked = {one["data"]["label"]: one for one in elements["nodes"] if "journey" in one["classes"].split()}
    number = {one["data"]["id"]: one["data"]["label"] for one in elements["nodes"]}
    calls = [
        (number[one["data"]["source"]], number[one["data"]["target"]], one["data"]["journeys"])
        for one in elements["edges"]
        if "journey" in one["classes"].split()
    ]
    assert marked.keys() == {"web", "cart"}
    assert "entry" in marked["web"]["classes"].split()
    assert marked["cart"]["data"]["journeys"] == ["buy"]
    assert calls == [("web", "cart", ["buy"])]
    # web is n3, cart n0: services are numbered by name.
    assert "  class n3 entry" in drawn[DrawingFormat.MERMAID]
    assert "  class n0 journey" in drawn[DrawingFormat.MERMAID]
    assert re.search(r"linkStyle \d+ stroke:#1f77b4", drawn[DrawingFormat.MERMAID])
    (call,) = [line for line in drawn[DrawingFormat.DOT].splitlines() if "n3 -> n0" in line]
    assert 'tooltip="journeys: buy"' in call
    assert drawn[DrawingFormat.DOT].count("#1f77b4") == 3
    assert "#1f77b4" not in plain
