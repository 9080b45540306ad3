from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from sloengine.bootstrap.settings import Environment, Settings, TelemetryKind
from sloengine.domain.errors import Unavailable


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import os

    for name in list(os.environ):
        if name.startswith("SLOENGINE_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("SLOENGINE_STATE_DIR", str(tmp_path))


def test_the_environment_is_read_by_name(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SLOENGINE_NEO4J_URL", "neo4j://graph:7687")
    monkeypatch.setenv("SLOENGINE_HTTP_PORT", "9000")

    settings = Settings()

    assert (settings.neo4j_url, settings.http_port) == ("neo4j://graph:7687", 9000)


def test_what_a_running_up_wrote_fills_what_the_environment_leaves_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    written = {"neo4j_url": "bolt://127.0.0.1:1", "neo4j_password": "p", "redis_url": "redis://x", "pid": 7}
    (tmp_path / "run.json").write_text(json.dumps(written))
    monkeypatch.setenv("SLOENGINE_REDIS_URL", "redis://mine")

    settings = Settings()

    assert settings.required_neo4j() == ("bolt://127.0.0.1:1", "neo4j", "p")
    assert settings.required_redis_url() == "redis://mine"


def test_a_state_directory_given_as_argument_is_the_one_that_counts(tmp_path: Path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "run.json").write_text(json.dumps({"redis_url": "redis://other"}))

    assert Settings(state_dir=other).required_redis_url() == "redis://other"


@pytest.mark.parametrize("content", ["", "[]", "{"])
def test_a_run_file_that_is_no_use_is_as_none(tmp_path: Path, content: str):
    (tmp_path / "run.json").write_text(content)

    assert Settings().redis_url is None


def test_the_development_key_keeps_production_from_starting(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SLOENGINE_DEV_API_KEY", "secret")

    assert Settings().env is Environment.DEVELOPMENT
    monkeypatch.setenv("SLOENGINE_ENV", "production")
    with pytest.raises(ValidationError, match="never accepted in production"):
        Settings()


def test_secrets_are_not_printed(monkeypatch: pytest.MonkeyPatch):
    for name in ("NEO4J_PASSWORD", "REDIS_URL", "DEV_API_KEY", "PROMETHEUS_TOKEN"):
        monkeypatch.setenv(f"SLOENGINE_{name}", "very-secret")

    assert "very-secret" not in repr(Settings())
    assert "very-secret" not in str(Settings())


def test_prometheus_is_the_source_when_its_address_is_given(monkeypatch: pytest.MonkeyPatch):
    assert Settings().telemetry_kind is TelemetryKind.NONE
    monkeypatch.setenv("SLOENGINE_PROMETHEUS_URL", "http://p:9090")
    assert Settings().telemetry_kind is TelemetryKind.PROMETHEUS
    monkeypatch.setenv("SLOENGINE_TELEMETRY", "sample")
    assert Settings().telemetry_kind is TelemetryKind.SAMPLE


def test_prometheus_without_an_address_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SLOENGINE_TELEMETRY", "prometheus")

    with pytest.raises(ValidationError, match="SLOENGINE_PROMETHEUS_URL"):
        Settings()


def test_tenant_and_token_go_to_mimir_as_it_wants_them(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SLOENGINE_PROMETHEUS_TENANT", "shop")
    monkeypatch.setenv("SLOENGINE_PROMETHEUS_TOKEN", "t")

    assert Settings().prometheus_headers() == {"X-Scope-OrgID": "shop", "Authorization": "Bearer t"}


def test_a_missing_address_says_what_to_do():
    with pytest.raises(Unavailable, match="sloengine up"):
        Settings().required_neo4j()
    with pytest.raises(Unavailable, match="SLOENGINE_REDIS_URL"):
        Settings().required_redis_url()
