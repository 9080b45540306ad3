"""Commands that need a real database, and the way through a real engine in a shell."""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest

from sloengine.bootstrap.connections import open_use_cases
from sloengine.bootstrap.settings import Settings
from sloengine.infrastructure.embedded import Neo4jAddress, RedisAddress
from tests.application.organisation import DAY, HOUR, hourly_panel
from tests.cli.conftest import Run
from tests.cli.files import UNTIL, edges_file, sli_file
from tests.cli.shapes import check


async def merge(ingestion_id: str) -> None:
    """As the worker does."""
    async with open_use_cases(Settings()) as use_cases:
        await use_cases.merge_ingestion(ingestion_id)


@pytest.fixture
def real(run: Run, clean_neo4j: Neo4jAddress, clean_redis: RedisAddress, monkeypatch: pytest.MonkeyPatch) -> Run:
    for name, value in {
        "NEO4J_URL": clean_neo4j.url,
        "NEO4J_USER": clean_neo4j.user,
        "NEO4J_PASSWORD": clean_neo4j.password,
        "REDIS_URL": clean_redis.url,
    }.items():
        monkeypatch.setenv(f"SLOENGINE_{name}", value)
    return run


def test_the_schema_goes_up_and_down_and_tells_where_it_is(real: Run):
    before = real("migrate", "status")
    up, again = real("migrate", "up"), real("migrate", "up")
    down, after = real("migrate", "down", "--to", "1"), real("migrate", "status")
    restored = real("migrate", "up")

    assert [answer.code for answer in (before, up, again, down, after, restored)] == [0] * 6
    assert "0001" in before.out
    assert "nothing, the schema is up to date" in again.out
    assert "0002" in down.out
    assert "pending" in after.out
    assert "0002" in restored.out


def test_cypher_reads_and_writes_only_when_asked(real: Run, monkeypatch: pytest.MonkeyPatch):
    refused = real("cypher", "CREATE (:Service {service_id: 'x'})")
    written = real("cypher", "--write", "CREATE (s:Service {service_id: 'x'}) RETURN s.service_id AS id", "--json")
    read = real("cypher", "MATCH (s:Service) RETURN s.service_id AS id, 0.5 AS half")
    cut = real("cypher", "UNWIND range(1, 5) AS n RETURN n", "--limit", "2", "--json")
    wrong = real("cypher", "MATCH (s RETURN s")

    assert (refused.code, refused.out) == (2, "")
    assert "--write" in refused.err
    assert written.json == {"columns": ["id"], "rows": [{"id": "x"}], "truncated": False}
    assert read.code == 0
    assert "0.5" in read.out
    assert "1 row" in read.err
    assert cut.json == {"columns": ["n"], "rows": [{"n": 1}, {"n": 2}], "truncated": True}
    assert (wrong.code, wrong.out) == (2, "")


def test_a_shell_can_go_all_the_way(real: Run, tmp_path: Path):
    assert real("migrate", "up").code == 0
    queued = real("ingest", edges_file(tmp_path), "--no-wait", "--json")
    asyncio.run(merge(stored_id(queued.json["id"])))
    loaded = real("load-sli", sli_file(tmp_path))

    recommended = shell(tmp_path, "recommend", "front", "--sli", "availability", "--json")
    accepted = real("accept", "front", "--tier", "aggressive", "--json")
    late = real("accept", "front", "--tier", "balanced")
    verified = real("audit", "verify", "--json")

    assert (queued.code, loaded.code) == (0, 0)
    check(queued.json, "Ingestion")
    assert (recommended.returncode, recommended.stderr) == (0, "")
    check(json.loads(recommended.stdout)["recommendations"][0], "Recommendation")
    check(accepted.json, "SloDecisionPayload")
    assert (late.code, late.out) == (2, "")
    assert verified.json["checked"] == 1
    check(real("graph", "db", "--callers", "--json").json, "DependencyGraph")


def test_a_daily_file_of_another_service_changes_nothing_that_is_known_of_this_one(real: Run, tmp_path: Path):
    assert real("migrate", "up").code == 0
    whole = hourly_panel("front", days=60, until=UNTIL)
    hours, days = tmp_path / "hours.csv", tmp_path / "days.csv"
    begins = whole.start_at
    rows = [
        f"{(begins + hour * HOUR).isoformat()},front,{whole.good[0, hour]:g},{whole.total[0, hour]:g}"
        for hour in range(0, 60 * 24)
        if hour < 24 or hour % 2
    ]
    hours.write_text("\n".join(["timestamp,service,good,total", *rows]) + "\n")
    rows = [f"{(begins + day * DAY).isoformat()},elsewhere,23990,24000" for day in range(60)]
    days.write_text("\n".join(["timestamp,service,good,total", *rows]) + "\n")

    def known() -> dict[str, object]:
        answer = real("recommend", "front", "--sli", "availability", "--force", "--json")
        assert answer.code == 0, answer.err
        return answer.json["recommendations"][0]

    loaded = real("load-sli", str(hours))
    before = known()
    beside = real("load-sli", str(days))
    after = known()

    assert (loaded.code, beside.code) == (0, 0)
    quality, then = before["dataQuality"], after["dataQuality"]
    assert quality["completeness"] == pytest.approx((24 + 59 * 12) / 1440)
    assert {name: then[name] for name in ("completeness", "daysOfHistory", "sampleCount")} == {
        "completeness": pytest.approx(quality["completeness"]),
        "daysOfHistory": pytest.approx(quality["daysOfHistory"]),
        "sampleCount": quality["sampleCount"],
    }
    assert "49 % of the intervals since the first one have no data" in then["warnings"]
    # There is a service to learn from now, which is no reason to be surer of this one's own days.
    assert after["confidence"] == pytest.approx(before["confidence"], abs=0.05)


def shell(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    command = [sys.executable, "-m", "sloengine.cli.main", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)


def stored_id(global_id: str) -> str:
    return base64.b64decode(global_id).decode().partition(":")[2]


def test_what_does_not_answer_ends_with_3(run: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SLOENGINE_NEO4J_URL", "bolt://127.0.0.1:1")
    monkeypatch.setenv("SLOENGINE_NEO4J_PASSWORD", "x")
    monkeypatch.setenv("SLOENGINE_REDIS_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setattr("sloengine.infrastructure.neo4j.connection.RETRY_SECONDS", 0.1)

    answer = run("cypher", "RETURN 1")

    assert (answer.code, answer.out) == (3, "")
    assert "bolt://127.0.0.1:1" in answer.err
