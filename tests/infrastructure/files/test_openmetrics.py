"""Counters as OpenMetrics text: what a scrape every so often would have seen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sloengine.infrastructure.files.openmetrics import CHUNK_SECONDS, Family, Metric, OpenMetricsFolder, sample

START = 1_790_812_800  # 2026-10-01T00:00:00Z
HOUR = 3600


def metric(increments: list[float], *, seen=None, broken=None, restarts=None) -> Metric:
    flags = [
        np.array(given or [default] * len(increments))
        for given, default in ((seen, True), (broken, False), (restarts, False))
    ]
    return Metric(("calls_total",), np.array([increments], dtype=float), *flags)


def written(folder: Path, *stretches: Metric, parts: int = 1) -> dict[int, str]:
    target = OpenMetricsFolder(folder, HOUR, parts)
    first = START
    for number, one in enumerate(stretches):
        slots = one.increments.shape[1]
        target.write(first, slots, [Family("calls", "counter", [one])], last=number == len(stretches) - 1)
        first += slots * HOUR
    samples = {}
    for path in target.files:
        lines = path.read_text().splitlines()
        assert lines[0] == "# TYPE calls counter"
        assert lines[-1] == "# EOF"
        for line in lines[1:-1]:
            name, value, at = line.split(" ")
            assert name == "calls_total"
            assert int(at) not in samples, "a time stands in two files"
            samples[int(at)] = value
    return {(at - START): value for at, value in samples.items()}


def test_a_counter_starts_at_zero_and_grows_evenly_within_a_slot(tmp_path):
    samples = written(tmp_path, metric([10, 5]), parts=2)

    assert samples == {0: "0", 1800: "5", 3600: "10", 5400: "12.5", 7200: "15"}


def test_a_file_holds_six_hours_and_the_next_stretch_goes_on_where_the_last_one_stopped(tmp_path):
    samples = written(tmp_path, metric([1] * 12), metric([2] * 6))

    assert [path.name for path in sorted(tmp_path.iterdir())] == [
        "2026-10-01T0000.om", "2026-10-01T0600.om", "2026-10-01T1200.om"
    ]  # fmt: skip
    assert CHUNK_SECONDS == 6 * HOUR
    assert samples == {hour * HOUR: str(hour if hour <= 12 else 12 + 2 * (hour - 12)) for hour in range(19)}


def test_what_was_not_scraped_leaves_no_samples_but_was_counted(tmp_path):
    samples = written(tmp_path, metric([1, 1, 1, 1, 1, 1], seen=[True, True, False, False, True, True]), parts=2)

    assert [at / HOUR for at in samples] == [0, 0.5, 1, 1.5, 2, 4, 4.5, 5, 5.5, 6]
    assert samples[4 * HOUR] == "4"


def test_a_restart_begins_at_zero_right_after_the_slot_began(tmp_path):
    samples = written(tmp_path, metric([4, 6, 8], restarts=[False, True, False]), parts=2)

    assert list(samples.values()) == ["0", "2", "4", "3", "6", "10", "14"]


def test_a_broken_exporter_says_nan_on_both_ends_of_the_stretch(tmp_path):
    samples = written(tmp_path, metric([2, 2, 2], broken=[False, True, False]), parts=2)

    assert list(samples.values()) == ["0", "1", "NaN", "NaN", "NaN", "5", "6"]


def test_labels_are_escaped():
    assert (
        sample("calls_total", client='a"b\\c', server="d\ne") == 'calls_total{client="a\\"b\\\\c",server="d\\ne"}'
    )


def test_a_stretch_must_start_with_a_chunk(tmp_path):
    with pytest.raises(ValueError, match="starts with a chunk"):
        OpenMetricsFolder(tmp_path, HOUR, 1).write(START + HOUR, 1, [], last=True)
