"""What tells a retry of an ingestion from another statement under the same key.

It is taken of what the caller sent, in a form that is fixed for good: neither how payloads are stored nor what the
settings let a source say may change it, or a retry across an upgrade would be refused. Another form needs another
prefix, and goes on knowing this one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from sloengine.application.topology.stated_rows import ROW_LISTS

_FORM = "said-1:"


def fingerprint(said: Mapping[str, Any]) -> str:
    """SHA-256 over the JSON of all but the rows, then of each row, a line each; keys sorted, plain ASCII.

    ``said``: ``source``, ``complete``, ``observedAt`` and the two lists of rows. Row by row, so that other threads
    have their turn within ten megabytes.
    """
    digest = hashlib.sha256(_line({name: value for name, value in said.items() if name not in ROW_LISTS}))
    for name in ROW_LISTS:
        digest.update(_line(name))
        for row in said[name]:
            digest.update(_line(row))
    return f"{_FORM}{digest.hexdigest()}"


def fingerprints_before(
    stored: Mapping[str, Any], payload: bytes, dump: Callable[[object], bytes]
) -> tuple[str, ...]:
    """What versions before this one kept: the digest of the payload as it was stored, in lines or in one piece."""
    return (hashlib.sha256(payload).hexdigest(), hashlib.sha256(dump(stored)).hexdigest())


def _line(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=str).encode() + b"\n"
