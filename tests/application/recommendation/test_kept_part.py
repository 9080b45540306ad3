"""What was made ready of a large part of the graph serves the next question about the same services only."""

from __future__ import annotations

import asyncio
import gc
import weakref
from dataclasses import replace

import pytest

from sloengine.application.recommendation.kept_part import KeptPart
from tests.application.organisation import HOUR
from tests.application.recommendation.test_surrounding_series import TOP, organisation
from tests.patience import until


class Made:
    """Stands for what is made ready."""


def counted(made: list[Made]):
    async def make():
        await asyncio.sleep(0)
        made.append(Made())
        return made[-1]

    return make


async def test_the_same_question_finds_what_was_made_also_while_it_is_made():
    made: list[Made] = []
    part = KeptPart()

    found = await asyncio.gather(*(part.of("a", counted(made), only_below=False) for _ in range(3)))

    assert len(made) == 1
    assert found == [made[0]] * 3


async def test_another_question_lets_go_of_it_before_its_own_is_made():
    part = KeptPart()
    first = weakref.ref(await part.of("a", counted([]), only_below=False))

    async def make():
        gc.collect()
        assert first() is None
        return Made()

    second = await part.of("b", make, only_below=False)

    assert second is await part.of("b", counted([]), only_below=False)


@pytest.mark.parametrize(("before", "after", "times"), [(False, True, 1), (True, False, 2), (True, True, 1)])
async def test_what_knows_less_does_not_serve_who_needs_more(before: bool, after: bool, times: int):
    made: list[Made] = []
    part = KeptPart()

    for only_below in (before, after):
        await part.of("a", counted(made), only_below=only_below)

    assert len(made) == times


async def test_what_could_not_be_made_is_made_again():
    part = KeptPart()

    async def fails():
        raise ValueError("once")

    with pytest.raises(ValueError, match="once"):
        await part.of("a", fails, only_below=False)
    made: list[Made] = []

    assert await part.of("a", counted(made), only_below=False) is made[0]


async def test_it_is_let_go_of_when_nobody_asks():
    part = KeptPart(keep_seconds=0.0)
    await part.of("a", counted([]), only_below=False)

    await until(lambda: part._kept is None)


async def test_a_reader_keeps_a_large_part_until_something_has_moved():
    engine = await organisation()
    filled = [0]
    reader = replace(engine.use.explore_edits.evidence, summed_from=0, hours_filled=lambda: filled[0])

    async def read(service: str, *, only_below: bool = False, as_of=TOP):
        scope = await reader.scope([service], only_below=only_below)
        return await reader.read(scope, as_of=as_of, filled=0)

    first = await read("front")
    again = await read("front", only_below=True)
    afresh = await replace(reader).read(await reader.scope(["front"]), as_of=TOP, filled=0)
    earlier = await read("front", as_of=TOP - HOUR)
    filled[0] += 1
    refilled = await read("front", as_of=TOP - HOUR)
    other = await read("cart", as_of=TOP - HOUR)

    assert again.reliability is first.reliability
    assert again.draws is first.draws
    assert afresh.reliability is not first.reliability
    assert afresh.reliability.intrinsic_unavailability("disk") == first.reliability.intrinsic_unavailability(
        "disk"
    )
    made = [first, earlier, refilled, other]
    assert len({id(one.reliability) for one in made}) == len(made)
