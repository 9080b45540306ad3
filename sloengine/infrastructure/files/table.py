"""A CSV file with a header, in chunks of columns: fast, and every cell knows its line."""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from sloengine.infrastructure.files.problems import Complaints

_CHUNK_ROWS = 50_000
_GZIP_MAGIC = b"\x1f\x8b"
_UTF16_MAGIC = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some rows as columns. ``lines``: shape (n_rows,), the line each row ends on, the header is line 1."""

    columns: Mapping[str, Sequence[str]]
    lines: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Table:
    """A file whose header has been read; ``names`` in the header's order, lower case."""

    names: tuple[str, ...]
    chunks: Iterator[Chunk]


@contextmanager
def open_table(path: Path, complaints: Complaints, aliases: Mapping[str, str] | None = None) -> Iterator[Table]:
    """Open a CSV file: UTF-8 with or without BOM, any line end, plain or gzip.

    Names are compared in lower case; ``aliases`` maps other spellings to the one used. Rows of the wrong length
    are reported. Raises ``FileProblem`` when the file cannot be read at all.
    """
    with _open_binary(path, complaints) as raw:
        text = io.TextIOWrapper(raw, encoding="utf-8-sig", newline="")
        reader = csv.reader(text, strict=True)
        try:
            header = next((row for row in reader if any(cell.strip() for cell in row)), None)
        except (UnicodeDecodeError, csv.Error, OSError, EOFError, zlib.error) as error:
            raise _unreadable(complaints, error, reader.line_num) from error
        if header is None:
            raise complaints.fail(1, "the file is empty; a header and rows are expected")
        names = tuple((aliases or {}).get(name, name) for name in (cell.strip().lower() for cell in header))
        yield Table(names, _chunks(reader, names, complaints))


def require_columns(table: Table, required: Sequence[str], complaints: Complaints) -> None:
    """Raise ``FileProblem`` unless all these columns are there."""
    missing = [name for name in required if name not in table.names]
    if not missing:
        doubled = sorted({name for name in table.names if name and table.names.count(name) > 1})
        if doubled:
            raise complaints.fail(1, f"the header names a column twice: {', '.join(doubled)}")
        return
    found = ",".join(table.names)
    expected = ",".join(required)
    if len(table.names) == 1 and re.search(r"[;\t|]", found):
        raise complaints.fail(1, f"cells must be separated by commas; found {found!r}")
    if not set(required) & set(table.names):
        raise complaints.fail(1, f"no header; the first line must be {expected!r}, found {found!r}")
    raise complaints.fail(1, f"column {', '.join(missing)} is missing; expected {expected!r}, found {found!r}")


def _chunks(reader: Iterator[list[str]], names: Sequence[str], complaints: Complaints) -> Iterator[Chunk]:
    width = len(names)
    while True:
        before: int = reader.line_num  # type: ignore[attr-defined]
        try:
            rows = list(islice(reader, _CHUNK_ROWS))
        except (UnicodeDecodeError, csv.Error, OSError, EOFError, zlib.error) as error:
            raise _unreadable(complaints, error, reader.line_num) from error  # type: ignore[attr-defined]
        if not rows:
            return
        lines = _line_of_each(rows, before, reader.line_num)  # type: ignore[attr-defined]
        if set(map(len, rows)) != {width}:
            rows, lines = _without_ragged(rows, lines, width, complaints)
            if not rows:
                continue
        columns = zip(*rows, strict=True)
        yield Chunk(dict(zip(names, columns, strict=True)), lines)


def _line_of_each(rows: Sequence[Sequence[str]], before: int, after: int) -> npt.NDArray[np.int64]:
    if after - before == len(rows):
        return np.arange(before + 1, after + 1, dtype=np.int64)
    # Quoted cells may hold line ends: then a row is longer than a line.
    spans = [1 + sum(len(cell.splitlines()) - 1 for cell in row if "\n" in cell or "\r" in cell) for row in rows]
    return before + np.cumsum(np.array(spans, dtype=np.int64))


def _without_ragged(
    rows: list[list[str]], lines: npt.NDArray[np.int64], width: int, complaints: Complaints
) -> tuple[list[list[str]], npt.NDArray[np.int64]]:
    kept = []
    for position, row in enumerate(rows):
        if len(row) == width:
            kept.append(position)
        elif any(cell.strip() for cell in row):
            complaints.add(int(lines[position]), f"{len(row)} cells where the header has {width}")
    return [rows[position] for position in kept], lines[kept]


@contextmanager
def _open_binary(path: Path, complaints: Complaints) -> Iterator[IO[bytes]]:
    try:
        file = path.open("rb")
    except FileNotFoundError as error:
        raise complaints.fail(None, "no such file") from error
    except OSError as error:
        raise complaints.fail(None, f"cannot be read: {error.strerror}") from error
    with file:
        magic = file.read(2)
        file.seek(0)
        if magic in _UTF16_MAGIC:
            raise complaints.fail(1, "the file is UTF-16; save it as UTF-8")
        if magic == _GZIP_MAGIC:
            with gzip.open(file) as unpacked:
                yield unpacked  # type: ignore[misc]
        else:
            yield file


def _unreadable(complaints: Complaints, error: Exception, line: int) -> Exception:
    if isinstance(error, UnicodeDecodeError):
        return complaints.fail(line + 1, "not UTF-8 text")
    if isinstance(error, csv.Error):
        return complaints.fail(line, f"not CSV: {error}")
    return complaints.fail(line or None, f"damaged or cut off: {error}")
