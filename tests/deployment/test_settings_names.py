"""Compose file, image and chart speak of settings that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from sloengine.bootstrap.settings import Settings

ROOT = Path(__file__).parents[2]
FILES = ["docker-compose.yml", "Dockerfile", "charts/sloengine/templates/_names.tpl"]


@pytest.mark.parametrize("file", FILES)
def test_every_setting_that_a_deployment_names_exists(file):
    known = {f"SLOENGINE_{name.upper()}" for name in Settings.model_fields}

    named = set(re.findall(r"\bSLOENGINE_[A-Z0-9_]+", (ROOT / file).read_text()))

    assert named
    assert named <= known


def test_the_compose_file_has_every_process_and_no_secret_in_it():
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())

    assert {"neo4j", "redis", "prometheus", "api", "worker", "scheduler"} <= set(compose["services"])
    for service in ("api", "worker", "scheduler"):
        settings = compose["services"][service]
        assert settings["cap_drop"] == ["ALL"]
        assert settings["read_only"] is True
        assert settings["environment"]["SLOENGINE_NEO4J_PASSWORD"].startswith("${")


def test_the_development_key_reaches_only_the_api():
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())

    holders = [
        name for name, s in compose["services"].items() if "SLOENGINE_DEV_API_KEY" in s.get("environment", {})
    ]

    assert holders == ["api"]
