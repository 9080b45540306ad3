"""From telemetry, the graph and objectives to what impact is worked out on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from sloengine.application.topology.learnt_findings import Findings
from sloengine.domain.governance.model import Slo
from sloengine.domain.impact.analyse import ImpactBasis
from sloengine.domain.impact.build_network import failure_network
from sloengine.domain.impact.network import FailureNetwork
from sloengine.domain.impact.stated import learn_standing
from sloengine.domain.recommendation.telemetry_checks import inspect
from sloengine.domain.reliability.panel import FloatArray, SliPanel
from sloengine.domain.topology.graph import DependencyGraph


@dataclass(frozen=True)
class Seen:
    """Requests and failed ones of each service over the look-back, by service id; none of what cannot be true."""

    key: object
    to_at: datetime
    total: Mapping[str, float]
    failed: Mapping[str, float]


@dataclass(frozen=True)
class Looked:
    """The graph, and by position what each service showed and published (unavailability), and its requests."""

    network: FailureNetwork
    shown: FloatArray
    figures: FloatArray
    requests: FloatArray


def believed(panel: SliPanel, graph: DependencyGraph) -> tuple[dict[str, float], dict[str, float]]:
    """Requests and failed ones over all intervals, by service id. Series that recommendations refuse because they
    cannot be true are left out: nothing is known of these services.
    """
    findings = inspect(panel, graph)
    good, total = findings.cleaned.good, findings.cleaned.total
    requests = np.nansum(total, axis=1).tolist()
    failed = np.nansum(np.where(np.isnan(total), 0.0, total - good), axis=1).tolist()
    kept = [(place, one) for place, one in enumerate(panel.service_ids) if one not in findings.refused]
    return {one: requests[place] for place, one in kept}, {one: failed[place] for place, one in kept}


def network_of(graph: DependencyGraph, seen: Seen, findings: Findings) -> Looked:
    """The graph with what each service showed (NaN: not known) and published.

    ``findings``: of pass-through as recommendations use it, of the edges where that was found.

    A published figure is a prior worth half a failure, as in composite bounds.
    """
    size = len(graph.services)
    total = np.array([seen.total.get(service.service_id, 0.0) for service in graph.services])
    failed = np.array([seen.failed.get(service.service_id, 0.0) for service in graph.services])
    shown = np.divide(failed, total, out=np.full(size, np.nan), where=total > 0.0)
    figures = np.full(size, np.nan)
    for place, service in enumerate(graph.services):
        figure = service.published_availability_ratio
        if figure is not None and figure < 1.0:
            figures[place] = prior = min(1.0, 1.1 * (1.0 - figure))
            if total[place] > 0.0:
                shown[place] = (failed[place] + 0.5) / (total[place] + 0.5 / prior)
            else:
                shown[place] = prior
    in_use = {pair: found.in_use for pair, found in findings.items()}
    network = failure_network(graph, total, pass_through=in_use)
    _ = network.masks, network.group_masks, network.kept_reach  # made once, here, not by the first who asks
    return Looked(network, shown, figures, total)


def basis_of(looked: Looked, slos: Mapping[str, Slo]) -> ImpactBasis:
    """The state in force with these objectives, by service id."""
    network, shown, promised = looked.network, looked.shown, looked.figures.copy()
    for service_id, slo in slos.items():
        for target in slo.targets:
            if target.availability_ratio is not None:
                promised[network.graph.index[service_id]] = 1.0 - target.availability_ratio
    known = frozenset(
        service.service_id for place, service in enumerate(network.graph.services) if not np.isnan(shown[place])
    )
    return ImpactBasis(network, learn_standing(network, shown, promised), slos, known, looked.requests, shown)
