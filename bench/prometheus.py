"""A real Prometheus with a past: blocks made by promtool, served from a temporary directory."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import httpx

from bench.stage import answers
from sloengine.infrastructure.embedded.child_process import ChildProcess, wait_until
from sloengine.infrastructure.embedded.free_port import LOOPBACK, free_port

REQUESTS = "http_server_request_duration_seconds"
CALLS = "traces_service_graph_request"
BOUNDS = ("0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "+Inf")
_BLOCK = timedelta(hours=2)
_QUERIES = re.compile(
    r'^prometheus_http_requests_total\{code="200",handler="/api/v1/query(?:_range)?"\} (\S+)$', re.MULTILINE
)


@dataclass(frozen=True)
class Counters:
    """Which series there are: requests by status and histograms of services, calls of edges; one sample a step."""

    service_ids: Sequence[str]
    start: datetime
    end: datetime
    step: timedelta
    edges: Sequence[tuple[str, str]] = ()


@contextmanager
def prometheus(counters: Counters) -> Generator[str]:
    """The address of a server that has these series."""
    for tool in ("prometheus", "promtool"):
        if shutil.which(tool) is None:
            raise RuntimeError(f"{tool} is not on PATH: apt-get install prometheus")
    with tempfile.TemporaryDirectory(prefix="sloengine-bench-prometheus-") as folder:
        home = Path(folder)
        _backfill(home, counters)
        (home / "prometheus.yml").write_text("global: {scrape_interval: 15s}\n")
        port = free_port()
        child = ChildProcess("prometheus", home, home / "prometheus.log")
        child.start(
            [
                str(shutil.which("prometheus")),
                f"--config.file={home / 'prometheus.yml'}",
                f"--storage.tsdb.path={home / 'data'}",
                f"--web.listen-address={LOOPBACK}:{port}",
            ]
        )
        try:
            url = f"http://{LOOPBACK}:{port}"
            if not wait_until(lambda: answers(f"{url}/-/ready"), lambda: child.exit_code() is None, 60):
                raise RuntimeError(f"Prometheus does not answer:\n{child.tail(20)}")
            yield url
        finally:
            child.stop(10)


def queries_served(url: str) -> int:
    """Queries that the server says it has answered."""
    text = httpx.get(f"{url}/metrics", timeout=30, trust_env=False).text
    return sum(int(float(count)) for count in _QUERIES.findall(text))


def _backfill(home: Path, counters: Counters) -> None:
    """One file a block: promtool reads the whole file again for every block that it cuts."""
    text = home / "chunk.txt"
    for begin, end in _blocks(counters.start, counters.end):
        times = [at for at in _times(counters) if begin.timestamp() <= at < end.timestamp()]
        if not times:
            continue
        with text.open("w") as file:
            file.writelines(f"{line}\n" for line in _openmetrics(counters, times))
            file.write("# EOF\n")
        command = ["promtool", "tsdb", "create-blocks-from", "openmetrics", str(text), str(home / "data")]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"promtool: {done.stderr[-500:]}")
    text.unlink(missing_ok=True)


def _blocks(start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    seconds = int(_BLOCK.total_seconds())
    at = datetime.fromtimestamp(int(start.timestamp()) // seconds * seconds, tz=start.tzinfo)
    while at <= end:
        yield at, at + _BLOCK
        at += _BLOCK


def _times(counters: Counters) -> list[int]:
    count = int((counters.end - counters.start) / counters.step) + 1
    return [int((counters.start + i * counters.step).timestamp()) for i in range(count)]


def _openmetrics(counters: Counters, times: Sequence[int]) -> Iterator[str]:
    """Counters that grow with time, so that every block goes on where the one before ended."""
    minutes = [(at - int(counters.start.timestamp())) // 60 for at in times]

    def series(labels: str, per_minute: int) -> Iterable[str]:
        return (f"{labels} {per_minute * minute} {at}" for minute, at in zip(minutes, times, strict=True))

    yield f"# TYPE {REQUESTS}_count unknown"
    for number, service_id in enumerate(counters.service_ids):
        for status, grows in (("200", 40 + number % 10), ("503", number % 3)):
            yield from series(
                f'{REQUESTS}_count{{job="{service_id}",http_response_status_code="{status}"}}', grows
            )
    yield f"# TYPE {REQUESTS}_bucket unknown"
    for service_id in counters.service_ids:
        for position, bound in enumerate(BOUNDS, start=1):
            yield from series(f'{REQUESTS}_bucket{{job="{service_id}",le="{bound}"}}', 4 * position)
    for what, grows in (("total", 30), ("failed_total", 1)) if counters.edges else ():
        yield f"# TYPE {CALLS}_{what} unknown"
        for caller, dependency in counters.edges:
            yield from series(f'{CALLS}_{what}{{client="{caller}",server="{dependency}"}}', grows)
