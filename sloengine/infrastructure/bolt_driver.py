"""Neo4j's driver, imported without pandas.

The driver imports pandas wherever it is installed (it comes with ``shap``), only to convert its types in query
parameters, which nothing here sends. That is over a second of every process's start. Whoever wants pandas later
gets it as ever.
"""

from __future__ import annotations

import sys


def _import_driver_without(name: str) -> None:
    hidden = name not in sys.modules
    if hidden:
        sys.modules[name] = None  # type: ignore[assignment]  # what makes an import raise ImportError
    try:
        import neo4j  # noqa: F401, PLC0415
    finally:
        if hidden:
            del sys.modules[name]


_import_driver_without("pandas")
