"""Writing files: packed by name, numbers that read back as the same numbers."""

from __future__ import annotations

import gzip
import io
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO


@contextmanager
def open_for_writing(path: Path) -> Iterator[TextIO]:
    """Open a text file for writing, in UTF-8; packed when its name ends in ``.gz``, always with the same bytes."""
    if path.suffix != ".gz":
        with path.open("w", encoding="utf-8", newline="") as file:
            yield file
        return
    with (
        path.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as packed,
        io.TextIOWrapper(packed, encoding="utf-8", newline="") as file,
    ):
        yield file


def number_text(value: float) -> str:
    """The shortest text that reads back as the same number; empty for NaN.

    >>> number_text(3.0), number_text(0.1), number_text(float("nan")), number_text(float("inf"))
    ('3', '0.1', '', '+Inf')
    """
    if math.isnan(value):
        return ""
    if math.isinf(value):
        return "+Inf"
    return str(int(value)) if value == int(value) and abs(value) < 2**53 else repr(value)
