from __future__ import annotations

import json
import pickle
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sloengine.domain.recommendation import incident_rate, shipped_prior
from sloengine.domain.recommendation.base_spread import WeeklySpread
from sloengine.domain.recommendation.independent_starts import evenly_seen_days, independent_starts
from sloengine.domain.recommendation.latency_prior import learn_latency_prior
from sloengine.domain.recommendation.organization_prior import OrganizationPrior, learn_prior
from sloengine.domain.recommendation.service_knowledge import ServicePrior
from sloengine.domain.recommendation.window_draws import unseen_counts, unseen_outages, unseen_severity
from sloengine.domain.recommendation.window_numbers import WindowNumbers
from sloengine.domain.reliability.panel import LatencyHistory, SliPanel
from tests.domain.recommendation.organizations import START, latency_history, organization


@pytest.mark.parametrize("bursts", [0.1, 0.3, 1.7])
def test_it_comes_back_from_json_and_from_another_process(bursts: float) -> None:
    """To the last digit: what is computed from files has the digest of what is computed from a store."""
    panel = organization()
    prior = replace(learn_prior(panel, as_of=panel.ends_at), spread=WeeklySpread(bursts, 0.013))

    stored = OrganizationPrior.from_dict(json.loads(json.dumps(prior.to_dict())))
    sent = pickle.loads(pickle.dumps(prior))  # noqa: S301  our own bytes

    assert stored.digest == prior.digest == sent.digest
    assert np.allclose(stored.rate_prior("service-3"), prior.rate_prior("service-3"))
    assert stored.learnt_at == prior.learnt_at


def test_a_prior_of_another_schema_is_refused() -> None:
    with pytest.raises(ValueError, match="schema"):
        OrganizationPrior.from_dict(OrganizationPrior.shipped().to_dict() | {"schema": 0})


def test_without_services_it_is_the_shipped_prior() -> None:
    shipped = OrganizationPrior.shipped()
    grid = np.log(incident_rate.RATES)

    mean = float((shipped.rate_prior("anything") * grid).sum())

    assert mean == pytest.approx(np.log(shipped_prior.RATE_MEDIAN_PER_DAY), abs=0.05)
    assert shipped.peers("anything") == 0


def test_a_service_is_taken_out_of_its_own_prior() -> None:
    panel = organization(services=12)
    others = panel.select([name for name in panel.service_ids if name != "service-5"])
    with_all = learn_prior(panel, as_of=panel.ends_at)
    without = learn_prior(others, as_of=panel.ends_at)

    ours, theirs = with_all.rate_prior("service-5"), without.rate_prior("service-5")

    assert np.abs(np.cumsum(ours) - np.cumsum(theirs)).max() < 0.03
    assert with_all.peers("service-5") == without.peers("service-5") == 11
    assert np.array_equal(with_all.severity_pool("service-5")[0][0:0], without.severity_pool("x")[0][0:0])
    weighted = dict(zip(*with_all.severity_pool("service-5"), strict=True))
    assert set(without.severity.tolist()) <= set(weighted)
    assert with_all.base_gamma("service-5") == pytest.approx(without.base_gamma("service-5"))


def test_an_organisation_with_more_incidents_has_a_higher_rate() -> None:
    rng = np.random.default_rng(4)
    days = np.full(60, 60.0)
    calm = incident_rate.learn_mixture(rng.poisson(60 / 120, 60).astype(float), days)
    busy = incident_rate.learn_mixture(rng.poisson(60 / 12, 60).astype(float), days)

    means = [float((weights * incident_rate.RATES).sum()) for weights in (calm, busy)]

    assert means[0] < 1 / 40 < means[1]
    assert means[1] == pytest.approx(1 / 12, rel=0.25)


def test_the_posterior_is_bayes_rule_by_brute_force() -> None:
    weights = incident_rate.shipped_weights()

    ours = incident_rate.posterior(weights, 2.0, 50.0)

    by_hand = np.array([w * r**2 * np.exp(-50 * r) for w, r in zip(weights, incident_rate.RATES, strict=True)])
    assert np.allclose(ours, by_hand / by_hand.sum())


def test_refused_services_teach_nothing() -> None:
    panel = organization(services=6)

    prior = learn_prior(panel, as_of=panel.ends_at, exclude=["service-2"])

    assert "service-2" not in prior.service_ids
    assert prior.peers("service-2") == 5


def test_the_future_teaches_nothing() -> None:
    panel = organization(days=120)
    cut = panel.between(panel.start_at, panel.start_at + 60 * panel.step)

    seen = learn_prior(panel, as_of=cut.ends_at)

    assert seen.digest == learn_prior(cut, as_of=cut.ends_at).digest


@pytest.mark.parametrize(("services", "days"), [(20, 30), (300, 30), (3_000, 90)])
def test_incidents_that_meet_by_chance_are_each_an_observation_of_their_own(services: int, days: int) -> None:
    rng = np.random.default_rng(services)
    worth = []
    for _ in range(40):
        count = max(2, rng.poisson(services * days / 35))
        worth.append(independent_starts(days * rng.random(count), days) / count)

    assert np.mean(worth) > 0.85


def test_outages_that_services_share_are_as_many_observations_as_there_were_outages() -> None:
    rng = np.random.default_rng(1)
    starts = np.repeat(90 * rng.random(6), 40)  # six outages, forty services in each
    alone = 90 * rng.random(60)

    assert independent_starts(starts, 90) == pytest.approx(6, abs=1.5)
    assert 6 < independent_starts(np.r_[starts, alone], 90) < 30
    assert independent_starts(np.full(50, 0.5), 1) == 1  # one day shows nothing independent


def month_of(services: int, *, together: bool) -> SliPanel:
    """Each service has failed once in a month: all on one day, or as evenly as days allow."""
    valid = np.full((services, 30), 1e5)
    bad = np.ones((services, 30))
    bad[np.arange(services), 12 if together else np.arange(services) % 29] = 5e3
    names = tuple(f"service-{i}" for i in range(services))
    return SliPanel(names, START, timedelta(days=1), valid - bad, valid)


def shared_outage_of(services: int, *, together: bool) -> OrganizationPrior:
    """What is learnt from that month."""
    panel = month_of(services, together=together)
    return learn_prior(panel, as_of=panel.ends_at)


def month_of_small_incidents() -> OrganizationPrior:
    """Each service has failed a few times, always by itself and a little."""
    valid = np.full((29, 30), 1e5)
    bad = np.ones((29, 30))
    for turn in range(3):
        bad[np.arange(29), (np.arange(29) + 9 * turn) % 29] = 200.0
    names = tuple(f"service-{i}" for i in range(29))
    panel = SliPanel(names, START, timedelta(days=1), valid - bad, valid)
    return learn_prior(panel, as_of=panel.ends_at)


def test_one_outage_of_a_platform_is_one_observation_of_how_large_outages_are() -> None:
    once, apart = (
        ServicePrior.of(shared_outage_of(29, together=together), "service-0") for together in (True, False)
    )

    assert once.evidence < 1.2
    assert once.pool_share < 0.2
    assert apart.evidence > 20
    assert apart.pool_share > 0.8


@pytest.mark.parametrize("shape", [0.06, 1.0, 2.5])
def test_outages_not_had_yet_are_as_frequent_as_a_gamma_law_of_their_rate_has_them(shape: float) -> None:
    rng = np.random.default_rng(2)
    rates = rng.gamma(shape, 1 / 50.0, 400_000)
    played = np.bincount(rng.poisson(28 * rates), minlength=4)[:4] / len(rates)

    found = np.bincount(unseen_outages(rng.random(400_000), shape, 50.0, 28.0), minlength=4)[:4] / 400_000

    assert found == pytest.approx(played, abs=0.002)


def test_the_longer_an_organisation_was_seen_the_less_is_expected_that_it_has_not_had_yet() -> None:
    short, long = (
        ServicePrior.of(learn_prior(panel, as_of=panel.ends_at), "service-0").unseen_days
        for panel in (organization(days=30), organization(days=300))
    )

    nobody = ServicePrior.of(OrganizationPrior.shipped(), "anything").unseen_days
    assert nobody == shipped_prior.UNSEEN_COUNTS_AS_DAYS
    assert nobody < short < long


def test_what_came_of_other_kinds_says_nothing_of_those_not_had_yet() -> None:
    """Kinds by hand: many, each with a rate of its own, of which those are looked at that have not come yet."""
    rng = np.random.default_rng(11)
    total, counts_as, seen_days, kinds = 3.0, 60.0, 90.0, 200
    rates = rng.gamma(total / kinds, 1 / counts_as, (8_000, kinds))
    came = rng.poisson(seen_days * rates)
    left = np.where(came == 0, rates, 0.0).sum(axis=1)
    coming = rng.poisson(28 * left)

    expected = unseen_outages(rng.random(400_000), total, counts_as + seen_days, 28.0)

    assert expected.mean() == pytest.approx(28 * total / (counts_as + seen_days), rel=0.02)
    for outages in (0, 1, 3):
        found = came.sum(axis=1) == outages
        assert left[found].mean() == pytest.approx(total / (counts_as + seen_days), rel=0.08)
        for number in (0, 1, 2):
            assert (coming[found] == number).mean() == pytest.approx((expected == number).mean(), abs=0.06)


def test_shared_outages_on_record_leave_the_law_of_those_not_had_yet_alone() -> None:
    had = [shared_outage_of(29, together=together) for together in (True, False)]

    for prior in (*had, month_of_small_incidents()):
        found = ServicePrior.of(prior, "service-0").unseen_days
        assert found == shipped_prior.UNSEEN_COUNTS_AS_DAYS + prior.days.max()


def test_an_outage_of_a_kind_not_had_yet_is_not_as_small_as_those_that_were_had() -> None:
    prior = ServicePrior.of(month_of_small_incidents(), "service-0")
    numbers = WindowNumbers.of(np.random.default_rng(5), 40_000)

    count, size = unseen_counts(prior, numbers, 28.0), unseen_severity(prior, numbers, 28.0)

    assert prior.pool_share > 0.8
    assert prior.pool.max() < shipped_prior.SEVERITY_MEDIAN_DAYS / 5
    shape = shipped_prior.UNSEEN_COUNTS_AS_DAYS / shipped_prior.UNSEEN_EVERY_DAYS
    assert (count > 0).mean() == pytest.approx(1 - (1 + 28 / prior.unseen_days) ** -shape, abs=0.003)
    assert (size[count == 0] == 0).all()
    assert (size[count == 1] > shipped_prior.SEVERITY_MEDIAN_DAYS).mean() == pytest.approx(0.5, abs=0.05)
    rows = np.flatnonzero(count > 0)[:5]
    assert np.array_equal(unseen_severity(prior, numbers.take(rows, np.ones(5)), 28.0), size[rows])


def with_empty_past(panel: SliPanel, intervals: int) -> SliPanel:
    """The same data as a reader returns them who looked further back."""
    nothing = np.full((len(panel.service_ids), intervals), np.nan)
    return SliPanel(
        panel.service_ids,
        panel.start_at - intervals * panel.step,
        panel.step,
        np.hstack([nothing, panel.good]),
        np.hstack([nothing, panel.total]),
    )


@settings(max_examples=25, deadline=None)
@given(
    hours=st.sampled_from([1, 6, 24]), known=st.integers(2, 33), empty=st.integers(1, 400), seed=st.integers(0, 9)
)
def test_how_far_back_was_read_changes_nothing(hours: int, known: int, empty: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    valid = rng.poisson(2e3, (6, known * 24 // hours - 1)).astype(float)
    bad = rng.binomial(valid.astype(int), np.where(rng.random(valid.shape) < 0.05, 0.05, 1e-4)).astype(float)
    bad[:2] += 0.25  # fractions, too: not even a last digit may differ
    names = tuple(f"service-{i}" for i in range(6))
    panel = SliPanel(names, START, timedelta(hours=hours), valid - bad, valid)

    asked = learn_prior(panel, as_of=panel.ends_at)
    looked_back = learn_prior(with_empty_past(panel, empty), as_of=panel.ends_at)

    assert looked_back.digest == asked.digest
    assert np.array_equal(looked_back.rate_weights, asked.rate_weights)


def test_a_month_of_independent_incidents_is_worth_as_much_when_a_year_was_read() -> None:
    panel = month_of(43, together=False)

    month = learn_prior(panel, as_of=panel.ends_at)
    year = learn_prior(with_empty_past(panel, 335), as_of=panel.ends_at)

    assert year.independent_starts == month.independent_starts == 43


@pytest.mark.parametrize("elder", [0, 365])
def test_days_on_which_one_service_alone_was_seen_make_no_month_dependent(elder: int) -> None:
    """Sixty services were seen for a month: their incidents meet by chance, beside one seen for a year or not."""
    rng = np.random.default_rng(7)
    observed = np.zeros(365)
    observed[:30] += 60
    observed[:elder] += 1
    worth = []
    for _ in range(40):
        ages = np.r_[30 * rng.random(rng.poisson(60)), 365 * rng.random(rng.poisson(elder / 30))]
        worth.append(independent_starts(ages, evenly_seen_days(observed)) / len(ages))

    assert np.mean(worth) > 0.85


def test_slow_spells_are_worth_as_much_when_a_year_was_read() -> None:
    month = {
        f"service-{i}": latency_history(30, seed=i, slow_days=(3 + i,), per_day=400, service_id=f"service-{i}")
        for i in range(20)
    }
    year = {
        name: LatencyHistory(
            name,
            found.start_at - timedelta(days=335),
            found.bounds_seconds,
            np.vstack([np.full((335, found.counts.shape[1]), np.nan), found.counts]),
        )
        for name, found in month.items()
    }
    as_of = START + timedelta(days=30)

    assert learn_latency_prior(year, as_of=as_of).digest == learn_latency_prior(month, as_of=as_of).digest
