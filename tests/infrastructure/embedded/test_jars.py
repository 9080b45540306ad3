"""Jars arrive whole or not at all."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from sloengine.infrastructure.embedded import jars
from sloengine.infrastructure.embedded.errors import DownloadCutOff, StateNotWritable
from sloengine.infrastructure.embedded.jars import Jar, JarSet, fetch_jars, locked_jars

CONTENTS = {f"part{n}": f"jar number {n} ".encode() * 5000 for n in range(4)}


class Repository(ThreadingHTTPServer):
    """A Maven repository that can be told to misbehave for one artifact."""

    daemon_threads = True
    broken = ""
    mode = ""
    asked: list[str]


class Handler(BaseHTTPRequestHandler):
    server: Repository

    def do_GET(self) -> None:
        artifact = self.path.split("/")[-3]
        self.server.asked.append(artifact)
        body = CONTENTS[artifact]
        if artifact == self.server.broken and self.server.mode == "missing":
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if artifact == self.server.broken and self.server.mode == "cut off":
            self.wfile.write(body[: len(body) // 2])
            self.close_connection = True
            return
        self.wfile.write(
            b"x" * len(body) if artifact == self.server.broken and self.server.mode == "other" else body
        )

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass


@pytest.fixture
def repository(monkeypatch: pytest.MonkeyPatch) -> Iterator[Repository]:
    server = Repository(("127.0.0.1", 0), Handler)
    server.asked = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(jars, "repository_url", lambda: f"http://127.0.0.1:{server.server_port}/maven2")
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def wanted() -> JarSet:
    return JarSet(
        "1.0",
        tuple(
            Jar("org.example", name, "1.0", "", hashlib.sha256(body).hexdigest(), len(body))
            for name, body in CONTENTS.items()
        ),
    )


def test_all_jars_arrive_and_are_not_asked_for_again(
    repository: Repository, wanted: JarSet, tmp_path: Path
) -> None:
    said: list[tuple[int, int]] = []

    paths = fetch_jars(tmp_path, lambda arrived, total: said.append((arrived, total)), wanted)
    fetch_jars(tmp_path, None, wanted)

    assert [path.read_bytes() for path in paths] == list(CONTENTS.values())
    assert sorted(repository.asked) == sorted(CONTENTS)
    assert said[-1] == (wanted.size_bytes, wanted.size_bytes)


@pytest.mark.parametrize("mode", ["cut off", "other", "missing"])
def test_a_download_that_fails_leaves_nothing_half_made_and_goes_on_later(
    repository: Repository, wanted: JarSet, tmp_path: Path, mode: str
) -> None:
    repository.broken, repository.mode = "part2", mode

    with pytest.raises(DownloadCutOff, match=r"part2-1\.0\.jar.*run the same command again"):
        fetch_jars(tmp_path, None, wanted)

    assert not (tmp_path / wanted.directory_name).exists()
    assert not list(tmp_path.rglob("part2*"))
    repository.broken, repository.asked = "", []
    assert len(fetch_jars(tmp_path, None, wanted)) == len(CONTENTS)
    assert "part2" in repository.asked


def test_no_network_is_said_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, wanted: JarSet, tmp_path: Path
) -> None:
    monkeypatch.setattr(jars, "repository_url", lambda: "http://127.0.0.1:9/maven2")

    with pytest.raises(DownloadCutOff, match="downloading Neo4j stopped"):
        fetch_jars(tmp_path, None, wanted)


def test_a_truncated_jar_in_the_cache_is_fetched_anew(
    repository: Repository, wanted: JarSet, tmp_path: Path
) -> None:
    damaged = fetch_jars(tmp_path, None, wanted)[1]
    damaged.write_bytes(b"")

    paths = fetch_jars(tmp_path, None, wanted)

    assert paths[1].read_bytes() == CONTENTS["part1"]


def test_two_processes_fetch_once(repository: Repository, wanted: JarSet, tmp_path: Path) -> None:
    threads = [threading.Thread(target=fetch_jars, args=(tmp_path, None, wanted)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(repository.asked) == sorted(CONTENTS)


def test_a_cache_that_cannot_be_written_is_named(wanted: JarSet, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(StateNotWritable, match=r"cannot write to .*file/cache"):
        fetch_jars(tmp_path / "file" / "cache", None, wanted)


def test_the_lock_names_each_file_once_with_its_checksum() -> None:
    locked = locked_jars()

    assert len({jar.file_name for jar in locked.jars}) == len(locked.jars)
    assert all(len(jar.sha256) == 64 and jar.size_bytes > 0 for jar in locked.jars)
    assert {"neo4j", "neo4j-server"} <= {jar.artifact for jar in locked.jars if jar.version == locked.version}


def test_a_changed_checksum_changes_the_directory(wanted: JarSet) -> None:
    changed = replace(wanted, jars=(replace(wanted.jars[0], sha256="0" * 64), *wanted.jars[1:]))

    assert changed.directory_name != wanted.directory_name
