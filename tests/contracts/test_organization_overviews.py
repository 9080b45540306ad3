from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from sloengine.application.ports.forecast_store import NotedForecast
from sloengine.application.ports.organization_overview import OrganizationOverview
from sloengine.application.ports.slo_ledger import Decision
from sloengine.domain.forecast.forecast import Forecast
from sloengine.domain.governance.model import AuditAction, Slo
from sloengine.domain.recommendation.model import Recommendation, SliType
from sloengine.domain.topology.service import Service
from tests.contracts.conftest import Stores
from tests.contracts.recommendation_samples import NOW, availability, latency, slo, unavailable
from tests.contracts.test_slo_ledger import decide, put

LIKELY = Forecast(0.6, NOW + timedelta(hours=48), NOW + timedelta(hours=168), "drawn")


def deciding(action: AuditAction, new: Slo) -> Callable[[Recommendation | None, Slo | None], Decision]:
    kept = None if action is AuditAction.REJECT else new
    return lambda _recommendation, _active: Decision(
        action, new.service_id, SliType.AVAILABILITY, kept, None, "because"
    )


async def test_an_empty_organisation_has_nothing_to_count(stores: Stores):
    found = await stores.overviews.overview(top=10)

    assert found == OrganizationOverview(0, 0, 0, 0, 0, 0, 0, 0, ())
    assert (found.acceptance_rate, found.modification_rate) == (None, None)


async def test_coverage_budgets_and_decisions_are_counted_once_a_service(stores: Stores):
    await stores.graph.register([Service(one) for one in ("a", "b", "c", "d", "e")], now=NOW)
    first = [availability("a"), latency("a"), unavailable("b"), availability("c")]
    await stores.recommendations.save(first, now=NOW)
    await stores.recommendations.save([unavailable("c")], now=NOW + timedelta(hours=1))
    for number, service in enumerate(("a", "b", "c", "d")):
        await decide(stores.ledger, put(slo(f"slo-{number}", service_id=service)), service_id=service)
    await stores.graph.note_budgets({"a": 0.5, "b": -0.4, "c": 0.0, "d": 0.3, "e": -1.0})
    risky = [NotedForecast(f"slo-{number}", one, LIKELY, True) for number, one in ((1, "b"), (3, "d"))]
    await stores.forecasts.note(risky, now=NOW)

    found = await stores.overviews.overview(top=2)

    assert (found.services, found.with_active_slo, found.with_recommendation) == (5, 4, 1)
    assert (found.budget_exhausted, found.budget_at_risk) == (2, 1)
    assert found.top_risks == ("b", "c")
    assert (await stores.overviews.overview(top=10)).top_risks == ("b", "c", "d")


async def test_what_people_do_with_recommendations_is_a_share_of_those_decided(stores: Stores):
    for number, action in enumerate(
        (AuditAction.ACCEPT, AuditAction.AUTO_APPROVE, AuditAction.MODIFY, AuditAction.REJECT, AuditAction.SET)
    ):
        await decide(stores.ledger, deciding(action, slo(f"slo-{number}", f"s{number}")), service_id=f"s{number}")

    found = await stores.overviews.overview(top=10)

    assert (found.accepted, found.modified, found.rejected) == (2, 1, 1)
    assert (found.acceptance_rate, found.modification_rate) == (0.5, 0.25)
