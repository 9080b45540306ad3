"""A closed loop of HTTP clients on raw sockets, light enough not to be what is measured."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from itertools import count
from time import perf_counter


@dataclass(frozen=True)
class Load:
    """What came back. Latencies in seconds, sorted."""

    seconds: float
    latencies: list[float]
    failures: int

    @property
    def per_second(self) -> float:
        """Answers per second."""
        return len(self.latencies) / self.seconds

    def quantile_ms(self, q: float) -> float:
        """Latency in milliseconds."""
        return 1000 * self.latencies[min(len(self.latencies) - 1, int(q * len(self.latencies)))]


async def closed_loop(
    host: str, port: int, requests: list[bytes], *, users: int, seconds: float, think_seconds: float = 0.0
) -> Load:
    """``users`` connections, each sending the next request when the answer is there and it has thought."""
    latencies: list[float] = []
    failures = 0
    numbers = count()
    started = perf_counter()
    until = started + seconds

    async def user(position: int) -> None:
        nonlocal failures
        reader, writer = await asyncio.open_connection(host, port)
        try:
            await asyncio.sleep(think_seconds * position / users)
            while perf_counter() < until:
                at = perf_counter()
                writer.write(requests[next(numbers) % len(requests)])
                status, body = await answer(reader)
                latencies.append(perf_counter() - at)
                if status != 200 or b'"errors"' in body:
                    failures += 1
                if think_seconds:
                    await asyncio.sleep(think_seconds)
        finally:
            writer.close()

    await asyncio.gather(*(user(position) for position in range(users)))
    return Load(perf_counter() - started, sorted(latencies), failures)


async def answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Status and body of one answer that carries its length."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        int(line.split(b":", 1)[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
    )
    return int(head.split(b" ", 2)[1]), await reader.readexactly(length)


def post(host: str, path: str, body: bytes, **headers: str) -> bytes:
    """The bytes of a POST."""
    lines = [
        f"POST {path} HTTP/1.1",
        f"Host: {host}",
        "Content-Type: application/json",
        "Accept: application/json",
        f"Content-Length: {len(body)}",
        *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
