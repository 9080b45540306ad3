from __future__ import annotations

import pytest

from sloengine.bootstrap.database import open_database
from sloengine.bootstrap.settings import Settings
from sloengine.cli.first_table import next_steps
from sloengine.domain.errors import Unavailable


def test_an_empty_graph_beside_telemetry_is_told_whose_series_are_there():
    said = next_steps("prometheus http://p:9090", [f"s{number}" for number in range(10)])

    assert "prometheus http://p:9090 has 10 services: s0, s1" in said
    assert "s9" not in said
    assert "sloengine discover otel --dry-run" in said


@pytest.mark.parametrize(("source", "offered"), [(None, ()), ("prometheus http://p:9090", ())])
def test_without_series_the_ways_to_bring_in_something_are_named(source: str | None, offered: tuple[str, ...]):
    said = next_steps(source, offered)

    assert "sloengine ingest FILE" in said
    assert "--prometheus-url" in said


async def test_a_neo4j_without_a_password_is_told_what_is_missing():
    settings = Settings(neo4j_url="bolt://127.0.0.1:1", neo4j_password=None)

    with pytest.raises(Unavailable, match="SLOENGINE_NEO4J_PASSWORD"):
        async with open_database(settings):
            pass
