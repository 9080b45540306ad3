"""Random numbers that depend on names only, so that any stretch of time can be played by itself."""

from __future__ import annotations

import hashlib

import numpy as np


def stream(seed: int, *names: str | int) -> np.random.Generator:
    """The random numbers of one thing, such as ``stream(7, "incidents", "checkout", 2951)``.

    Counter-based (Philox), keyed by a hash of the names: no stream depends on what was drawn from another.
    """
    text = "\x1f".join(str(name) for name in (seed, *names))
    key = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest(), "little")
    return np.random.Generator(np.random.Philox(key=key))
