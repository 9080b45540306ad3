"""Where the public data sets lie, and what every converter does besides converting."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

ENVIRONMENT_VARIABLE = "SLOENGINE_REAL_DATA"
_DEFAULT = Path(__file__).resolve().parent.parent / "../shared/data"


class RealDataAbsent(Exception):
    """The data sets are not where they are looked for."""


def real_data(*parts: str) -> Path:
    """A file or folder of the data sets. Raises ``RealDataAbsent``."""
    root = Path(os.environ.get(ENVIRONMENT_VARIABLE) or _DEFAULT)
    path = root.joinpath(*parts)
    if not path.exists():
        raise RealDataAbsent(
            f"no {'/'.join(parts) or 'data sets'} in {root}; {ENVIRONMENT_VARIABLE} names the folder"
        )
    return path


def convert_from_command_line(
    tool: str, folder: str, credit: str, convert: Callable[[Path, Path], list[Path]]
) -> int:
    """Run a converter as ``python -m tools.<tool> OUT_DIR``; ``convert(source, out_dir)`` returns what it wrote.

    The credit goes to stdout and into ``CREDIT.txt`` beside the files, for it has to travel with them.
    Exit code 2: called wrongly, 3: the data set is absent.
    """
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.stderr.write(f"usage: python -m tools.{tool} OUT_DIR\n")
        return 2
    out_dir = Path(sys.argv[1])
    try:
        source = real_data(folder)
    except RealDataAbsent as error:
        sys.stderr.write(f"{error}\n")
        return 3
    out_dir.mkdir(parents=True, exist_ok=True)
    written = convert(source, out_dir)
    (out_dir / "CREDIT.txt").write_text(credit + "\n", encoding="utf-8")
    for path in written:
        sys.stdout.write(f"{path}\n")
    sys.stdout.write(credit + "\n")
    return 0
