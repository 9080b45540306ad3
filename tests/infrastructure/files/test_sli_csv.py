"""Reading and writing good and valid events."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sloengine.domain.errors import ErrorCode
from sloengine.domain.reliability.panel import SliPanel
from sloengine.infrastructure.files.problems import FileProblem
from sloengine.infrastructure.files.sli_csv import read_sli, write_sli

START = datetime(2026, 3, 1, tzinfo=UTC)
HEADER = "timestamp,service,good,total"


def written(tmp_path: Path, *lines: str, end: str = "\n") -> Path:
    path = tmp_path / "sli.csv"
    path.write_bytes((end.join(lines) + end).encode())
    return path


def problems_of(path: Path) -> list[tuple[int | None, str]]:
    with pytest.raises(FileProblem) as caught:
        read_sli(path)
    assert caught.value.code is ErrorCode.INVALID
    return [(problem.line, problem.message) for problem in caught.value.problems]


def rows(*hours: int, service: str = "a", step_hours: int = 1) -> list[str]:
    return [f"{(START + timedelta(hours=h * step_hours)).isoformat()},{service},9,10" for h in hours]


def test_rows_in_any_order_land_in_their_interval_and_absent_ones_are_no_data(tmp_path):
    path = written(tmp_path, HEADER, *rows(5, 0, 1), *rows(1, 2, service="b"))

    panel = read_sli(path)

    assert panel.service_ids == ("a", "b")
    assert (panel.start_at, panel.step) == (START, timedelta(hours=1))
    nan = np.nan
    np.testing.assert_array_equal(panel.total, [[10, 10, nan, nan, nan, 10], [nan, 10, 10, nan, nan, nan]])
    np.testing.assert_array_equal(panel.good, panel.total - 1)


@pytest.mark.parametrize("minutes", [1, 5, 15, 60, 360, 1440])
def test_any_step_from_a_minute_to_a_day_is_told_from_the_timestamps(tmp_path, minutes):
    lines = [f"{(START + timedelta(minutes=minutes * i)).timestamp():.0f},a,1,2" for i in (0, 1, 2, 3, 7, 20)]

    panel = read_sli(written(tmp_path, HEADER, *lines))

    assert panel.step == timedelta(minutes=minutes)
    assert panel.total.shape == (1, 21)


def test_times_may_be_iso_with_zone_naive_or_unix_seconds(tmp_path):
    path = written(
        tmp_path, HEADER, "2026-03-01T02:00:00+02:00,a,1,1", "2026-03-01 01:00,a,1,1", "1772330400,a,1,1"
    )

    assert (read_sli(path).start_at, read_sli(path).total.shape) == (START, (1, 3))


def test_empty_cells_are_no_data_and_zero_traffic_stays_zero(tmp_path):
    at = [row.split(",")[0] for row in rows(0, 1, 2, 3)]
    path = written(tmp_path, HEADER, f"{at[0]},a,,", f"{at[1]},a,,5", f"{at[2]},a,0,0", f"{at[3]},a,4.5,4.5")

    panel = read_sli(path)

    np.testing.assert_array_equal(panel.total, [[np.nan, np.nan, 0, 4.5]])
    np.testing.assert_array_equal(panel.good, [[np.nan, np.nan, 0, 4.5]])


def test_byte_order_mark_windows_line_ends_blank_lines_column_order_and_gzip_do_not_matter(tmp_path):
    text = "\ufeffTotal,Good,extra,SERVICE,Timestamp\r\n\r\n" + "".join(
        f'{10 + i},{i},x,"a, b",{at.split(",")[0]}\r\n' for i, at in enumerate(rows(0, 1, 2))
    )
    path = tmp_path / "sli.csv.gz"
    path.write_bytes(gzip.compress(text.encode()))

    panel = read_sli(path)

    assert panel.service_ids == ("a, b",)
    np.testing.assert_array_equal(panel.good, [[0, 1, 2]])
    np.testing.assert_array_equal(panel.total, [[10, 11, 12]])


def test_every_bad_value_is_reported_with_its_line(tmp_path):
    at = "2026-03-01T00:00:00Z"
    path = written(
        tmp_path,
        HEADER,
        f"{at},a,1,1",
        f"{at},b,x,1",
        "yesterday,a,1,1",
        f"{at},c,3,2",
        f"{at},d,-1,2",
        f"{at},e,NaN,2",
        f"{at},f,1,inf",
        f"{at},,1,2",
        f"{at},{'x' * 254},1,2",
        f"{at},a\tb,1,2",
        f"{at},g,1",
        "1772323200000,a,1,1",
        "20260301,a,1,1",
    )

    found = problems_of(path)

    assert [line for line, _ in found] == list(range(3, 15))
    messages = " | ".join(message for _, message in found)
    for part in (
        "good is not a number: 'x'",
        "not a time: 'yesterday'",
        "good 3 > total 2",
        "good is negative: -1",
        "good is NaN; leave the cell empty",
        "total is not finite",
        "service: must have 1 to 253 characters, has 0",
        "has 254",
        "control character",
        "3 cells where the header has 4",
        "milliseconds",
        "2026-01-31",
    ):
        assert part in messages


def test_many_problems_are_counted_and_the_first_twenty_shown(tmp_path):
    path = written(tmp_path, HEADER, *(f"2026-03-01T00:00:00Z,s{i},2,1" for i in range(100)))

    with pytest.raises(FileProblem) as caught:
        read_sli(path)

    assert caught.value.problem_count == 100
    assert [problem.line for problem in caught.value.problems] == list(range(2, 22))
    assert "and 80 more" in str(caught.value)


def test_lines_are_right_behind_a_cell_that_spans_lines(tmp_path):
    path = written(tmp_path, "note," + HEADER, '"two\nlines",2026-03-01,a,1,1', "x,2026-03-02,a,1,oops")

    assert problems_of(path)[0][0] == 4


@pytest.mark.parametrize(
    ("lines", "line", "part"),
    [
        ([], 1, "the file is empty"),
        (["2026-03-01,a,1,1", "2026-03-02,a,1,1"], 1, "no header"),
        (["timestamp,service,good"], 1, "column total is missing"),
        (["timestamp;service;good;total"], 1, "separated by commas"),
        (["timestamp,service,good,total,good"], 1, "names a column twice: good"),
        ([HEADER], 2, "no rows"),
        ([HEADER, "2026-03-01,a,1,1"], None, "cannot be told"),
        ([HEADER, *rows(0, 1, 1, 2)], 4, "was on line 3 already"),
        ([HEADER, *rows(0, 1, 2, 3), "2026-03-01T04:07:00Z,a,1,1", *rows(5, 6)], 6, "off the grid"),
        ([HEADER, *rows(2, 26, 50, 74)], 2, "2 h after the UTC multiples"),
        ([HEADER, "0,a,1,1", "420,a,1,1", "840,a,1,1"], 2, "divide the hour or the day"),
        ([HEADER, "0,a,1,1", "604800,a,1,1"], 2, "7 d apart"),
        ([HEADER, "0,a,1,1", "10,a,1,1", "20,a,1,1"], 2, "10 s apart"),
        ([HEADER, *rows(*range(48)), *rows(0, 1, service="b", step_hours=24)], None, ""),
    ],
)
def test_a_file_that_does_not_fit_is_refused_with_the_place(tmp_path, lines, line, part):
    if line is None and not part:
        assert read_sli(written(tmp_path, *lines)).total.shape == (2, 48)  # two rows a day apart prove nothing
        return

    found = problems_of(written(tmp_path, *lines))

    assert found[0][0] == line
    assert part in found[0][1]


@pytest.mark.parametrize(
    "lines",
    [
        [*rows(*range(96)), *rows(0, 1, 2, 3, service="b", step_hours=24)],
        [*rows(*range(96)), *rows(*range(5, 30), step_hours=24)],
    ],
    ids=["one service daily, another hourly", "one service hourly, then daily"],
)
def test_mixed_steps_are_refused_with_the_place(tmp_path, lines):
    found = problems_of(written(tmp_path, HEADER, *lines))

    assert found[0][0] in (97, 98)
    assert "mixed steps: rows are 1 d apart from here on, the file's step is 1 h" in found[0][1]


def test_sparse_rows_of_a_quiet_service_are_not_taken_for_another_step(tmp_path):
    rng = np.random.default_rng(3)
    sparse = np.flatnonzero(rng.random(2000) < 0.2).tolist()

    panel = read_sli(written(tmp_path, HEADER, *rows(*range(2000)), *rows(*sparse, service="b")))

    assert panel.step == timedelta(hours=1)
    assert np.isfinite(panel.total[1]).sum() == len(sparse)


def test_other_encodings_and_damaged_files_are_named(tmp_path):
    utf16, latin, cut = tmp_path / "16.csv", tmp_path / "l.csv", tmp_path / "cut.csv.gz"
    utf16.write_bytes((HEADER + "\n").encode("utf-16"))
    latin.write_bytes(HEADER.encode() + b"\n2026-03-01,caf\xe9,1,1\n")
    cut.write_bytes(gzip.compress((HEADER + "\n" + "\n".join(rows(*range(500)))).encode())[:-200])

    assert "UTF-16" in problems_of(utf16)[0][1]
    assert "not UTF-8" in problems_of(latin)[0][1]
    assert "damaged or cut off" in problems_of(cut)[0][1]
    assert problems_of(tmp_path / "absent.csv") == [(None, "no such file")]


@st.composite
def panels(draw: st.DrawFn) -> SliPanel:
    ids = draw(st.lists(st.text("abc-xyz,\"'é _0", min_size=1, max_size=6), min_size=1, max_size=4))
    service_ids = tuple(sorted({name.strip() for name in ids if name.strip()}))
    if not service_ids:
        service_ids = ("a",)
    intervals = draw(st.integers(2, 8))
    shape = (len(service_ids), intervals)
    total = draw(hnp.arrays(np.float64, shape, elements=st.floats(0, 1e9)))
    share = draw(hnp.arrays(np.float64, shape, elements=st.floats(0, 1)))
    absent = draw(hnp.arrays(np.bool_, shape))
    total = np.where(absent, np.nan, total)
    step = timedelta(minutes=draw(st.sampled_from([1, 5, 60, 1440])))
    return SliPanel(service_ids, START, step, np.minimum(total * share, total), total)


@given(panel=panels(), packed=st.booleans())
def test_what_is_written_reads_back_the_same(tmp_path_factory, panel, packed):
    path = tmp_path_factory.mktemp("trip") / ("sli.csv.gz" if packed else "sli.csv")

    write_sli(path, panel)
    back = read_sli(path)

    assert (back.service_ids, back.start_at, back.step) == (panel.service_ids, panel.start_at, panel.step)
    np.testing.assert_array_equal(back.total, panel.total)
    np.testing.assert_array_equal(back.good, panel.good)
