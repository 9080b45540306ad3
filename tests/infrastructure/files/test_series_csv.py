from __future__ import annotations

import numpy as np
import pytest

from sloengine.domain.drift.watch import advance, begin
from sloengine.infrastructure.files.problems import FileProblem
from sloengine.infrastructure.files.series_csv import read_series
from sloengine.infrastructure.learning.change_detectors import RiverChangeDetectors


def test_values_become_hourly_means_in_any_order(tmp_path):
    path = tmp_path / "series.csv"
    path.write_text("timestamp,value\n1970-01-01T03:10:00Z,4\n1970-01-01 01:05,-1\n7199,3\n10800,\n")

    series = read_series(path)

    assert series.first_hour == 1
    np.testing.assert_array_equal(series.values, [1.0, np.nan, 4.0])


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("many", "value is not a number: 'many'$"),
        ("inf", "value is not a number: 'inf'$"),
        ("NaN", "value is not a number: 'NaN'; leave the cell empty where there is no data"),
        ("1e300", "value '1e300' is beyond ±1e\\+100"),
        ("-1e999", "value '-1e999' is beyond ±1e\\+100"),
    ],
)
def test_what_is_no_number_is_named_by_its_line(tmp_path, cell, said):
    path = tmp_path / "series.csv"
    path.write_text(f"timestamp,value\n0,1\n3600,{cell}\n")

    with pytest.raises(FileProblem, match=f"line 3: {said}"):
        read_series(path)


def test_streams_without_anomaly_raise_no_alarm(real_data):
    quiet = sorted((real_data / "streams" / "data" / "artificialNoAnomaly").glob("*.csv"))

    for path in quiet:
        series = read_series(path)
        watch = begin(series, series.ends, judged=len(series.values))
        assert watch is not None
        assert advance(watch, series, series.ends, RiverChangeDetectors())[1] == (), path.name
    assert len(quiet) == 3
