"""Cypher by name: ``read/service_by_id`` is the file ``cypher/read/service_by_id.cypher``."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_PACKAGED = Path(__file__).parents[2] / "_cypher"
_CHECKOUT = Path(__file__).parents[3] / "cypher"


def cypher_directory() -> Path:
    """Folder of the Cypher files: inside the installed package, or the checkout's ``cypher/``.

    Raises: FileNotFoundError, when neither is there.
    """
    for folder in (_PACKAGED, _CHECKOUT):
        if (folder / "migrations").is_dir():
            return folder
    raise FileNotFoundError(f"no Cypher files in {_PACKAGED} or {_CHECKOUT}: the installation is incomplete")


@cache
def query(name: str) -> str:
    """Text of the query of this name (``read/…`` or ``write/…``), comments included."""
    return (cypher_directory() / f"{name}.cypher").read_text(encoding="utf-8")
