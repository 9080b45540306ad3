from __future__ import annotations

import asyncio
from collections.abc import Callable

from sloengine.domain.topology.service import Service
from tests.application.forecast.test_forecast import fail, promised
from tests.application.organisation import NOW, Engine
from tests.cli.conftest import Run
from tests.cli.shapes import check


def test_a_forecast_is_said_in_words_and_in_the_shape_of_the_api(connected: Callable[[Engine], Run]):
    engine = asyncio.run(promised("front"))
    asyncio.run(fail(engine, "front", 3, 0.5))
    ask = connected(engine)

    text, document = ask("forecast", "front"), ask("forecast", "front", "--json").json

    assert "probability of 100.0%" in text.out
    assert "as likely as not by 2026-03-02 12:00 UTC" in text.out
    check(document, "Forecast")


def test_who_has_no_slo_is_told_what_to_do(connected: Callable[[Engine], Run]):
    engine = Engine()
    asyncio.run(engine.graph.register([Service("front")], now=NOW))
    ask = connected(engine)

    free, unknown = ask("forecast", "front"), ask("forecast", "nobody")

    assert free.code == unknown.code == 2
    assert "set-slo" in free.err
    assert "no service 'nobody'" in unknown.err
