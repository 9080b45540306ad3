from __future__ import annotations

import asyncio
from collections.abc import Callable

import numpy as np
import pytest

from sloengine.application.ports.sli_history import Watermark
from sloengine.domain.reliability.panel import SliPanel
from sloengine.domain.topology.service import Service
from tests.application.forecast.test_forecast import END, fail, promised
from tests.application.organisation import HOUR, NOW, Engine
from tests.cli.conftest import Run
from tests.cli.shapes import check


def test_a_forecast_is_said_in_words_and_in_the_shape_of_the_api(connected: Callable[[Engine], Run]):
    engine = asyncio.run(promised("front"))
    asyncio.run(fail(engine, "front", 3, 0.5))
    ask = connected(engine)

    text, document = ask("forecast", "front"), ask("forecast", "front", "--json").json

    assert "the error budget is spent already, as of 2026-03-02 12:00 UTC" in text.out
    assert "probability" not in text.out
    check(document, "Forecast")
    assert document["consumedAtMost"] == []


def test_how_much_will_have_been_spent_is_said_with_the_chance_of_it(connected: Callable[[Engine], Run]):
    engine = asyncio.run(promised("front"))
    total = np.full((1, 40 * 24), 10.0)
    good = total.copy()
    good[0, -30] = 9.0
    asyncio.run(engine.history.write(SliPanel(("front",), END - 40 * 24 * HOUR, HOUR, good, total)))
    ask = connected(engine)

    text, document = ask("forecast", "front"), ask("forecast", "front", "--json").json

    check(document, "Forecast")
    # One has failed where one in 1,000 of 6,720 may.
    assert document["consumedRatio"] == pytest.approx(1 / 6.72)
    assert "14.9 % of it is spent now" in text.out
    for one in document["consumedAtMost"]:
        assert f"with a probability of {100 * one['probability']:.0f} %" in text.out
    assert len(document["consumedAtMost"]) == 4


def test_who_has_no_slo_is_told_what_to_do(connected: Callable[[Engine], Run]):
    engine = Engine()
    asyncio.run(engine.graph.register([Service("front")], now=NOW))
    ask = connected(engine)

    free, unknown = ask("forecast", "front"), ask("forecast", "nobody")

    assert free.code == unknown.code == 2
    assert "set-slo" in free.err
    assert "no service 'nobody'" in unknown.err


def test_why_there_is_no_forecast_is_said_and_nothing_else(connected: Callable[[Engine], Run]):
    engine = asyncio.run(promised("calm", "gone", "silent"))
    nothing = np.zeros((1, 24))
    asyncio.run(engine.history.write(SliPanel(("silent",), END - 24 * HOUR, HOUR, nothing, nothing)))
    asyncio.run(engine.history.set_watermark(Watermark(END, NOW, refused={"gone": "counts go back"})))
    ask = connected(engine)

    said = {name: ask("forecast", name) for name in ("calm", "gone", "silent")}

    reasons = {"calm": "simple rules", "gone": "counts go back", "silent": "no valid request in the 24 hours"}
    for name, answer in said.items():
        told = " ".join(answer.err.split())
        assert (answer.code, answer.out) == (2, "")
        assert [reason for reason in reasons.values() if reason in told] == [reasons[name]]
