"""Where downloads are kept between runs and between state directories."""

from __future__ import annotations

import os
from pathlib import Path


def cache_directory() -> Path:
    """``SLOENGINE_CACHE_DIR``, else ``sloengine`` under the user's XDG cache directory."""
    named = os.environ.get("SLOENGINE_CACHE_DIR")
    if named:
        return Path(named).expanduser().absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").expanduser().absolute() / "sloengine"
