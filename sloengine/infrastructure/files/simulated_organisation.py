"""A simulated organisation as the files that a real one would leave: edges, SLIs, latency, OpenMetrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from sloengine.domain.reliability.panel import LatencyHistory, SliPanel
from sloengine.domain.simulation.blocks import BLOCK_HOURS
from sloengine.domain.simulation.exposition import CallExposition, Exposition, ServiceExposition, expositions
from sloengine.domain.simulation.habits import Stretch
from sloengine.domain.simulation.latency import OTEL_BOUNDS_SECONDS
from sloengine.domain.simulation.organisation import Organisation, availability, latency_days
from sloengine.infrastructure.files.edges_csv import write_edges
from sloengine.infrastructure.files.latency_csv import write_latency
from sloengine.infrastructure.files.openmetrics import Family, Metric, OpenMetricsFolder, sample
from sloengine.infrastructure.files.output import number_text
from sloengine.infrastructure.files.sli_csv import write_sli

_REQUESTS = "http_server_request_duration_seconds"
_CALLS = "traces_service_graph_request"
_LEAST_SAMPLES_PER_HOUR = 2  # growth within a slot is even: an hour's increase is exact with an open start, too


def write_telemetry(
    folder: Path,
    organisation: Organisation,
    document: Mapping[str, Any],
    stretch: Stretch,
    *,
    openmetrics: bool,
    progress: Callable[[float], None],
) -> list[Path]:
    """Write ``edges.csv``, ``organisation.json``, ``sli.csv`` and ``latency.csv``, and ``openmetrics/*.om``.

    ``document``: what is declared. ``stretch``: whole days, UTC. The step of ``sli.csv`` is the organisation's
    slot. Returns the files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    slots_per_hour = organisation.parameters.slots_per_hour
    step = timedelta(hours=1) / slots_per_hour
    exposed = _exposed_folder(folder, slots_per_hour) if openmetrics else None
    panels: list[SliPanel] = []
    latencies: list[Mapping[str, LatencyHistory]] = []
    weeks = _weeks(stretch)
    for number, (first, last) in enumerate(weeks):
        panels.append(availability(organisation, first, last, step))
        latencies.append(latency_days(organisation, first, last))
        if exposed is not None:
            for exposition in expositions(organisation, first, last):
                _expose(exposed, exposition, last=last == stretch.to_hour)
        progress((number + 1) / (len(weeks) + 1))
    write_edges(folder / "edges.csv", document)
    (folder / "organisation.json").write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2))
    write_sli(folder / "sli.csv", _joined_panel(panels))
    write_latency(folder / "latency.csv", _joined_latency(latencies))
    progress(1.0)
    names = ("edges.csv", "organisation.json", "sli.csv", "latency.csv")
    return [*(folder / name for name in names), *(exposed.files if exposed else ())]


def _weeks(stretch: Stretch) -> list[tuple[int, int]]:
    """The simulation's blocks, cut at both ends: each is played once for everything that is written of it."""
    cuts = range(-(-(stretch.from_hour + 1) // BLOCK_HOURS) * BLOCK_HOURS, stretch.to_hour, BLOCK_HOURS)
    return list(pairwise([stretch.from_hour, *cuts, stretch.to_hour]))


def _exposed_folder(folder: Path, slots_per_hour: int) -> OpenMetricsFolder:
    target = folder / "openmetrics"
    target.mkdir(exist_ok=True)
    return OpenMetricsFolder(target, 3600 // slots_per_hour, max(1, _LEAST_SAMPLES_PER_HOUR // slots_per_hour))


def _joined_panel(panels: list[SliPanel]) -> SliPanel:
    return replace(
        panels[0],
        good=np.concatenate([panel.good for panel in panels], axis=1),
        total=np.concatenate([panel.total for panel in panels], axis=1),
    )


def _joined_latency(parts: list[Mapping[str, LatencyHistory]]) -> list[LatencyHistory]:
    return [
        replace(first, counts=np.concatenate([part[service_id].counts for part in parts]))
        for service_id, first in parts[0].items()
    ]


def _expose(target: OpenMetricsFolder, exposition: Exposition, *, last: bool) -> None:
    slots = exposition.services[0].seen.size
    requests = [metric for service in exposition.services for metric in _of_service(service)]
    calls, failed = (
        zip(*(_of_call(call) for call in exposition.calls), strict=True) if exposition.calls else ((), ())
    )
    families = [Family(_REQUESTS, "histogram", requests)]
    if exposition.calls:
        families += [Family(_CALLS, "counter", calls), Family(f"{_CALLS}_failed", "counter", failed)]
    target.write(exposition.first_hour * 3600, slots, families, last=last)


def _of_service(service: ServiceExposition) -> list[Metric]:
    metrics = []
    for status, by_latency in (("200", service.good), ("500", service.failed)):
        labels = {"job": service.service_id, "http_response_status_code": status}
        counts = by_latency.sum(axis=0)
        totals = [counts, counts * service.seconds]
        names = [sample(f"{_REQUESTS}_{part}", **labels) for part in ("count", "sum")]
        if service.has_histogram:
            bounds = [number_text(bound) for bound in OTEL_BOUNDS_SECONDS.tolist()]
            names = [*(sample(f"{_REQUESTS}_bucket", **labels, le=bound) for bound in bounds), *names]
            totals = [*np.cumsum(by_latency, axis=0), *totals]
        metrics.append(
            Metric(
                samples=tuple(names),
                increments=np.array(totals, dtype=np.float64),
                seen=service.seen,
                broken=service.broken if status == "200" else np.zeros_like(service.broken),
                restarts=service.restarts,
            )
        )
    return metrics


def _of_call(call: CallExposition) -> tuple[Metric, Metric]:
    never = np.zeros(call.seen.shape, dtype=np.bool_)
    calls, failed = (
        Metric(
            (sample(f"{_CALLS}{suffix}_total", client=call.caller, server=call.dependency),),
            counts[None, :].astype(np.float64),
            call.seen,
            never,
            never,
        )
        for suffix, counts in (("", call.calls), ("_failed", call.failed))
    )
    return calls, failed
