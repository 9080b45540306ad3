"""The arithmetic of impact analyses on one graph: ``python -m bench.impact_alone SERVICES EDGES [cycle]``."""

from __future__ import annotations

import resource
import sys
import time
from datetime import UTC, datetime

import numpy as np
import orjson

from bench.graphs import giant_cycle, layered_graph
from bench.impact import HUBS, objective
from sloengine.domain.governance.model import SloTarget
from sloengine.domain.impact.analyse import ImpactBasis, analyse_availability
from sloengine.domain.impact.build_network import failure_network
from sloengine.domain.impact.model import ImpactAnalysis, SloChange
from sloengine.domain.impact.stated import learn_standing
from sloengine.domain.impact.told import analysis_of
from sloengine.domain.recommendation.model import ObjectiveKind
from sloengine.domain.topology.dependency import Dependency, DependencyCriticality, DependencyMode
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.topology.service import Service

ASKED = 60
_PAGE = 50


def main() -> int:
    """Print what was measured as JSON."""
    services, edges = int(sys.argv[1]), int(sys.argv[2])
    document = (giant_cycle if sys.argv[3:] else layered_graph)(services, edges)
    graph = DependencyGraph(
        tuple(Service(row["serviceId"], team=row["team"]) for row in document["services"]),
        tuple(
            Dependency(
                row["caller"],
                row["dependency"],
                DependencyMode(row["mode"]),
                DependencyCriticality(row["criticality"]),
                call_weight=row["callWeight"],
            )
            for row in document["dependencies"]
        ),
        version=1,
    )
    rng = np.random.default_rng(1)
    shown = rng.lognormal(-8, 1, services)
    promised = np.where(rng.random(services) < 2 / 3, rng.choice([0.02, 0.01, 0.005, 0.001], services), np.nan)
    ids = [service.service_id for service in graph.services]
    at = datetime.now(UTC)
    slos = {
        ids[place]: objective(ids[place], float(1.0 - promised[place]), at)
        for place in np.flatnonzero(~np.isnan(promised)).tolist()
    }
    before_mib = _peak_mib()
    began = time.process_time()
    network = failure_network(graph)
    _ = network.masks, network.group_masks
    basis = ImpactBasis(network, learn_standing(network, shown, promised), slos, frozenset(ids))
    ready = time.process_time() - began
    called = np.bincount(graph.ends[1], minlength=services)
    hubs = [ids[place] for place in np.argsort(-called, kind="stable")[:HUBS]]
    some = [ids[place] for place in rng.permutation(services)[:ASKED]]
    usual, callers = _asked(basis, some)
    hard, hub_callers = _asked(basis, hubs * 3)
    told = {
        "ready_cpu": ready,
        "cpu_ms": usual,
        "hub_cpu_ms": hard,
        "callers": float(np.median(callers)),
        "hub_callers": float(np.median(hub_callers)),
        "peak_mib": _peak_mib(),
        "before_mib": before_mib,
    }
    sys.stdout.buffer.write(orjson.dumps(told))
    return 0


def _asked(basis: ImpactBasis, names: list[str]) -> tuple[list[float], list[int]]:
    """Milliseconds of CPU, and callers told of; with the words of a first page."""
    taken: list[float] = []
    callers: list[int] = []
    for name in names:
        began = time.process_time()
        changes = [SloChange(name, SloTarget(ObjectiveKind.AVAILABILITY, 0.97))]
        found: ImpactAnalysis = analysis_of(basis, changes, analyse_availability(basis, changes))
        _ = [row.reason for row in found.rows[:_PAGE]]
        taken.append(1_000 * (time.process_time() - began))
        callers.append(len(found.rows))
    return taken, callers


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main())
