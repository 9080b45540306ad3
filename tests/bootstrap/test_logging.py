from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from sloengine.bootstrap.logging import configure_logging
from sloengine.bootstrap.settings import Environment, Settings


@pytest.fixture(autouse=True)
def put_back() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level, configured = list(root.handlers), root.level, structlog.get_config()
    yield
    root.handlers[:], root.level = handlers, level
    structlog.configure(**configured)
    structlog.contextvars.clear_contextvars()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_production_logs_one_json_object_a_line_with_what_was_bound(capsys: pytest.CaptureFixture[str]):
    configure_logging(Settings(env=Environment.PRODUCTION, dev_api_key=None))
    structlog.contextvars.bind_contextvars(request_id="r1")

    structlog.get_logger("x").info("merged", edges=3)
    logging.getLogger("sloengine.y").warning("from the %s library", "standard")

    first, second = lines(capsys)
    assert (first["event"], first["edges"], first["request_id"], first["level"]) == ("merged", 3, "r1", "info")
    assert (second["event"], second["request_id"]) == ("from the standard library", "r1")


def test_secrets_are_blanked(capsys: pytest.CaptureFixture[str]):
    configure_logging(Settings(log_json=True))

    structlog.get_logger("x").info("connecting", url="bolt://x", **{"neo4j_password": "hunter2", "api_key": "k"})

    [line] = lines(capsys)
    assert line["url"] == "bolt://x"
    assert "hunter2" not in json.dumps(line)
    assert line["api_key"] == "…"


def test_an_exception_is_one_line_too(capsys: pytest.CaptureFixture[str]):
    configure_logging(Settings(log_json=True))

    try:
        _ = 1 / 0
    except ZeroDivisionError:
        logging.getLogger("x").exception("failed")

    [line] = lines(capsys)
    assert "ZeroDivisionError" in str(line["exception"])


@pytest.mark.parametrize("as_json", [True, False])
def test_an_exception_shows_where_but_not_the_values_there(capsys: pytest.CaptureFixture[str], as_json: bool):
    configure_logging(Settings(log_json=as_json))

    class Endless:
        def __repr__(self) -> str:
            raise AssertionError("values are not to be printed: they may be secret or a whole graph")

    def connect(password: str, graph: object) -> None:
        raise ConnectionError("refused")

    try:
        connect("".join(["hunter", "2"]), Endless())  # not as it stands: the line itself is shown
    except ConnectionError:
        logging.getLogger("x").exception("failed")

    written = capsys.readouterr().err
    assert "ConnectionError: refused" in written
    assert "in connect" in written
    assert "hunter2" not in written
    assert "not to be printed" not in written
