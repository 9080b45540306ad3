"""Laws of naming, on clusters drawn at random; selectors against brute force."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sloengine.infrastructure.kubernetes.identities import identify
from sloengine.infrastructure.kubernetes.objects import NetworkService, Workload
from sloengine.infrastructure.kubernetes.reading_rules import ReadingRules
from tests.infrastructure.kubernetes.objects_by_hand import service, workload

few = st.sampled_from("abc")
labels = st.dictionaries(st.sampled_from(["x", "y", "app.kubernetes.io/name"]), few, max_size=3)
places = st.tuples(st.sampled_from(["shop", "pay"]), st.sampled_from([f"w{n}" for n in range(6)]))


@st.composite
def clusters(draw: st.DrawFn) -> tuple[list[Workload], list[NetworkService]]:
    runs = [workload(name, namespace=namespace, pod=draw(labels)) for namespace, name in draw(st.sets(places))]
    fronts = [
        service(f"s-{name}", namespace=namespace, selector=draw(labels))
        for namespace, name in draw(st.sets(places))
    ]
    return runs, fronts


@given(clusters())
def test_every_workload_belongs_to_one_service_and_every_network_name_leads_to_what_it_selects(cluster):
    runs, fronts = cluster

    named = identify(runs, fronts, ReadingRules())

    owners = {
        (run.namespace, run.name): [name for name, one in named.services.items() if run in one.workloads]
        for run in runs
    }
    assert all(len(names) == 1 for names in owners.values())
    for front in fronts:
        behind = {
            owners[run.namespace, run.name][0]
            for run in runs
            if run.namespace == front.namespace
            and front.selector
            and all(run.pod_labels.get(key) == value for key, value in front.selector.items())
        }
        assert set(named.by_address[front.namespace, front.name]) == (
            behind or {f"{front.namespace}/{front.name}"}
        )


@given(clusters(), st.randoms(use_true_random=False))
def test_the_order_of_lists_does_not_matter(cluster, random):
    runs, fronts = cluster
    shuffled_runs, shuffled_fronts = random.sample(runs, len(runs)), random.sample(fronts, len(fronts))

    one = identify(runs, fronts, ReadingRules())
    other = identify(shuffled_runs, shuffled_fronts, ReadingRules())

    assert one.services.keys() == other.services.keys()
    assert one.by_address == other.by_address
