"""Files that only their owner may read, and directories that must be writable."""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path

from sloengine.infrastructure.embedded.errors import StateNotWritable


def replace_private_file(path: Path, text: str) -> None:
    """Write a file of mode 0600 in one step: readers see the old text or the new one, never half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mkstemp makes mode 0600
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def secret_in(path: Path) -> str:
    """The secret that the file holds; a new random one is made when there is no file."""
    try:
        secret = path.read_text().strip()
    except FileNotFoundError:
        secret = ""
    if not secret:
        secret = secrets.token_urlsafe(24)
        replace_private_file(path, secret + "\n")
    return secret


def make_writable_directory(path: Path) -> Path:
    """Make the directory (mode 0700 if it is new) and prove that it can be written; the absolute path."""
    path = path.expanduser().resolve()
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=path) as probe:
            probe.write(b"0" * 4096)
    except OSError as error:
        raise StateNotWritable(f"cannot write to {path}: {error.strerror or error}") from error
    return path
