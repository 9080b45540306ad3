"""PetShop as panels: 41 components of a real application over 49 hours, in 5-minute intervals."""

from __future__ import annotations

import csv
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from sloengine.domain.reliability.panel import SliPanel
from sloengine.domain.topology.dependency import Dependency
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.topology.service import Service

FRONT = "PetSite"
STATE_MACHINE = "AWS::StepFunctions::StateMachine"
SERVI_PETSI = "servi-petsi.us-west-2.elb.amazonaws.com_remote"
PET_SEARCH = "PetSearch_AWS::ECS::Fargate"
REQUEST_WEIGHTED = 0.99591


def folder() -> Path:
    """Where the data set is; skips the test when it is absent."""
    path = Path(os.environ.get("SLOENGINE_REAL_DATA", "../shared/data")) / "petshop-low"
    if not path.is_dir():
        pytest.skip(f"no real data at {path}: set SLOENGINE_REAL_DATA")
    return path


def petshop() -> tuple[DependencyGraph, SliPanel]:
    """The call graph and the availability series."""
    source = folder()
    with (source / "graph.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    names = rows[0][1:]
    edges = [
        (row[0], names[i]) for row in rows[1:] for i, cell in enumerate(row[1:]) if cell not in ("", "0", "0.0")
    ]
    with (source / "metrics.csv").open(newline="") as file:
        components, metrics, statistics, _, *values = list(csv.reader(file))
    table = np.array([[float(cell) if cell else np.nan for cell in row] for row in values])
    column = {key: i for i, key in enumerate(zip(components, metrics, statistics, strict=True))}
    measured = sorted({c for c, metric, _ in column if metric == "availability"})
    total = np.array([table[:, column[c, "requests", "Sum"]] for c in measured])
    percent = np.array([table[:, column[c, "availability", "Average"]] for c in measured])
    missing = np.isnan(total) | np.isnan(percent)
    total[missing] = np.nan
    good = total * percent / 100.0
    graph = DependencyGraph(
        tuple(Service(name) for name in sorted(names)),
        tuple(Dependency(a, b, assumed=("mode", "criticality")) for a, b in sorted(edges)),
    )
    start_at = datetime.fromtimestamp(table[0, 0], UTC)
    return graph, SliPanel(tuple(measured), start_at, timedelta(minutes=5), good, total)


def never_working(panel: SliPanel) -> dict[str, str]:
    """Components that report no success in all the time: their series cannot be true."""
    good, total = np.nansum(panel.good, axis=1), np.nansum(panel.total, axis=1)
    return {
        service_id: "no request has ever succeeded"
        for service_id, g, t in zip(panel.service_ids, good, total, strict=True)
        if t > 0 and g == 0
    }
