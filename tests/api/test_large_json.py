from __future__ import annotations

import asyncio
import json
from time import process_time
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sloengine.api.large_json import loads_in_steps
from tests.api.door import Door

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=40,
)


@given(values, st.sampled_from([None, 1]))
def test_it_reads_what_was_written(value: Any, indent: int | None):
    assert (
        loads_in_steps(json.dumps(value, indent=indent, ensure_ascii=False).encode("utf-8", "surrogatepass"))
        == value
    )


@given(values, st.data())
def test_it_takes_and_refuses_what_another_parser_takes_and_refuses(value: Any, data: st.DataObject):
    text = bytearray(orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS))
    if text:
        text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.sampled_from(b'{}[],:" 0a-\\'))
    try:
        expected = orjson.loads(bytes(text))
    except ValueError:
        with pytest.raises(ValueError, match=r".+"):
            loads_in_steps(bytes(text))
    else:
        assert loads_in_steps(bytes(text)) == expected


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b" ",
        b"{",
        b"[",
        b"[1,]",
        b"[1 2]",
        b'{"a"}',
        b'{"a":}',
        b'{"a":1,}',
        b"{a:1}",
        b"[NaN]",
        b"[1]x",
        b"[" * 100_000,
    ],
)
def test_what_is_not_json_is_refused(text: bytes):
    with pytest.raises(ValueError, match=r".+"):
        loads_in_steps(text)


def test_half_a_character_is_refused_and_a_whole_one_is_read():
    with pytest.raises(ValueError, match="surrogate"):
        loads_in_steps(rb'["\ud83d"]')

    assert loads_in_steps(rb'["\ud83d\ude00"]') == ["\U0001f600"]


async def test_others_are_served_while_a_large_document_is_taken_in(door: Door):
    rows = [
        {
            "caller": f"service-{n % 5000}",
            "dependency": f"service-{n * 7919 % 5000}",
            "mode": "SYNC",
            "callWeight": 1.5,
        }
        for n in range(50_000)
    ]
    query = """mutation($document: JSON!) { ingestDependencies(input: { source: OTEL, document: $document }) {
      ingestion { status } userErrors { message } } }"""
    body = orjson.dumps({"query": query, "variables": {"document": {"dependencies": rows}}})
    del rows
    pauses: list[float] = []

    async def watch() -> None:
        last = process_time()
        while True:
            await asyncio.sleep(0.001)
            now = process_time()
            pauses.append(now - last)
            last = now

    watching = asyncio.create_task(watch())
    response = await door.client.post("/graphql", content=body, headers={"Content-Type": "application/json"})
    watching.cancel()

    assert response.json()["data"]["ingestDependencies"]["ingestion"] == {"status": "QUEUED"}
    # Processor time: what this process does between two looks, however long others have the processor meanwhile.
    started = process_time()
    orjson.loads(body)
    assert max(pauses) < 2 * (process_time() - started) + 0.05  # at once it would take both and more
    assert len(pauses) > 10


async def test_a_large_body_that_is_not_json_is_told_so(door: Door):
    body = b'{"query": "{ __typename }", "x": [' + b"1," * 400_000 + b"]}"

    response = await door.client.post("/graphql", content=body, headers={"Content-Type": "application/json"})

    assert (response.status_code, response.json()["code"]) == (400, "BAD_JSON")
