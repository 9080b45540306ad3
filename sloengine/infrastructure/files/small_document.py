"""Small files that people write by hand: a list in JSON or YAML."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sloengine.infrastructure.files.documents import load_json, load_yaml, text_of
from sloengine.infrastructure.files.problems import Complaints


def read_list(path: Path, key: str) -> list[Any]:
    """The list in a JSON or YAML file, alone or under ``key``. Raises ``FileProblem``, ``TooLarge``."""
    complaints = Complaints(path)
    text = text_of(path, complaints)
    is_json = path.name.lower().removesuffix(".gz").endswith(".json")
    loaded = load_json(text, complaints) if is_json else load_yaml(text, complaints)
    if isinstance(loaded, dict) and set(loaded) == {key}:
        loaded = loaded[key]
    if not isinstance(loaded, list):
        raise complaints.fail(1, f"expected a list, alone or under {key!r}")
    return loaded
