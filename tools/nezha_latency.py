"""Latency of Online Boutique's calls, minute by minute, from the Nezha data set."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import numpy as np
import numpy.typing as npt

_MINUTE = 60


def edge_medians(source: Path, reporter: str) -> dict[tuple[str, str], npt.NDArray[np.float64]]:
    """Median latency of each (caller, dependency) in seconds, shape (n_minutes,), NaN where none was reported.

    ``reporter``: ``source`` (what the caller waited) or ``destination`` (what the dependency took).
    """
    with gzip.open(source / f"online-boutique_2022-08-22_edge_{reporter}_50.csv.gz", "rt") as file:
        rows = list(csv.DictReader(file))
    minutes = [int(row["timestamp"]) // _MINUTE for row in rows]
    pairs = {name: tuple(name.split("_")) for name in rows[0] if "_" in name}
    found = {pair: np.full(max(minutes) - min(minutes) + 1, np.nan) for pair in pairs.values()}
    for minute, row in zip(minutes, rows, strict=True):
        for name, pair in pairs.items():
            if row[name]:
                found[pair][minute - min(minutes)] = float(row[name])
    return {(pair[0], pair[1]): seconds for pair, seconds in found.items()}
