"""A simulated organisation, backfilled into a real Prometheus, comes back with the same sums."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from sloengine.application.recommendation.compute_recommendations import Wanted, compute_recommendations
from sloengine.application.recommendation.evidence import Evidence
from sloengine.application.recommendation.prepared import prepare
from sloengine.application.recommendation.recommend_from_files import graph_of_document, priors_before
from sloengine.domain.recommendation.model import SliType, TargetLimit
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.reliability.window import ComplianceWindow
from sloengine.domain.simulation.blocks import time_of
from sloengine.domain.simulation.drawn import DrawnOrganisation, draw_organisation
from sloengine.domain.simulation.habits import Stretch
from sloengine.domain.simulation.organisation import Organisation, availability, edges, latency_hours
from sloengine.domain.simulation.settings import Faults, Shared, parameters_of
from sloengine.domain.simulation.topology import SimulatedTopology
from sloengine.infrastructure.files.simulated_organisation import write_telemetry
from sloengine.infrastructure.prometheus.client import PrometheusClient
from sloengine.infrastructure.prometheus.source import PrometheusTelemetrySource

SPAN = Stretch(496_800, 496_800 + 48)
WITHIN = (SPAN.from_hour, SPAN.to_hour)
GAPPY, RESTARTING, SPEECHLESS, SILLY = "service-0", "service-1", "service-2", "service-3"
FLAWS = {
    GAPPY: {"missing_ratio": 0.3},
    RESTARTING: {"restarts_per_day": 4.0},
    SPEECHLESS: {"has_histogram": False},
    SILLY: {"nan_ratio": 0.3},
}


def organisation() -> Organisation:
    drawn = draw_organisation(14, parameters_of(Faults.FREQUENT, Shared.ALL), 5, SPAN).organisation
    services = tuple(replace(service, **FLAWS.get(service.service_id, {})) for service in drawn.topology.services)
    return Organisation(SimulatedTopology(services, drawn.topology.calls), drawn.parameters, drawn.seed)


@pytest.fixture(scope="module")
def simulated() -> DrawnOrganisation:
    return DrawnOrganisation(organisation(), {"services": [], "dependencies": []})


@pytest.fixture(scope="module")
def prometheus(simulated, prometheus_server, tmp_path_factory):
    files = write_telemetry(
        tmp_path_factory.mktemp("simulated"),
        simulated.organisation,
        simulated.document,
        SPAN,
        openmetrics=True,
        progress=lambda _: None,
    )
    return prometheus_server(path.read_text() for path in files if path.suffix == ".om")


@pytest.fixture
async def pulled(simulated, prometheus):
    now = time_of(SPAN.to_hour) + timedelta(minutes=1)
    client = PrometheusClient(prometheus.url)
    source = PrometheusTelemetrySource(client, lambda: now)
    ids = await source.service_ids(time_of(SPAN.from_hour), now)
    yield await source.pull(ids, time_of(SPAN.from_hour), time_of(SPAN.to_hour))
    await client.close()


async def test_requests_failures_latency_and_calls_are_those_of_the_simulation(simulated, pulled):
    truth = availability(simulated.organisation, *WITHIN)
    panel = pulled.availability.select(truth.service_ids)

    assert not pulled.refused
    assert set(pulled.availability.service_ids) == set(truth.service_ids)
    sane = [row for row, service_id in enumerate(truth.service_ids) if service_id != SILLY]
    np.testing.assert_array_equal(np.isnan(panel.total[sane]), np.isnan(truth.total[sane]))
    assert np.isnan(panel.total[truth.rows[GAPPY]]).any()
    np.testing.assert_allclose(panel.total[sane], truth.total[sane], rtol=1e-9)
    np.testing.assert_allclose(panel.good[sane], truth.good[sane], rtol=1e-9)
    assert np.nansum(truth.bad) > 100

    row = truth.rows[SILLY]
    seen, said = ~np.isnan(panel.total[row]), ~np.isnan(truth.good[row])
    assert seen.any()
    assert not seen[~said].any()  # NaN is no data, and an hour that touches it is none either
    np.testing.assert_allclose(panel.good[row][seen], truth.good[row][seen], rtol=1e-9)

    histories = latency_hours(simulated.organisation, *WITHIN)
    assert set(pulled.latency) == set(histories) == set(truth.service_ids) - {SPEECHLESS}
    for service_id, history in histories.items():
        if service_id == SILLY:
            continue
        np.testing.assert_array_equal(pulled.latency[service_id].bounds_seconds, history.bounds_seconds)
        np.testing.assert_allclose(pulled.latency[service_id].counts, history.counts, rtol=1e-9, atol=1e-6)

    calls = edges(simulated.organisation, *WITHIN)
    seen = {pair: row for row, pair in enumerate(pulled.edges.pairs)}
    inside = [row for row, pair in enumerate(calls.pairs) if set(pair) <= set(truth.service_ids)]
    assert {calls.pairs[row] for row in inside} == set(seen)
    rows = [seen[calls.pairs[row]] for row in inside]
    np.testing.assert_allclose(pulled.edges.calls[rows], calls.calls[inside], rtol=1e-9)
    np.testing.assert_allclose(pulled.edges.failed[rows], calls.failed[inside], rtol=1e-9)


async def test_targets_from_prometheus_are_those_of_the_files_once_calls_are_known(simulated, pulled):
    """What is pulled gives the very numbers that what was simulated gives.

    Files know no calls: there declared call weights and pass-through stand, and a target that its dependencies
    limit may be a published figure apart. No other is.
    """
    organisation = simulated.organisation
    sane = [one for one in availability(organisation, *WITHIN).service_ids if one not in FLAWS]
    panel = availability(organisation, *WITHIN).select(sane)
    calls = edges(organisation, *WITHIN)
    declared = [
        {"caller": call.caller, "dependency": call.dependency, "criticality": "HARD"}
        for call in organisation.topology.calls
        if {call.caller, call.dependency} <= set(sane)
    ]

    files = targets(declared, panel, None)
    with_calls = targets(declared, panel, calls)
    from_prometheus = targets(declared, pulled.availability.select(sane), pulled.edges)

    assert from_prometheus == with_calls
    assert len(from_prometheus) > 20
    apart = {one for one, found in from_prometheus.items() if files[one][:2] != found[:2]}
    assert apart
    for one in apart:
        assert TargetLimit.DEPENDENCY_OBSERVED in {*files[one][2], *from_prometheus[one][2]}


def targets(declared, panel, calls):
    """Target, P(met) and limits by service and tier."""
    as_of = time_of(SPAN.to_hour)
    graph, _ = graph_of_document({"dependencies": declared}, set(panel.service_ids), as_of)
    evidence = Evidence(
        as_of=as_of, graph=graph, panel=panel, edges=calls, priors=priors_before(panel, {}, as_of, 90)
    )
    answers = compute_recommendations(
        prepare(evidence),
        [Wanted(one, SliType.AVAILABILITY) for one in panel.service_ids],
        window=ComplianceWindow.ROLLING_28D,
        now=as_of,
        settings=EngineSettings(),
    )
    return {
        (one.service_id, tier.name): (
            target.availability_ratio,
            target.probability_met,
            [limit.limit for limit in target.limited_by],
        )
        for one, answer in answers.items()
        for tier in answer.tiers
        for target in tier.targets
    }
