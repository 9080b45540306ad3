"""What tells a retry of a decision from another decision under the same key.

The form is fixed for good, so that a retry across an upgrade is still one: what values look like in Python may not
change it, nor a field that a value gets later and that says nothing. Another form needs another prefix, and goes
on knowing this one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from enum import StrEnum

from sloengine.domain.governance.model import SloTarget

type Asked = Mapping[str, str | StrEnum | tuple[SloTarget, ...] | None]
"""What a client asked for, by the API's names, in the order in which versions before this one knew it."""

_FORM = "decided-1:"


def fingerprint(asked: Asked) -> str:
    """SHA-256 over the JSON of what was asked for; keys sorted, what is null left out, plain ASCII."""
    said = {name: _plain(value) for name, value in asked.items() if value is not None}
    text = json.dumps(said, sort_keys=True, separators=(",", ":"))
    return f"{_FORM}{hashlib.sha256(text.encode()).hexdigest()}"


def fingerprint_before(asked: Asked) -> str:
    """What versions before this one kept: the digest of how Python printed the values then."""
    return hashlib.sha256(_printed([_as_printed(value) for value in asked.values()]).encode()).hexdigest()


def _plain(value: str | StrEnum | tuple[SloTarget, ...]) -> object:
    if isinstance(value, tuple):
        return [_plain_target(target) for target in value]
    return value.value if isinstance(value, StrEnum) else value


def _plain_target(target: SloTarget) -> dict[str, object]:
    numbers = {"availabilityRatio": target.availability_ratio, "thresholdMs": target.threshold_ms}
    return {"kind": target.kind.value, **{name: float(n) for name, n in numbers.items() if n is not None}}


def _as_printed(value: str | StrEnum | tuple[SloTarget, ...] | None) -> str:
    if isinstance(value, tuple):
        return _printed([_target_as_printed(target) for target in value])
    return repr(value)


def _target_as_printed(target: SloTarget) -> str:
    return (
        f"SloTarget(kind={target.kind!r}, availability_ratio={target.availability_ratio!r},"
        f" threshold_ms={target.threshold_ms!r})"
    )


def _printed(parts: list[str]) -> str:
    return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"
