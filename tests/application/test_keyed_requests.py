"""What is kept of a request under a key stays what it is, in every version."""

from __future__ import annotations

import hashlib

from sloengine.application.ports.idempotency import keyed_request
from sloengine.application.recommendation.recommend import request_body
from sloengine.domain.recommendation.model import SliType
from sloengine.domain.reliability.window import ComplianceWindow


def kept(body: object) -> str:
    request = keyed_request("user:ada", "mutation", "k", body)
    assert request is not None
    return request.body_digest


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_of_rows_that_are_registered():
    rows = [{"team": "web", "serviceId": "a", "labels": {"tier": 1}}]

    assert kept(rows) == sha256('[{"labels": {"tier": 1}, "serviceId": "a", "team": "web"}]')


def test_of_recommendations_that_are_asked_for():
    asked = request_body(["a"], [SliType.AVAILABILITY], ComplianceWindow.ROLLING_28D, force=False)

    text = '"sliTypes": ["AVAILABILITY"], "window": "ROLLING_28D"}'
    assert kept(asked) == sha256(f'{{"force": false, "serviceIds": ["a"], {text}')
    assert kept({**asked, "serviceIds": None}) == sha256(f'{{"force": false, "serviceIds": null, {text}')
