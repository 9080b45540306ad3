"""The embedded Neo4j keeps its data, its password, and out of other people's way."""

from __future__ import annotations

import re
import signal
import subprocess
from pathlib import Path

import neo4j
import pytest

from sloengine.infrastructure.embedded import EmbeddedNeo4j, EmbeddedServerFailed, StateNotWritable
from sloengine.infrastructure.embedded.child_process import wait_until
from sloengine.infrastructure.embedded.neo4j_server import FAST_START_JVM_OPTIONS, initial_user_record

pytestmark = pytest.mark.neo4j


def small(home: Path, port: int | None = None, log: str = "-Xlog:gc=off") -> EmbeddedNeo4j:
    options = (*FAST_START_JVM_OPTIONS, log)
    return EmbeddedNeo4j(home, heap_mb=300, page_cache_mb=16, port=port, jvm_options=options)


def run(server: EmbeddedNeo4j, cypher: str) -> list[neo4j.Record]:
    address = server.address
    with neo4j.GraphDatabase.driver(address.url, auth=(address.user, address.password)) as driver:
        return driver.execute_query(cypher).records  # type: ignore[arg-type]


def test_the_initial_password_is_hashed_as_neo4j_admin_does_it() -> None:
    # written by `neo4j-admin dbms set-initial-password testpass123` of Neo4j 2026.08.1
    salt = "f9ab8018b4f0c7a5ed757012712683c8f4c3e6b02eb0b3bae488190f149f25a2"
    digest = "d42c50b30f72bf17fa17fd99c9004770d88218d244cfbe910446b226a7fea4eb"

    assert initial_user_record("testpass123", bytes.fromhex(salt)) == f"neo4j:SHA-256,{digest},{salt},1024:\n"


def test_data_survive_a_kill_and_a_second_server_is_refused(tmp_path: Path) -> None:
    home = tmp_path / "state"
    first = small(home)
    with first:
        password = first.address.password
        run(first, "CREATE (:Kept {n: 1})")
        assert first.password_file.stat().st_mode & 0o777 == 0o600
        assert password not in " ".join(Path(f"/proc/{first.pid}/cmdline").read_text().split("\0"))
        listening = subprocess.run(["ss", "-ltnpH"], capture_output=True, text=True, check=False).stdout
        own = [line for line in listening.splitlines() if f"pid={first.pid}," in line]
        assert all("127.0.0.1" in line for line in own), f"listens beyond the loopback interface: {own}"

        record = first._child.record_file
        first_record = record.read_text()
        record.unlink()  # so that the second does not take the first for a left-over
        second = small(home)
        with pytest.raises(EmbeddedServerFailed, match="another Neo4j uses"), second:
            pass
        record.write_text(first_record)

        run(first, "CREATE (:Kept {n: 2})")
        first._child._process.send_signal(signal.SIGKILL)  # type: ignore[union-attr]
        assert wait_until(lambda: first.exit_code() is not None, lambda: True, 60)

    collected = tmp_path / "gc.log"
    third = small(home, log=f"-Xlog:gc:file={collected}")
    with third:
        assert third.address.password == password
        assert [r["n"] for r in run(third, "MATCH (k:Kept) RETURN k.n AS n ORDER BY n")] == [1, 2]
    log = collected.read_text()
    assert "Using Serial" in log
    assert "Metadata GC Threshold" not in log, "stops everybody because classes were loaded"

    third.password_file.unlink()
    with pytest.raises(EmbeddedServerFailed, match=r"password file .* is gone"):
        small(home).launch()


def test_a_taken_port_is_named(tmp_path: Path, neo4j_server) -> None:
    taken = int(re.findall(r":(\d+)$", neo4j_server.url)[0])

    with pytest.raises(EmbeddedServerFailed, match=f"port {taken} is taken"), small(tmp_path / "b", taken):
        pass


def test_a_home_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(StateNotWritable, match=r"cannot write to .*file/neo4j"):
        small(tmp_path / "file" / "neo4j").launch()
