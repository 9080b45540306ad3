"""Native histograms into a real Prometheus over remote write: the few protobuf messages that it takes, by hand.

``promtool`` cannot backfill them. Field numbers: prometheus/prometheus, prompb/remote.proto, prompb/types.proto;
framing: google/snappy, format_description.txt (literals only).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence

import httpx

_VARINT, _DOUBLE, _BYTES = 0, 1, 2
SCHEMA = 3
"""Buckets end at 2 ** (index / 8)."""


def bucket_of(seconds: float) -> int:
    """Index of the bucket (lower, upper] that holds this value."""
    return math.ceil(round(math.log2(seconds) * 2**SCHEMA, 9))


def histogram(counts: Mapping[int, int], at: float) -> bytes:
    """One sample: requests in each bucket so far, at this unix second."""
    spans, deltas, last_index, last_count = b"", b"", None, 0
    for index in sorted(counts):
        offset = index if last_index is None else index - last_index - 1
        # Prometheus' index 0 ends at 1, so does ours.
        spans += _field(11, _field(1, _zigzag(offset)) + _field(2, 1))
        deltas += _varint(_zigzag(counts[index] - last_count))
        last_index, last_count = index, counts[index]
    return (
        _field(1, sum(counts.values()))
        + _field(3, 1.0)
        + _field(4, _zigzag(SCHEMA))
        + _field(5, 1e-128)
        + _field(6, 0)
        + spans
        + _field(12, deltas)
        + _field(15, round(at * 1000))
    )


def value(number: float, at: float) -> bytes:
    """One sample of a plain counter."""
    return _field(1, float(number)) + _field(2, round(at * 1000))


def series(labels: Mapping[str, str], samples: Sequence[bytes], *, native: bool = True) -> bytes:
    """One time series, of native histograms or plain values, oldest sample first."""
    named = b"".join(
        _field(1, _field(1, name.encode()) + _field(2, labels[name].encode())) for name in sorted(labels)
    )
    return named + b"".join(_field(4 if native else 2, sample) for sample in samples)


def write(url: str, all_series: Sequence[bytes]) -> None:
    """Send one write request; the server has to run with its receiver and native histograms enabled."""
    body = b"".join(_field(1, one) for one in all_series)
    answer = httpx.post(
        f"{url}/api/v1/write",
        content=_snappy(body),
        headers={
            "Content-Encoding": "snappy",
            "Content-Type": "application/x-protobuf",
            "X-Prometheus-Remote-Write-Version": "0.1.0",
        },
        timeout=60,
    )
    assert answer.status_code in {200, 204}, answer.text


def _field(number: int, value: int | float | bytes) -> bytes:
    if isinstance(value, bytes):
        return _varint(number << 3 | _BYTES) + _varint(len(value)) + value
    if isinstance(value, float):
        return _varint(number << 3 | _DOUBLE) + struct.pack("<d", value)
    return _varint(number << 3 | _VARINT) + _varint(value)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _zigzag(value: int) -> int:
    return value << 1 if value >= 0 else (-value << 1) - 1


def _snappy(body: bytes) -> bytes:
    out = bytearray(_varint(len(body)))
    for at in range(0, len(body), 65_536):
        piece = body[at : at + 65_536]
        out += bytes([61 << 2]) + struct.pack("<H", len(piece) - 1) + piece
    return bytes(out)
