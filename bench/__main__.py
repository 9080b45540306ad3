"""``python -m bench [NAMES…] [--quick] [--json FILE]``: measure, beside a baseline of the same run, and judge.

Each section starts servers of its own on 127.0.0.1 in a temporary directory and ends them. Exit 0: every goal is
met; 1: one is missed or a section failed.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
import traceback
from datetime import UTC, datetime
from pathlib import Path

import orjson

from bench.rows import Report, header, machine

SECTIONS = {
    "ingest": "bench.ingest",
    "subgraph": "bench.subgraph",
    "regenerate": "bench.regenerate",
    "aggregate": "bench.aggregate",
    "cached": "bench.api_cached_read",
    "accept": "bench.accept",
    "all-services": "bench.all_services",
    "drift": "bench.drift_pass",
    "growth": "bench.growth",
    "impact": "bench.impact",
}


def main(arguments: list[str] | None = None) -> int:
    """Run what is named, all by default."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of {', '.join(SECTIONS)}; all by default")
    parser.add_argument("--quick", action="store_true", help="small sizes: does it run? Its figures mean little")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there as well")
    asked = parser.parse_args(arguments)
    unknown = [name for name in asked.names if name not in SECTIONS]
    if unknown:
        parser.error(f"no section {', '.join(unknown)}: there are {', '.join(SECTIONS)}")
    report = Report(say=lambda text: print(text, flush=True))
    began, at = time.monotonic(), datetime.now(UTC)
    print(f"{at:%Y-%m-%d %H:%M} UTC; {machine()}{'; --quick' if asked.quick else ''}\n{header()}", flush=True)
    for name in asked.names or SECTIONS:
        try:
            importlib.import_module(SECTIONS[name]).run(report, quick=asked.quick)
        except Exception as error:  # the other sections still have something to say
            traceback.print_exc()
            report.failures.append(f"{name}: {type(error).__name__}: {error}")
    verdicts = [row for row in report.rows if row.goal is not None]
    print(f"{len(verdicts) - len(report.missed)} of {len(verdicts)} goals met; {time.monotonic() - began:.0f} s")
    for failure in report.failures:
        print(f"FAILED {failure}", file=sys.stderr)
    if asked.json is not None:
        rows = [row.as_json() for row in report.rows]
        told = {"at": at.isoformat(), "machine": machine(), "quick": asked.quick, "rows": rows}
        asked.json.write_bytes(orjson.dumps({**told, "failures": report.failures}, option=orjson.OPT_INDENT_2))
    return 1 if report.missed or report.failures else 0


if __name__ == "__main__":
    sys.exit(main())
