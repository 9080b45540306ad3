"""The jars Neo4j runs from: resolved once by jgo into a lock file, fetched and checked against it."""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
import ssl
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import certifi
import httpx

from sloengine.infrastructure.embedded.errors import DownloadCutOff
from sloengine.infrastructure.embedded.private_files import make_writable_directory

LOCK_FILE = "neo4j-jars.json"
_PARALLEL_DOWNLOADS = 8
_ATTEMPTS = 3

Progress = Callable[[int, int], None]
"""Called with bytes there and bytes in all."""


@dataclass(frozen=True, slots=True)
class Jar:
    """One locked file of a Maven repository."""

    group: str
    artifact: str
    version: str
    classifier: str
    sha256: str
    size_bytes: int

    @property
    def file_name(self) -> str:
        """Name in the repository and in the cache."""
        suffix = f"-{self.classifier}" if self.classifier else ""
        return f"{self.artifact}-{self.version}{suffix}.jar"

    @property
    def path(self) -> str:
        """Path below the repository's root."""
        return f"{self.group.replace('.', '/')}/{self.artifact}/{self.version}/{self.file_name}"


@dataclass(frozen=True, slots=True)
class JarSet:
    """All jars of one Neo4j version."""

    version: str
    jars: tuple[Jar, ...]

    @property
    def size_bytes(self) -> int:
        """Size of the whole download."""
        return sum(jar.size_bytes for jar in self.jars)

    @property
    def directory_name(self) -> str:
        """Changes whenever any jar does, so that a cache never mixes two sets."""
        digest = hashlib.sha256("".join(jar.sha256 for jar in self.jars).encode()).hexdigest()
        return f"neo4j-{self.version}-{digest[:12]}"


def repository_url() -> str:
    """The repository's root. Imported here, because jgo is slow to load and needed for a download only."""
    from jgo.constants import MAVEN_CENTRAL_URL  # noqa: PLC0415

    return MAVEN_CENTRAL_URL


def locked_jars() -> JarSet:
    """The set that this version of sloengine was tested with."""
    document = json.loads(resources.files(__package__).joinpath(LOCK_FILE).read_text())
    return JarSet(document["neo4j_version"], tuple(Jar(**jar) for jar in document["jars"]))


def fetch_jars(cache: Path, progress: Progress | None = None, jars: JarSet | None = None) -> list[Path]:
    """The jars' paths, downloaded first where the cache lacks them.

    Jars arrive in a directory beside, each moved into it only when its checksum fits; the directory takes its
    final name when all are there. A download that is cut off therefore goes on where it stopped.

    Raises: DownloadCutOff, when the repository cannot be reached or sends something else; StateNotWritable.
    """
    jars = jars or locked_jars()
    final = cache / jars.directory_name
    if _complete(final, jars):
        return [final / jar.file_name for jar in jars.jars]
    cache = make_writable_directory(cache)
    with _only_one_process(cache / f"{jars.directory_name}.lock"):
        if not _complete(final, jars):  # another process may have fetched them while this one waited
            partial = cache / f"{jars.directory_name}.partial"
            partial.mkdir(exist_ok=True)
            _download_missing(partial, jars, progress)
            if final.exists():
                shutil.rmtree(final)
            partial.rename(final)
    return [final / jar.file_name for jar in jars.jars]


def _complete(directory: Path, jars: JarSet) -> bool:
    try:
        return all((directory / jar.file_name).stat().st_size == jar.size_bytes for jar in jars.jars)
    except OSError:
        return False


@contextmanager
def _only_one_process(lock_file: Path) -> Iterator[None]:
    with lock_file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _download_missing(directory: Path, jars: JarSet, progress: Progress | None) -> None:
    missing = [jar for jar in jars.jars if not (directory / jar.file_name).exists()]
    arrived = jars.size_bytes - sum(jar.size_bytes for jar in missing)
    trusted = ssl.create_default_context()
    trusted.load_verify_locations(certifi.where())
    with (
        httpx.Client(verify=trusted, timeout=httpx.Timeout(30, connect=10), follow_redirects=True) as client,
        ThreadPoolExecutor(_PARALLEL_DOWNLOADS) as pool,
    ):
        downloads = {pool.submit(_download, client, jar, directory): jar for jar in missing}
        try:
            for done in as_completed(downloads):
                done.result()
                arrived += downloads[done].size_bytes
                if progress is not None:
                    progress(arrived, jars.size_bytes)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _download(client: httpx.Client, jar: Jar, directory: Path) -> None:
    unfinished = directory / f"{jar.file_name}.unfinished"
    address = f"{repository_url()}/{jar.path}"
    reason = ""
    for _ in range(_ATTEMPTS):
        digest = hashlib.sha256()
        try:
            with client.stream("GET", address) as answer, unfinished.open("wb") as file:
                answer.raise_for_status()
                for chunk in answer.iter_bytes():
                    digest.update(chunk)
                    file.write(chunk)
        except httpx.HTTPStatusError as error:
            reason = f"the repository answered {error.response.status_code}"
            continue
        except httpx.HTTPError as error:
            reason = str(error) or type(error).__name__
            continue
        except OSError as error:
            unfinished.unlink(missing_ok=True)
            raise DownloadCutOff(f"cannot store {jar.file_name} in {directory}: {error.strerror}") from error
        if digest.hexdigest() == jar.sha256:
            unfinished.rename(directory / jar.file_name)
            return
        reason = "its checksum is not the locked one"
    unfinished.unlink(missing_ok=True)
    raise DownloadCutOff(
        f"downloading Neo4j stopped at {jar.file_name}: {reason}. "
        "What arrived is kept; check the network and run the same command again."
    )
