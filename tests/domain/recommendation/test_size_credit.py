from __future__ import annotations

import numpy as np
import pytest

from sloengine.domain.recommendation import shipped_prior
from sloengine.domain.recommendation.organization_prior import OrganizationPrior, learn_prior
from sloengine.domain.recommendation.service_knowledge import ServicePrior
from sloengine.domain.recommendation.size_credit import own_size_weight
from tests.domain.recommendation.organizations import organization


def drawn(services: int, each: int, *, between: float, within: float, seed: int = 0) -> float:
    """Learnt from sizes with these standard deviations of their logarithm."""
    rng = np.random.default_rng(seed)
    owner = np.repeat(np.arange(services), each)
    logs = between * rng.standard_normal(services)[owner] + within * rng.standard_normal(len(owner))
    return own_size_weight(0.01 * np.exp(logs), owner)


@pytest.mark.parametrize(("between", "within"), [(1.0, 1.0), (0.6, 1.8), (1.5, 0.75)])
def test_it_is_the_ratio_of_the_variances_that_sizes_were_drawn_with(between: float, within: float) -> None:
    found = drawn(20_000, 6, between=between, within=within)

    assert found == pytest.approx((within / between) ** 2, rel=0.08)


def test_services_that_do_not_differ_are_hardly_believed_each_for_itself() -> None:
    found = [drawn(60, 4, between=0.0, within=1.0, seed=seed) for seed in range(8)]

    # What is estimated of so few scatters; the shipped variance bounds it above.
    assert np.median(found) > 3 * shipped_prior.OWN_SIZE_WEIGHT
    assert max(found) < 60


def test_without_incidents_it_is_as_shipped_and_a_few_hardly_move_it() -> None:
    one = own_size_weight(np.array([0.3]), np.zeros(1, dtype=np.int64))

    assert own_size_weight(np.zeros(0), np.zeros(0, dtype=np.int64)) == shipped_prior.OWN_SIZE_WEIGHT
    assert one == pytest.approx(shipped_prior.OWN_SIZE_WEIGHT)
    assert drawn(2, 2, between=1.0, within=1.0) == pytest.approx(shipped_prior.OWN_SIZE_WEIGHT, rel=0.6)


def test_each_incident_bears_on_its_service_as_much_as_the_organisation_taught() -> None:
    panel = organization(services=12)
    prior = learn_prior(panel, as_of=panel.ends_at)

    assert ServicePrior.of(prior, "service-0").own_size_weight == max(2.0, prior.own_size_weight)
    assert ServicePrior.of(OrganizationPrior.shipped(), "any").own_size_weight == shipped_prior.OWN_SIZE_WEIGHT
