"""What a process prints that has not said how it logs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import sloengine

CODE = """
from sloengine.api.problems import log

class Endless:
    def __repr__(self):
        raise AssertionError("values are not to be printed")

def connect(password, graph):
    raise ConnectionError("refused")

log.warning("prometheus.retry", attempt=1)
try:
    connect("".join(["hunter", "2"]), Endless())
except ConnectionError as error:
    log.error("failed", exc_info=error)
"""


def test_it_is_plain_text_on_stderr_without_the_values_of_local_variables():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)

    assert done.stdout == ""  # what was asked for stands there, JSON for programs
    assert "attempt=1" in done.stderr
    assert "ConnectionError: refused" in done.stderr
    assert "hunter2" not in done.stderr
    assert "not to be printed" not in done.stderr


def test_every_module_takes_its_logger_from_one_place():
    root = Path(sloengine.__file__).parents[1]
    files = [*root.glob("sloengine/**/*.py"), *root.glob("workers/**/*.py")]

    asking = [file.name for file in files if "structlog.get_logger" in file.read_text()]

    assert len(files) > 100
    assert asking == ["logs.py"]
