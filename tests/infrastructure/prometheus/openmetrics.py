"""Counters as OpenMetrics text, in chunks short enough to be backfilled quickly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

STEP = timedelta(minutes=5)
CHUNK = timedelta(hours=6)


@dataclass
class Counter:
    """Grows by ``per_step`` every five minutes, restarts at ``restarts`` and exists in [born, died)."""

    labels: Mapping[str, str]
    per_step: float
    restarts: Sequence[datetime] = ()
    born: datetime | None = None
    died: datetime | None = None
    value: float = field(default=0.0, init=False)


def chunks(metrics: Mapping[str, Sequence[Counter]], start: datetime, end: datetime) -> Iterator[str]:
    """Six hours a chunk; names end in ``_total`` or ``_count``/``_bucket`` as they are queried."""
    at = start
    while at < end:
        until = min(at + CHUNK, end)
        lines: list[str] = []
        for name, counters in metrics.items():
            lines.append(f"# TYPE {name} unknown")
            for counter in counters:
                lines.extend(_samples(name, counter, at, until))
        yield "\n".join(lines) + "\n"
        at = until


def _samples(name: str, counter: Counter, start: datetime, end: datetime) -> Iterator[str]:
    labels = ",".join(f'{key}="{value}"' for key, value in counter.labels.items())
    at = start
    while at < end:
        alive = (counter.born is None or at >= counter.born) and (counter.died is None or at < counter.died)
        if alive:
            counter.value = 0.0 if at in counter.restarts else counter.value
            yield f"{name}{{{labels}}} {counter.value:g} {int(at.timestamp())}"
            counter.value += counter.per_step
        at += STEP
