from __future__ import annotations

from sloengine.domain.recommendation.model import ObjectiveKind, TierName
from sloengine.domain.reliability.window import ComplianceWindow
from sloengine.domain.what_if.edits import AddCache, AddFallback, AddReplica, Cut, Improve, MakeAsync, Soften
from sloengine.domain.what_if.model import WhatIfEdit, WhatIfResult, WhatIfRow
from tests.api.door import Door

QUERY = """
query($edits: [GraphEditInput!]!) {
  whatIf(edits: $edits, focus: ["front"]) {
    focus { service { serviceId } kind tier before after note }
    edits { edit budgetMinutesGained }
    budgetMinutesGained summary notes
  }
}
"""
EDGE = {"caller": "front", "dependency": "db"}
EDITS = [
    {"soften": {**EDGE, "passThrough": 0.2}},
    {"makeAsync": EDGE},
    {"cut": EDGE},
    {"addFallback": {**EDGE, "fallback": "spare"}},
    {"addReplica": {"serviceId": "db", "replicas": 3, "required": 2, "commonCause": 0.1}},
    {"improve": {"serviceId": "db", "availabilityPercent": 99.99}},
    {"addCache": {**EDGE, "hitRatio": 0.8}},
]
MADE = [
    Soften("front", "db", 0.2),
    MakeAsync("front", "db"),
    Cut("front", "db"),
    AddFallback("front", "db", "spare"),
    AddReplica("db", 3, 2, 0.1),
    Improve("db", 0.9999),
    AddCache("front", "db", 0.8),
]


async def test_every_edit_is_understood_and_told_again(door: Door):
    row = WhatIfRow("front", ObjectiveKind.AVAILABILITY, TierName.BALANCED, 0.999, 0.9995)
    door.explore_edits.answer = WhatIfResult((row,), tuple(WhatIfEdit(e, 1.5) for e in MADE), 3.0, "Fine.")

    answer = (await door.ask(QUERY, edits=EDITS))["whatIf"]

    [(command, _)] = door.explore_edits.commands
    assert list(command.edits) == MADE
    assert command.focus == ["front"]
    assert [one["edit"] for one in answer["edits"]] == EDITS
    assert answer["focus"][0]["after"] == 99.95
    assert answer["budgetMinutesGained"] == 3.0


async def test_the_window_is_28_days_unless_another_is_named(door: Door):
    door.explore_edits.answer = WhatIfResult((), (), 0.0, "Fine.")
    asked = 'query($edits: [GraphEditInput!]!) { whatIf(edits: $edits, focus: ["front"]%s) { summary } }'

    await door.ask(asked % "", edits=EDITS)
    await door.ask(asked % ", window: CALENDAR_QUARTER", edits=EDITS)

    windows = [command.window for command, _ in door.explore_edits.commands]
    assert windows == [ComplianceWindow.ROLLING_28D, ComplianceWindow.CALENDAR_QUARTER]


async def test_exactly_one_edit_each_and_soft_shares_only_for_soften(door: Door):
    [two] = await door.errors(QUERY, edits=[{"cut": EDGE, "makeAsync": EDGE}])
    [odd] = await door.errors(QUERY, edits=[{"cut": {**EDGE, "passThrough": 0.1}}])

    assert "exactly one" in two["message"].lower()
    assert odd["extensions"]["code"] == "INVALID"
    assert "passThrough" in odd["message"]
