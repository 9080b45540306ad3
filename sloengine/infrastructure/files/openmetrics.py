"""Counters over time as OpenMetrics text that ``promtool tsdb create-blocks-from openmetrics`` backfills.

One file a chunk of six hours: promtool reads a whole file again for each block of two hours that it cuts, so one
large file takes quadratic time, and many small ones linear time.
Format: https://prometheus.io/docs/specs/om/open_metrics_spec/
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt

type FloatArray = npt.NDArray[np.float64]
type Flags = npt.NDArray[np.bool_]

CHUNK_SECONDS = 6 * 3600


@dataclass(frozen=True)
class Metric:
    """Counters that are exposed together. ``samples``: name and labels of each, as they stand in the text.

    ``increments``: shape (n_samples, slots). ``seen``, ``broken``, ``restarts``: shape (slots,); unseen slots
    leave no samples, broken ones the value NaN, and with a restart the counters begin at 0 again.
    """

    samples: tuple[str, ...]
    increments: FloatArray
    seen: Flags
    broken: Flags
    restarts: Flags


@dataclass(frozen=True)
class Family:
    """``kind``: ``counter`` or ``histogram``."""

    name: str
    kind: str
    metrics: Sequence[Metric]


@dataclass(frozen=True)
class _Held:
    """What a metric carries over from one stretch to the next."""

    totals: FloatArray
    seen: bool
    broken: bool


def sample(name: str, **labels: str) -> str:
    """Name and labels of one sample.

    >>> sample("calls_total", client="shop", server='a"b')
    'calls_total{client="shop",server="a\\\\\\\\"b"}'
    """
    inside = ",".join(f'{key}="{_escaped(value)}"' for key, value in labels.items())
    return f"{name}{{{inside}}}" if inside else name


class OpenMetricsFolder:
    """Writes stretches of time, one after the other, as chunk files named by their first sample's time.

    Within a slot counters grow evenly, in fractions where need be, so that an increase over whole slots is exact.
    """

    def __init__(self, folder: Path, slot_seconds: int, samples_per_slot: int) -> None:
        if CHUNK_SECONDS % slot_seconds or slot_seconds % samples_per_slot:
            raise ValueError("slots must divide six hours, and samples a slot")
        self.folder, self.slot_seconds, self.samples_per_slot = folder, slot_seconds, samples_per_slot
        self.files: list[Path] = []
        self._held: dict[tuple[str, ...], _Held] = {}

    def write(self, first_second: int, slots: int, families: Iterable[Family], *, last: bool) -> None:
        """Write ``slots`` slots from ``first_second`` (unix time, a multiple of the chunk) on.

        ``last``: with the samples at the very end, which otherwise open the next stretch.
        """
        if first_second % CHUNK_SECONDS:
            raise ValueError("a stretch starts with a chunk: at 0, 6, 12 or 18 h UTC")
        per_chunk = CHUNK_SECONDS // self.slot_seconds * self.samples_per_slot
        count = slots * self.samples_per_slot + (1 if last else 0)
        stamps = first_second + np.arange(count) * (self.slot_seconds // self.samples_per_slot)
        texts: list[list[str]] = [[] for _ in range(max(1, -(-(count - 1) // per_chunk)))]
        ends = [*(per_chunk * number for number in range(1, len(texts))), count]
        for family in families:
            for text in texts:
                text.append(f"# TYPE {family.name} {family.kind}")
            for metric in family.metrics:
                values, shown = self._values(metric, count)
                first = 0
                for text, end in zip(texts, ends, strict=True):
                    text.extend(_lines(metric.samples, values[:, first:end], shown[first:end], stamps[first:end]))
                    first = end
        for number, text in enumerate(texts):
            at = datetime.fromtimestamp(first_second + number * CHUNK_SECONDS, UTC)
            path = self.folder / f"{at:%Y-%m-%dT%H%M}.om"
            path.write_text("\n".join((*text, "# EOF", "")), encoding="utf-8")
            self.files.append(path)

    def _values(self, metric: Metric, count: int) -> tuple[FloatArray, Flags]:
        """Value of each sample, shape (n_samples, count), and at which times there is one."""
        parts = self.samples_per_slot
        held = self._held.get(metric.samples)
        if held is None:
            held = _Held(np.zeros(len(metric.samples)), seen=False, broken=False)
        ends, begins = _running(held.totals, metric.increments, metric.restarts)
        slots = metric.increments.shape[1]
        values = np.empty((len(metric.samples), slots * parts + 1))
        values[:, 0] = held.totals
        values[:, parts::parts] = ends
        for part in range(1, parts):
            values[:, part:-1:parts] = begins + metric.increments * (part / parts)
        shown, broken = (
            _at_samples(flags, before, parts)
            for flags, before in ((metric.seen, held.seen), (metric.broken & metric.seen, held.broken))
        )
        values[:, broken] = np.nan
        last_broken = bool(metric.broken[-1] and metric.seen[-1])
        self._held[metric.samples] = _Held(ends[:, -1], bool(metric.seen[-1]), last_broken)
        return values[:, :count], shown[:count]


def _running(before: FloatArray, increments: FloatArray, restarts: Flags) -> tuple[FloatArray, FloatArray]:
    """Counters at the end of each slot, and what they had just after its start."""
    sums = before[:, None] + np.cumsum(increments, axis=1)
    starts = sums - increments
    last_restart = np.maximum.accumulate(np.where(restarts, np.arange(restarts.size), -1))
    lost = np.where(last_restart >= 0, starts[:, np.maximum(last_restart, 0)], 0.0)
    return sums - lost, starts - lost


def _at_samples(flags: Flags, before: bool, parts: int) -> Flags:
    """A sample between two slots belongs to both."""
    slots = np.concatenate(([before], flags, [False]))
    at = np.repeat(flags, parts)
    return np.concatenate((at, [False])) | _on_bounds(slots[:-1] | slots[1:], parts, at.size + 1)


def _on_bounds(bounds: Flags, parts: int, count: int) -> Flags:
    spread = np.zeros(count, dtype=np.bool_)
    spread[::parts] = bounds
    return spread


def _lines(samples: Sequence[str], values: FloatArray, shown: Flags, stamps: npt.NDArray[np.int64]) -> list[str]:
    lines: list[str] = []
    starts = [f"{text} " for text in samples]
    columns, times = values[:, shown].T.tolist(), stamps[shown].tolist()
    for column, at in zip(columns, times, strict=True):
        end = f" {at}"
        lines.extend([start + _number(value) + end for start, value in zip(starts, column, strict=True)])
    return lines


def _number(value: float) -> str:
    if value != value:  # noqa: PLR0124  - NaN, and faster than asking for it
        return "NaN"
    whole = int(value)
    return str(whole) if whole == value else f"{value:.12g}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
