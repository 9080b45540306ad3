"""What one process remembers of stored days is what is stored, whoever writes."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sloengine.domain.reliability.panel import EdgePanel, SliPanel
from sloengine.infrastructure.embedded import Neo4jAddress
from sloengine.infrastructure.neo4j import Neo4jStores, open_neo4j
from sloengine.infrastructure.neo4j.connection import Transaction
from sloengine.infrastructure.neo4j.day_runs import DayRun
from sloengine.infrastructure.neo4j.remembered_days import RememberedDays, Revision, appended

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def run_of(days: dict[int, float]) -> tuple[DayRun, ...]:
    values = [[value] for value in days.values()]
    return (DayRun.of(86_400, list(days), values, values),) if days else ()


writes = st.tuples(st.just("write"), st.integers(0, 9), st.integers(0, 3))
reads = st.tuples(st.just("read"), st.integers(0, 9), st.integers(0, 5))
restores = st.tuples(st.just("restore"), st.just(0), st.just(0))


@given(st.lists(st.one_of(writes, reads, restores), max_size=40), st.integers(1, 6))
def test_a_reader_never_gets_a_day_as_it_was_before_a_write(steps: list[tuple[str, int, int]], log: int):
    stored: dict[int, float] = {}
    now = Revision("a", 0, ())
    remembered: RememberedDays[str] = RememberedDays()
    for number, (what, day, more) in enumerate(steps, start=1):
        if what == "write":
            stored.update({day + i: float(number) for i in range(more)})
            now = Revision(now.epoch, now.number + 1, (day, *now.touched)[:log])
        elif what == "restore":
            stored, now = {}, Revision(now.epoch + "a", 0, ())
        else:
            first, last = day, day + more
            start, runs = remembered.known("x", first, now)
            later = run_of({d: stored[d] for d in sorted(stored) if start <= d <= last})
            runs = appended(runs, later)
            if start <= last:
                remembered.keep("x", now, first, last + 1, runs)

            found = {
                d: float(v) for r in runs for d, v in zip(r.days, r.whole[:, 0], strict=True) if first <= d <= last
            }
            assert found == {d: v for d, v in stored.items() if first <= d <= last}


def test_what_was_not_asked_for_the_longest_goes_first():
    remembered: RememberedDays[str] = RememberedDays(capacity=2 * (64 + 3) + 1)
    now = Revision("a", 1, (5,))
    for key in ("x", "y"):
        remembered.keep(key, now, 0, 2, run_of({1: 1.0}))

    remembered.known("x", 0, now)
    remembered.keep("z", now, 0, 2, run_of({1: 1.0}))

    assert [remembered.known(key, 0, now)[0] for key in ("x", "y", "z")] == [2, 0, 2]


@pytest.fixture
async def elsewhere(stores: Neo4jStores, clean_neo4j: Neo4jAddress) -> AsyncGenerator[Neo4jStores]:
    """What another process would have open."""
    async with open_neo4j(clean_neo4j.url, clean_neo4j.user, clean_neo4j.password) as opened:
        yield opened


def panel(start_at: datetime, hours: int, value: float) -> SliPanel:
    total = np.full((1, hours), value)
    return SliPanel(("far",), start_at, HOUR, total * 0.5, total)


async def totals(stores: Neo4jStores, from_at: datetime, to_at: datetime) -> list[float]:
    read = await stores.sli_history.read(["far"], from_at, to_at)
    return read.total[0].tolist()


async def test_another_process_sees_each_write_however_old_its_day(stores: Neo4jStores, elsewhere: Neo4jStores):
    end = MONDAY + 3 * DAY
    await stores.sli_history.write(panel(MONDAY, 71, 4.0))
    assert (await totals(elsewhere, MONDAY, end))[:71] == [4.0] * 71

    await stores.sli_history.write(panel(MONDAY + 71 * HOUR, 1, 5.0))
    await stores.sli_history.write(panel(MONDAY + 2 * HOUR, 1, 6.0))

    assert await totals(elsewhere, MONDAY, end) == [4.0, 4.0, 6.0, *[4.0] * 68, 5.0]
    assert await totals(stores, MONDAY, end) == await totals(elsewhere, MONDAY, end)


async def test_edges_and_pruned_days_are_seen_elsewhere_too(stores: Neo4jStores, elsewhere: Neo4jStores):
    pair, end = ("a", "b"), MONDAY + 2 * DAY
    calls = np.full((1, 48), 2.0)
    assert await elsewhere.sli_history.read_edges([pair], MONDAY, end) is None

    await stores.sli_history.write_edges(EdgePanel((pair,), MONDAY, HOUR, calls, calls * 0.5))
    seen = await elsewhere.sli_history.read_edges([pair], MONDAY, end)
    assert seen is not None
    np.testing.assert_array_equal(seen.calls, calls)

    await stores.sli_history.prune(detail_before=MONDAY + DAY, all_before=MONDAY - DAY)
    folded = await elsewhere.sli_history.read_edges([pair], MONDAY, end)

    assert folded is not None
    assert (folded.step, folded.calls.tolist()) == (DAY, [[48.0, 48.0]])


async def test_what_is_known_is_not_read_again(stores: Neo4jStores, monkeypatch: pytest.MonkeyPatch):
    await stores.sli_history.write(panel(MONDAY, 48, 4.0))
    await totals(stores, MONDAY, MONDAY + 2 * DAY)
    asked: list[dict[str, object]] = []
    stream = Transaction.stream

    def noted(self: Transaction, name: str, /, **parameters: object) -> AsyncGenerator[list[object]]:
        asked.append(parameters)
        return stream(self, name, **parameters)

    monkeypatch.setattr(Transaction, "stream", noted)
    await totals(stores, MONDAY + HOUR, MONDAY + 2 * DAY)
    assert asked == []
    await stores.sli_history.write(panel(MONDAY + DAY + 23 * HOUR, 1, 5.0))
    await totals(stores, MONDAY, MONDAY + 2 * DAY)

    tuesday = (MONDAY + DAY - datetime(1970, 1, 1, tzinfo=UTC)).days
    assert asked == [{"wanted": [{"service_id": "far", "from_day": tuesday}], "to_day": tuesday}]
