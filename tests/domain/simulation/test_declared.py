"""A topology from an ingestion document."""

from __future__ import annotations

import numpy as np

from sloengine.domain.simulation.declared import topology_of
from sloengine.domain.simulation.organisation import Organisation, availability
from sloengine.domain.simulation.topology import SimulatedCall

DOCUMENT = {
    "services": [{"serviceId": "front"}, {"serviceId": "acquirer", "external": True}],
    "dependencies": [
        {"caller": "front", "dependency": "cart", "callWeight": 0.5},
        {"caller": "front", "dependency": "reviews", "criticality": "SOFT"},
        {"caller": "front", "dependency": "events", "mode": "ASYNC"},
        {"caller": "cart", "dependency": "acquirer", "criticality": "DEGRADED"},
        {"caller": "cart", "dependency": "db-1", "redundancyGroup": "dbs", "required": 1},
        {"caller": "cart", "dependency": "db-2", "redundancyGroup": "dbs", "required": 1},
    ],
}


def test_what_is_declared_is_taken_at_its_word_unless_the_truth_is_stated():
    topology = topology_of(DOCUMENT, 500, {("front", "reviews"): 0.9})

    assert topology.calls[:4] == (
        SimulatedCall("front", "cart", 0.5, 1.0),
        SimulatedCall("front", "reviews", 1.0, 0.9),
        SimulatedCall("front", "events", 1.0, 0.0, waits=False),
        SimulatedCall("cart", "acquirer", 1.0, 0.5),
    )
    assert topology.calls[5].group == "dbs"
    assert {s.service_id: s.arrivals_per_hour for s in topology.services if s.arrivals_per_hour} == {"front": 500}
    panel = availability(Organisation(topology), 490_000, 490_100)
    assert "acquirer" not in panel.service_ids
    assert (np.nansum(panel.total, axis=1) > 0).all()


def test_where_everybody_has_a_caller_requests_arrive_at_the_first():
    rows = [{"caller": "a", "dependency": "b"}, {"caller": "b", "dependency": "a"}]

    topology = topology_of({"dependencies": rows})

    assert [service.arrivals_per_hour for service in topology.services] == [1000.0, 0.0]
    assert topology.callbacks == {1}
