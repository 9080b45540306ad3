"""Cytoscape JSON: js.cytoscape.org, "Elements JSON"."""

from __future__ import annotations

from typing import Any

import orjson

from sloengine.infrastructure.drawings.part import PartOfGraph, kind_of


def cytoscape(part: PartOfGraph) -> str:
    """``{"elements": {"nodes": […], "edges": […]}}``; members of a cycle have it as their parent.

    Steps of journeys have the class ``journey`` and their names, services that one is entered by ``entry``.
    """
    cycle_of = {
        member: f"cycle-{number}" for number, node in enumerate(part.supernodes) for member in node.members
    }
    nodes: list[dict[str, Any]] = [
        {"data": {"id": f"cycle-{number}", "label": "cycle"}, "classes": "cycle"}
        for number in range(len(part.supernodes))
    ]
    for service in part.services:
        data: dict[str, Any] = {
            "id": f"n{part.number[service.service_id]}",
            "label": service.service_id,
            "team": service.team,
            "criticality": service.criticality,
            "external": service.external,
        }
        if service.service_id in cycle_of:
            data["parent"] = cycle_of[service.service_id]
        classes = ["root"] if service.service_id in part.roots else []
        classes += [service.criticality.lower()] if service.criticality else []
        if service.service_id in part.passed_by:
            data["journeys"] = list(part.passed_by[service.service_id])
            classes += ["journey", *(["entry"] if service.service_id in part.entries else [])]
        nodes.append({"data": data, "classes": " ".join(classes)})
    edges = [
        {
            "data": {
                "id": f"e{number}",
                "source": f"n{part.number[edge.caller]}",
                "target": f"n{part.number[edge.dependency]}",
                "mode": edge.mode,
                "criticality": edge.criticality,
                "callWeight": edge.call_weight,
                "redundancyGroup": edge.redundancy_group,
                "required": edge.required,
                "isStale": edge.is_stale,
                **({"journeys": list(part.taken_by[edge.pair])} if edge.pair in part.taken_by else {}),
            },
            "classes": " ".join(
                [
                    kind_of(edge),
                    *(["stale"] if edge.is_stale else []),
                    *(["journey"] if edge.pair in part.taken_by else []),
                ]
            ),
        }
        for number, edge in enumerate(part.dependencies)
    ]
    return orjson.dumps({"elements": {"nodes": nodes, "edges": edges}}, option=orjson.OPT_INDENT_2).decode()
