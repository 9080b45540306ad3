from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sloengine.domain.recommendation import incident_rate
from sloengine.domain.recommendation.archetype_credit import credibility_k, credited, pool_by_archetype
from sloengine.domain.recommendation.archetype_features import features_of
from sloengine.domain.recommendation.archetype_names import name_archetypes
from sloengine.domain.recommendation.archetypes import Archetypes, archetypes_from, standardised
from sloengine.domain.recommendation.organization_prior import OrganizationPrior, learn_prior
from sloengine.domain.topology.dependency import Dependency, DependencyMode
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.topology.service import Criticality, Service
from tests.domain.recommendation.organizations import organization

FRONTS, STORES = [f"front-{i}" for i in range(6)], [f"store-{i}" for i in range(6)]


def graph() -> DependencyGraph:
    services = [Service(one, criticality=Criticality.CRITICAL) for one in FRONTS]
    services += [Service(one, criticality=Criticality.LOW, metadata={"runtime": "JVM"}) for one in STORES]
    edges = [Dependency(front, store, protocol="postgresql") for front in FRONTS for store in STORES]
    return DependencyGraph(tuple(services), tuple(edges))


def learnt(also: tuple[Service, ...] = (), edges: tuple[Dependency, ...] = ()) -> Archetypes:
    known = graph()
    whole = DependencyGraph((*known.services, *also), (*known.dependencies, *edges))
    features = features_of(whole, dict.fromkeys(FRONTS + STORES, 1e5))
    teachers = FRONTS + STORES
    labels = np.repeat([1, 0], 6)
    return archetypes_from(features, teachers, standardised(features, teachers), labels)


def test_features_are_what_the_graph_and_the_owners_say() -> None:
    found = features_of(graph(), {"front-0": 1e4})

    row = dict(zip(found.names, found.values[found.service_ids.index("store-0")], strict=True))
    front = dict(zip(found.names, found.values[0], strict=True))
    assert row["criticality"] == 0
    assert row["callers"] == pytest.approx(np.log2(7))
    assert (row["dependencies"], row["depth"]) == (0, 1)
    assert (row["protocol:database"], row["protocol:http"]) == (1, 0)
    assert row["runtime:jvm"] == 1
    assert np.isnan(row["traffic"])
    assert front["traffic"] == 4
    assert np.isnan(front["protocol:database"])
    assert np.isnan(front["runtime:jvm"])


@pytest.mark.parametrize(
    ("protocol", "mode", "family"),
    [
        ("HTTP/1.1", DependencyMode.SYNC, "http"),
        ("gRPC", DependencyMode.SYNC, "grpc"),
        ("redis", DependencyMode.SYNC, "database"),
        ("Kafka", DependencyMode.ASYNC, "messages"),
        (None, DependencyMode.ASYNC, "messages"),
        (None, DependencyMode.SYNC, None),
    ],
)
def test_protocols_have_families(protocol: str | None, mode: DependencyMode, family: str | None) -> None:
    edge = Dependency("a", "b", protocol=protocol, mode=mode)

    found = features_of(DependencyGraph((Service("a"), Service("b")), (edge,)), {})

    row = dict(zip(found.names, found.values[1], strict=True))
    shares = {name: row[f"protocol:{name}"] for name in ("http", "grpc", "database", "messages")}
    assert {name for name, share in shares.items() if share == 1} == ({family} if family else set())


def test_names_say_what_sets_a_kind_apart() -> None:
    found = learnt()

    assert found.name_of("front-0") == "entry points of high criticality (5 others)"
    assert str(found.name_of("store-0")).startswith("data stores ")
    assert len(set(found.names)) == len(found)


def test_what_few_of_a_kind_are_known_for_does_not_name_it() -> None:
    values = np.array([[1.0, 3.0], [np.nan, 3.1], [np.nan, 3.2], [np.nan, 0.0], [np.nan, 0.1]])

    names = name_archetypes(("protocol:messages", "traffic"), values, np.array([0, 0, 0, 1, 1]))

    assert names == ("services with much traffic", "services with little traffic")


def test_kinds_that_words_cannot_tell_apart_are_numbered() -> None:
    names = name_archetypes(("traffic",), np.ones((4, 1)), np.array([0, 0, 1, 1]))

    assert names == ("ordinary services", "ordinary services, group 2")


@given(
    values=st.lists(st.floats(-50, 50), min_size=8, max_size=30),
    shift=st.floats(-5, 5),
    scale=st.floats(0.5, 2),
    seed=st.integers(0, 99),
)
def test_credibility_knows_neither_origin_nor_unit_nor_the_groups_names(
    values: list[float], shift: float, scale: float, seed: int
) -> None:
    assume(max(values) - min(values) > 0.1)
    x, groups = np.round(values, 3), np.random.default_rng(seed).integers(0, 3, len(values))

    k, other = credibility_k(x, groups), credibility_k(shift + scale * x, 7 - 2 * groups)

    assert k >= 2.0
    assert 0.0 <= credited(5, k) < 1.0
    assert credited(5, other) == pytest.approx(credited(5, k), abs=1e-6)


def test_a_newcomer_gets_the_nearest_kind_and_teaches_nothing() -> None:
    new = (Service("store-new"),)
    edges = tuple(Dependency(front, "store-new", protocol="mysql") for front in FRONTS)

    found = learnt(new, edges)

    assert found.assigned["store-new"] == found.assigned["store-0"]
    assert "store-new" not in found.teachers
    assert str(found.name_of("store-new")).endswith("(6 others)")


def test_a_service_that_came_after_the_learning_is_assigned_from_its_features() -> None:
    before = learnt()
    known = graph()
    later = DependencyGraph(
        (*known.services, Service("new")),
        (*known.dependencies, *(Dependency(front, "new", protocol="mysql") for front in FRONTS)),
    )

    after = before.with_newcomers(features_of(later, {}))

    assert "new" not in before.assigned
    assert after.assigned["new"] == after.assigned["store-3"]
    assert all(after.assigned[one] == kind for one, kind in before.assigned.items())


def test_the_order_of_labels_does_not_matter_and_json_brings_them_back() -> None:
    found = learnt()

    again = Archetypes.from_dict(json.loads(json.dumps(found.to_dict())))

    assert again.digest == found.digest
    assert np.allclose(again.centers, found.centers)


def test_credibility_is_the_ratio_of_simulated_variances() -> None:
    rng = np.random.default_rng(2)
    groups = np.repeat(np.arange(400), 10)
    values = rng.normal(0, 0.5, 400)[groups] + rng.standard_normal(4000)

    assert credibility_k(values, groups) == pytest.approx(1.0 / 0.25, rel=0.2)


def test_groups_that_differ_by_chance_alone_are_mostly_not_believed() -> None:
    rng = np.random.default_rng(5)
    groups = np.repeat(np.arange(4), 12)

    shares = [credited(12, credibility_k(rng.standard_normal(48), groups)) for _ in range(400)]

    assert np.mean(np.array(shares) > 0) == pytest.approx(0.2, abs=0.06)


def test_the_pool_keeps_its_weight_and_leans_to_its_own_kind() -> None:
    weight, owner = np.array([1.0, 1.0, 2.0, 4.0]), np.array([0, 0, 1, 2])
    alike = np.array([True, True, False, False])

    leaning = pool_by_archetype(weight, alike, owner, 3.0)

    assert leaning.sum() == pytest.approx(8.0)
    assert leaning.tolist() == pytest.approx([0.25 * 4 + 0.75, 0.25 * 4 + 0.75, 1.5, 3.0])
    assert np.array_equal(pool_by_archetype(weight, alike, owner, float("inf")), weight)


def by_kind(busy: float, calm: float, services: int = 60) -> OrganizationPrior:
    rng = np.random.default_rng(8)
    names = tuple(f"service-{i}" for i in range(services))
    half = np.arange(services) % 2
    episodes = rng.poisson(90 * np.where(half == 0, busy, calm)).astype(float)
    days = np.full(services, 90.0)
    kinds = Archetypes(
        ("x",), np.zeros(1), np.ones(1), np.array([[0.0], [1.0]]), ("calm ones", "busy ones"),
        {name: int(i % 2) for i, name in enumerate(names)} | {"new": 0}, frozenset(names),
    )  # fmt: skip
    shipped = OrganizationPrior.shipped()
    return OrganizationPrior(
        None, names, episodes, days, np.zeros(services), np.full(services, 1e6), np.zeros(0),
        np.zeros(0, dtype=np.int64), incident_rate.learn_mixture(episodes, days), shipped.spread,
        shipped.episode_days, 0.0, kinds,
    )  # fmt: skip


def mean_rate(weights: np.ndarray) -> float:
    return float((weights * incident_rate.RATES).sum())


def test_a_new_service_takes_the_rate_of_its_kind() -> None:
    prior = by_kind(busy=1 / 8, calm=1 / 80)

    assert mean_rate(prior.rate_prior("new")) == pytest.approx(1 / 8, rel=0.25)
    assert mean_rate(prior.rate_prior("unheard of")) == pytest.approx((1 / 8 + 1 / 80) / 2, rel=0.25)
    assert prior.archetype_share("new") > 0.8
    assert prior.archetype_share("unheard of") == 0


def test_kinds_that_do_not_differ_change_nothing() -> None:
    prior = by_kind(busy=1 / 30, calm=1 / 30)

    assert np.array_equal(prior.rate_prior("new"), prior.rate_prior("unheard of"))
    assert prior.archetype_share("new") == 0


def test_a_service_is_taken_out_of_its_kind_too() -> None:
    prior = by_kind(busy=1 / 8, calm=1 / 80, services=24)
    rows = np.arange(24) != 4
    rest = OrganizationPrior(
        None, tuple(np.array(prior.service_ids)[rows]), prior.episodes[rows], prior.days[rows],
        prior.base_bad[rows], prior.base_valid[rows], prior.severity, prior.owner,
        incident_rate.learn_mixture(prior.episodes[rows], prior.days[rows]), prior.spread, prior.episode_days,
        0.0,
        Archetypes(
            ("x",), np.zeros(1), np.ones(1), prior.archetypes.centers, prior.archetypes.names,
            dict(prior.archetypes.assigned), prior.archetypes.teachers - {"service-4"},
        ),
    )  # fmt: skip

    ours, theirs = prior.rate_prior("service-4"), rest.rate_prior("service-4")

    assert np.abs(np.cumsum(ours) - np.cumsum(theirs)).max() < 0.05


def test_priors_stored_before_there_were_kinds_are_still_read() -> None:
    panel = organization()
    stored = learn_prior(panel, as_of=panel.ends_at).to_dict() | {"schema": 2}
    del stored["archetypes"]

    read = OrganizationPrior.from_dict(json.loads(json.dumps(stored)))

    assert len(read.archetypes) == 0
    assert read.digest == learn_prior(panel, as_of=panel.ends_at).digest


def test_priors_stored_before_bursts_were_told_from_levels_are_read_with_the_shipped_spread() -> None:
    panel = organization()
    stored = learn_prior(panel, as_of=panel.ends_at).to_dict() | {"schema": 3, "dispersion": 900.0}
    del stored["bursts"], stored["levelVariance"]

    assert OrganizationPrior.from_dict(json.loads(json.dumps(stored))).spread == OrganizationPrior.shipped().spread
