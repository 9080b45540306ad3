"""What stands where a Prometheus should, and answers."""

from __future__ import annotations

import httpx
import pytest

from sloengine.domain.errors import Unavailable
from sloengine.infrastructure.prometheus.client import PrometheusClient, QueryRefused


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (httpx.Response(200, html="<!DOCTYPE html>\n<title>Sign\n in</title>"), r"Sign in \(.*no login page\?\)"),
        (httpx.Response(404, html="<h1>404</h1>\n<p>nginx"), "^HTTP 404 http: 404 nginx$"),
        (httpx.Response(302, headers={"location": "https://login.test/"}), "it leads to https://login.test/"),
        (httpx.Response(200, json={"status": "success"}), "no result of one"),
        (httpx.Response(200, json={"status": "success", "data": "x"}), "no result of one"),
        (httpx.Response(200, json={"status": "success", "data": {"result": "zz"}}), "no result of one"),
        (httpx.Response(200, json={"status": "success", "data": {"result": [1]}}), "no result of one"),
    ],
)
async def test_an_answer_that_is_no_result_is_named_in_one_line(answer: httpx.Response, says: str):
    client = PrometheusClient("http://prometheus.test", transport=httpx.MockTransport(lambda _: answer))

    with pytest.raises((Unavailable, QueryRefused), match=says) as refused:
        await client.query("up")
    await client.close()

    assert "\n" not in str(refused.value)
