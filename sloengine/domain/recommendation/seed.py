"""Digest of the inputs, and the seed of the random numbers.

The digest covers everything that can move a number. The seed covers only what is asked (service, SLI, window), so
that two runs on slightly different data use common random numbers: a target then moves because the data moved,
counterfactuals can be compared, and the same inputs always give the same answer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np

from sloengine.domain.recommendation.model import CompositeBound, SliType
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.reliability.window import ComplianceWindow


def seed_of(service_id: str, sli_type: SliType, window: ComplianceWindow) -> str:
    """Seed, 16 hexadecimal digits."""
    return hashlib.sha256(f"{service_id}\0{sli_type}\0{window}".encode()).hexdigest()[:16]


def generator(seed: str) -> np.random.Generator:
    """Random numbers of this seed."""
    return np.random.default_rng(int(seed, 16))


def inputs_digest(arrays: Iterable[np.ndarray], texts: Iterable[str]) -> str:
    """SHA-256 over arrays (with their shapes) and texts, in this order, hexadecimal."""
    sha = hashlib.sha256()
    for values in arrays:
        sha.update(str(values.shape).encode())
        sha.update(np.ascontiguousarray(values, dtype=np.float64).tobytes())
    for text in texts:
        sha.update(b"\0" + text.encode())
    return sha.hexdigest()


def settings_text(settings: EngineSettings) -> str:
    """The settings as one text, for the digest."""
    return settings.text


def bound_text(bound: CompositeBound | None) -> str:
    """The bound's numbers as one text, for the digest."""
    return "none" if bound is None else repr(bound)
