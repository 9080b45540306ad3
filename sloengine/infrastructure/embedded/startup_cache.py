"""Neo4j's classes, loaded and linked once: halves the time until it answers.

``python -m sloengine.infrastructure.embedded.startup_cache`` makes it (half a minute of one core); ``up`` does
so in the background after its first start. A Neo4j started without it, or with one that does not fit, only
starts more slowly.

Source: JEP 483 and 514, ahead-of-time class loading and linking.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
import tempfile
from pathlib import Path

import neo4j

import sloengine.infrastructure.bolt_driver  # noqa: F401 - before anything imports the driver
from sloengine.infrastructure.embedded.cache_directory import cache_directory
from sloengine.infrastructure.embedded.errors import EmbeddedServerFailed
from sloengine.infrastructure.embedded.jars import locked_jars
from sloengine.infrastructure.embedded.neo4j_server import EmbeddedNeo4j, startup_cache_file

_STOP_GRACE_SECONDS = 180.0
_TYPICAL = (
    "CREATE CONSTRAINT probe IF NOT EXISTS FOR (n:Probe) REQUIRE n.key IS UNIQUE",
    "UNWIND range(1, 200) AS i MERGE (n:Probe {key: i}) SET n.values = [i, i + 1]",
    "MATCH (a:Probe), (b:Probe) WHERE b.key = a.key + 1 MERGE (a)-[r:NEXT]->(b) SET r.weight = 0.5",
    "MATCH (a:Probe {key: 1})-[:NEXT*1..3]->(b) RETURN DISTINCT b.key AS key ORDER BY key",
    "MATCH (n) CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 1000 ROWS",
)


def make_startup_cache(cache: Path) -> bool:
    """Make the cache unless it is there or another process is at it; whether it was made."""
    final = startup_cache_file(cache, locked_jars())
    if final.exists():
        return False
    with final.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        for left_over in cache.glob("startup-*"):
            shutil.rmtree(left_over, ignore_errors=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix="startup-") as work:
            made = Path(work) / "made.aot"
            server = EmbeddedNeo4j(
                Path(work) / "home",
                cache=cache,
                heap_mb=400,
                page_cache_mb=32,
                jvm_options=(f"-XX:AOTCacheOutput={made}",),
                stop_grace_seconds=_STOP_GRACE_SECONDS,
            )
            with (
                server as address,
                neo4j.GraphDatabase.driver(address.url, auth=(address.user, address.password)) as driver,
                driver.session() as session,
            ):
                for query in _TYPICAL:
                    session.run(query).consume()
            if not made.exists():
                raise EmbeddedServerFailed(
                    f"Neo4j left no startup cache; its log:\n{server.log.read_text()[-2000:]}"
                )
            made.rename(final)
    return True


def main() -> None:
    """Make it in the cache directory, giving way to everything else that runs."""
    os.nice(19)
    sys.exit(0 if make_startup_cache(cache_directory()) else "nothing to do")


if __name__ == "__main__":
    main()
