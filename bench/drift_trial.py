"""``python -m bench.drift_trial [--series N] [--streams FOLDER]``: does the drift vote hold what it promises?

Simulated hourly series with known shifts: false alarms per series-month, share found, delay, for the vote and for
each detector alone, and beside them river's defaults on the raw values. Counts with a one-nine fall. Labelled
streams, where their folder is named. Prints a table; deterministic. Pasts with few values: ``bench.drift_sparse``.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from river.drift import ADWIN, PageHinkley
from scipy.signal import lfilter
from scipy.stats import ks_2samp

from sloengine.domain.drift.model import Change, Detector, HourlySeries, hour_of, start_of
from sloengine.domain.drift.watch import TWO_OF_THREE, Ballot, advance, begin
from sloengine.domain.reliability.panel import FloatArray
from sloengine.infrastructure.files.series_csv import read_series
from sloengine.infrastructure.learning.change_detectors import RiverChangeDetectors

MONTH = 720
FIRST_HOUR = 490_896  # a Thursday, 2026-01-01T00
BALLOTS = {
    "vote": TWO_OF_THREE,
    **{one.value.lower(): Ballot(detectors=(one,), needed=1) for one in Detector},
}
type Shift = Callable[[int], FloatArray]


@dataclass(frozen=True)
class Outcome:
    """Per series: hours from the shift to the first change found behind it; inf: none."""

    delays: FloatArray

    def within(self, hours: float) -> float:
        """Share found in so many hours."""
        return float((self.delays <= hours).mean())

    @property
    def median(self) -> float:
        """Hours."""
        return float(np.median(self.delays))


def noise(random: np.random.Generator, lag1: float, hours: int) -> FloatArray:
    """Autoregressive, standard normal."""
    drawn = random.standard_normal(hours + 300) * np.sqrt(1 - lag1**2)
    made: FloatArray = lfilter([1.0], [1.0, -lag1], drawn)[300:]
    return made


def rhythm(hours: int, size: float) -> FloatArray:
    """A daily wave and a weekend step, in standard deviations of the noise."""
    at = np.arange(FIRST_HOUR, FIRST_HOUR + hours)
    wave: FloatArray = size * (2 * np.sin(2 * np.pi * at / 24) + ((at // 24 + 3) % 7 >= 5))
    return wave


def step(hours: int) -> FloatArray:
    """At once."""
    return np.ones(hours)


def gradual(hours: int) -> FloatArray:
    """Over two weeks."""
    return np.minimum(1.0, np.arange(1, hours + 1) / (14 * 24))


def tried(series: Sequence[HourlySeries], shift_at: int, ballot: Ballot, judged: int) -> Outcome:
    """Watch each series to its end."""
    find = RiverChangeDetectors()
    delays = []
    for number, one in enumerate(series):
        watch = begin(one, one.ends, judged=judged)
        if watch is None:
            raise RuntimeError("a series is too short to be watched")
        _, changes = advance(watch, one, one.ends, find, offset=7 * number % 168, ballot=ballot)
        later = [change.detected_hour + 1 - shift_at for change in changes if change.detected_hour >= shift_at]
        delays.append(later[0] if later else np.inf)
    return Outcome(np.array(delays, dtype=np.float64))


def simulated(
    count: int, lag1: float, *, history: int, judged: int, size: float, shift: float, shape: Shift, seed: int
) -> list[HourlySeries]:
    """Series whose last ``judged`` hours may be shifted."""
    random = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        values = noise(random, lag1, history + judged) + rhythm(history + judged, size)
        values[history:] += shift * shape(judged)
        made.append(HourlySeries(FIRST_HOUR, values, None, 1e-6))
    return made


def defaults_on_raw(count: int, lag1: float, seed: int) -> float:
    """Share of months in which river's defaults and a KS test, on the raw series, raise a false alarm by vote."""
    random = np.random.default_rng(seed)
    alarmed = 0
    for _ in range(count):
        values = noise(random, lag1, 2 * MONTH)
        defaults: dict[str, Any] = {"hinkley": PageHinkley(), "adwin": ADWIN()}  # type: ignore[no-untyped-call]
        last: dict[str, int] = {}
        found = False
        for hour, value in enumerate(values.tolist()):
            for name, detector in defaults.items():
                detector.update(value)
                if detector.drift_detected:
                    last[name] = hour
            if hour < MONTH:
                continue
            if ks_2samp(values[hour - 23 : hour + 1], values[:MONTH], method="asymp").pvalue < 1e-3:
                last["ks"] = hour
            if sum(hour - at < 48 for at in last.values()) >= 2:
                found = True
                break
        alarmed += found
    return alarmed / count


def counts(
    random: np.random.Generator, requests: float, ratio: float, factor: float, history: int, judged: int
) -> HourlySeries:
    """Failures among requests; traffic with a daily wave, failures that scatter by a fifth more than chance."""
    at = np.arange(history + judged)
    total = random.poisson(requests * (1 + 0.7 * np.sin(2 * np.pi * at / 24))).astype(np.float64)
    scattered = ratio * random.gamma(25.0, 1 / 25.0, len(at)) * np.where(at >= history, factor, 1.0)
    bad = random.binomial(total.astype(int), np.minimum(1.0, scattered)).astype(np.float64)
    return HourlySeries(FIRST_HOUR, bad, total)


def main(arguments: list[str] | None = None) -> int:
    """Print all tables."""
    parser = argparse.ArgumentParser(prog="python -m bench.drift_trial", description=__doc__)
    parser.add_argument("--series", type=int, default=200, help="per case")
    named = os.environ.get("SLOENGINE_REAL_DATA")
    parser.add_argument("--streams", type=Path, default=Path(named) / "streams" if named else None)
    asked = parser.parse_args(arguments)
    began = time.process_time()
    _simulated_tables(asked.series)
    _size_table(max(10, asked.series // 5))
    _count_table(max(10, asked.series // 4))
    if asked.streams is not None:
        _stream_table(asked.streams)
    print(f"{time.process_time() - began:.0f} CPU s")
    return 0


def _simulated_tables(count: int) -> None:
    print(f"{count} series a case, 8 weeks of history unless said otherwise; shift of 2 standard deviations")
    print(
        f"{'case':34}{'detector':20}{'false/month':>12}{'in 48 h':>9}{'median h':>10}"
        f"{'gradual found':>15}{'median h':>10}"
    )
    cases = [(f"lag-1 {lag1}", lag1, 8 * 168, 1.0) for lag1 in (0.0, 0.3, 0.6, 0.9)]
    cases += [(f"lag-1 {lag1}, no rhythm, 2 weeks", lag1, 2 * 168, 0.0) for lag1 in (0.0, 0.6, 0.9)]
    cases += [(f"lag-1 {lag1}, 2 weeks", lag1, 2 * 168, 1.0) for lag1 in (0.0, 0.6, 0.9)]
    for name, lag1, history, size in cases:
        seed = int(100 * lag1) + history
        quiet = simulated(count, lag1, history=history, judged=MONTH, size=size, shift=0, shape=step, seed=seed)
        moved = simulated(count, lag1, history=history, judged=96, size=size, shift=2, shape=step, seed=seed + 1)
        slow = simulated(
            count // 2, lag1, history=history, judged=MONTH, size=size, shift=2, shape=gradual, seed=seed + 2
        )
        at = FIRST_HOUR + history
        for who, ballot in BALLOTS.items():
            false = tried(quiet, at, ballot, MONTH).within(MONTH)
            found = tried(moved, at, ballot, 96)
            creeping = tried(slow, at, ballot, MONTH)
            seen = creeping.within(MONTH)
            print(
                f"{name:34}{who:20}{false:12.1%}{found.within(48):9.0%}{found.median:10.0f}"
                f"{seen:15.0%}{creeping.median:10.0f}",
                flush=True,
            )
    few = max(10, count // 5)
    for lag1 in (0.0, 0.6, 0.9):
        share = defaults_on_raw(few, lag1, 5)
        print(f"{f'lag-1 {lag1}, no rhythm, raw':34}{'defaults, vote':20}{share:12.1%}", flush=True)


def _count_table(count: int) -> None:
    print(f"\nfailures among requests, {count} series a case: a fall by one nine")
    print(f"{'requests/h':>12}{'availability':>14}{'false/month':>12}{'in 2 h':>9}{'median h':>10}{'max h':>8}")
    history = 8 * 168
    for requests in (300.0, 3_000.0, 30_000.0, 300_000.0):
        for ratio in (1e-2, 1e-3, 1e-4):
            random = np.random.default_rng(int(requests))
            quiet = [counts(random, requests, ratio, 1.0, history, MONTH) for _ in range(count)]
            moved = [counts(random, requests, ratio, 10.0, history, 96) for _ in range(count)]
            at = FIRST_HOUR + history
            false = tried(quiet, at, TWO_OF_THREE, MONTH).within(MONTH)
            found = tried(moved, at, TWO_OF_THREE, 96)
            print(
                f"{requests:12,.0f}{100 * (1 - ratio):13.2f}%{false:12.1%}{found.within(2):9.0%}"
                f"{found.median:10.0f}{float(found.delays.max()):8.0f}",
                flush=True,
            )


def _size_table(count: int) -> None:
    judged, history, factors = 14 * 24, 8 * 168, (1.5, 2.0, 3.0, 5.0, 10.0)
    print(f"\nfailures get more by a factor for good, {count} series a case: seen in two weeks, median hours")
    print(f"{'failures/h before':>18}" + "".join(f"{f'x {factor:g}':>12}" for factor in factors))
    for expected in (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0):
        shown = ""
        for factor in factors:
            random = np.random.default_rng(int(expected * 10))
            moved = [counts(random, 1e3 * expected, 1e-3, factor, history, judged) for _ in range(count)]
            found = tried(moved, FIRST_HOUR + history, TWO_OF_THREE, judged)
            shown += f"{found.within(judged):7.0%}{found.median:5.0f}"
        print(f"{expected:18g}{shown}", flush=True)


def _stream_table(folder: Path) -> None:
    print("\nlabelled streams, hourly means")
    windows = json.loads((folder / "windows.json").read_text())
    for name, labelled in windows.items():
        series = read_series(folder / "data" / name)
        watch = begin(series, series.ends, judged=len(series.values))
        if watch is None:
            continue
        _, changes = advance(watch, series, series.ends, RiverChangeDetectors())
        spans = [tuple(_hour(text) for text in window) for window in labelled]
        judged = [span for span in spans if span[1] >= watch.reached]
        said = "; ".join(_said(change, judged) for change in changes) or "no change"
        judged_from = f"{start_of(watch.reached):%m-%d %H}h"
        print(f"{name:52} judged from {judged_from}, {len(judged)} labelled behind it: {said}")


def _hour(text: str) -> int:
    return hour_of(datetime.fromisoformat(text).replace(tzinfo=UTC))


def _said(change: Change, spans: Sequence[tuple[int, ...]]) -> str:
    hit = next((s for s in spans if s[0] <= change.detected_hour and change.started_hour <= s[1]), None)
    where = "not labelled" if hit is None else f"labelled, {change.detected_hour - hit[0]} h in"
    return f"{start_of(change.started_hour):%m-%d %H}h, seen {start_of(change.detected_hour):%m-%d %H}h ({where})"


if __name__ == "__main__":
    raise SystemExit(main())
