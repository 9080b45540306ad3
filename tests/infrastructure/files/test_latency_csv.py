"""Reading and writing latency histograms."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sloengine.domain.reliability.panel import LatencyHistory
from sloengine.infrastructure.files.latency_csv import read_latency, write_latency
from sloengine.infrastructure.files.problems import FileProblem

HEADER = "timestamp,service,le,count"
START = datetime(2026, 3, 1, tzinfo=UTC)


def written(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "latency.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def interval(hour: int, *counts: object, service: str = "a", bounds: tuple[str, ...] = ("0.1", "0.5", "+Inf")):
    at = (START + timedelta(hours=hour)).isoformat()
    return [f"{at},{service},{le},{count}" for le, count in zip(bounds, counts, strict=True)]


def test_cumulative_counts_per_hour_become_plain_counts_per_day(tmp_path):
    path = written(tmp_path, HEADER, *interval(0, 1, 3, 4), *interval(23, 10, 10, 10), *interval(49, 0, 0, 5))

    history = read_latency(path)["a"]

    assert history.start_at == START
    np.testing.assert_array_equal(history.bounds_seconds, [0.1, 0.5, np.inf])
    np.testing.assert_array_equal(history.counts, [[11, 2, 1], [np.nan] * 3, [0, 0, 5]])


def test_an_interval_with_an_empty_count_is_no_data(tmp_path):
    path = written(tmp_path, HEADER, *interval(0, 1, "", 4), *interval(1, 1, 1, 2), *interval(24, "", "", ""))

    history = read_latency(path)["a"]

    np.testing.assert_array_equal(history.counts, [[1, 0, 1], [np.nan] * 3])


def test_services_may_have_bounds_of_their_own_and_rows_come_in_any_order(tmp_path):
    lines = interval(0, 1, 3, 4) + interval(0, 7, 9, service="b", bounds=("2", "Inf"))

    histories = read_latency(written(tmp_path, HEADER, *reversed(lines)))

    assert list(histories) == ["a", "b"]
    np.testing.assert_array_equal(histories["b"].counts, [[7, 2]])
    np.testing.assert_array_equal(histories["a"].counts, [[1, 2, 1]])


@pytest.mark.parametrize(
    ("lines", "line", "part"),
    [
        (interval(0, 5, 3, 9), 3, "count 3 at le 0.5 is below 5 at le 0.1"),
        (interval(0, 1, 2, bounds=("0.1", "0.5")), 2, "no rows for le +Inf"),
        (interval(0, 1, 2, 3) + interval(1, 1, 3, bounds=("0.1", "+Inf")), 5, "has no row for le 0.5"),
        (interval(0, 1, 2, 2, bounds=("0.1", "0.1", "+Inf")), 3, "was on line 2 already"),
        (interval(0, 1, 2, 3, bounds=("fast", "0.5", "+Inf")), 2, "le is not a bound"),
        (interval(0, 1, 2, 3, bounds=("-1", "0.5", "+Inf")), 2, "le is not a bound"),
        (interval(0, 1, "nan", 3), 3, "count is NaN"),
        (interval(0, 1, -2, 3), 3, "count is negative"),
        ([], 2, "no rows"),
    ],
)
def test_what_cannot_be_a_histogram_is_refused_with_its_line(tmp_path, lines, line, part):
    with pytest.raises(FileProblem) as caught:
        read_latency(written(tmp_path, HEADER, *lines))

    assert caught.value.problems[0].line == line
    assert part in caught.value.problems[0].message


@pytest.mark.parametrize("columns", ["p50,p95,p99", "latency_p95_s", "p99_ms,p99.9_ms"])
def test_percentiles_alone_are_marked_as_such(tmp_path, columns):
    cells = ",".join(["0.2"] * len(columns.split(",")))
    path = written(
        tmp_path, f"timestamp,service,{columns}", f"2026-03-01T00:00Z,a,{cells}", f"2026-03-03T00:01Z,a,{cells}"
    )

    history = read_latency(path)["a"]

    assert history.percentiles_only
    assert history.start_at == START
    assert history.counts.shape == (3, 1)
    assert np.isnan(history.counts).all()


def test_a_bad_percentile_is_reported_with_its_line(tmp_path):
    with pytest.raises(FileProblem, match="line 2: p95 is not a number"):
        read_latency(written(tmp_path, "timestamp,service,p95", "2026-03-01,a,quick"))


@given(
    counts=hnp.arrays(np.int64, st.tuples(st.integers(1, 5), st.just(4)), elements=st.integers(0, 10**9)),
    absent=st.sets(st.integers(1, 3)),
)
def test_what_is_written_reads_back_the_same(tmp_path_factory, counts, absent):
    path = tmp_path_factory.mktemp("trip") / "latency.csv.gz"
    table = counts.astype(np.float64)
    table[[day for day in absent if day < len(table)]] = np.nan
    history = LatencyHistory("a", START, np.array([0.005, 0.1, 2.5, np.inf]), table)

    write_latency(path, [history])
    back = read_latency(path)["a"]

    assert back.start_at == START
    np.testing.assert_array_equal(back.bounds_seconds, history.bounds_seconds)
    np.testing.assert_array_equal(back.counts, history.counts)


def test_percentiles_cannot_be_written_as_counts(tmp_path):
    history = LatencyHistory("a", START, np.array([np.inf]), np.full((1, 1), np.nan), percentiles_only=True)

    with pytest.raises(ValueError, match="percentiles only"):
        write_latency(tmp_path / "x.csv", [history])
