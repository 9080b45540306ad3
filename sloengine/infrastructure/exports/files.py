"""Files as an export hands them out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import yaml


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """A relative path and its text."""

    path: str
    content: str


_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./-]*(?: [A-Za-z0-9_./-]+)*")
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})


def yaml_documents(documents: Sequence[Any]) -> str:
    """YAML, one document each, keys in the order they are given; read back by any loader as it was.

    Readers of YAML 1.1 and 1.2 disagree on which words are numbers or truth values (``1e3``, ``yes``): text that
    is not plainly text is quoted. Every document begins with its marker, so that files can be put behind each
    other.
    """
    return yaml.dump_all(
        documents,
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        explicit_start=True,
        width=1_000_000,
    )


class _Dumper(yaml.SafeDumper):
    """Quotes text where in doubt."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    is_plain = _PLAIN.fullmatch(text) and text.lower() not in _WORDS
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if is_plain else '"')


_Dumper.add_representer(str, _text)
