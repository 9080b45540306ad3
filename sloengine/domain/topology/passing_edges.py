"""In which of many requests each uncertain call passes failure on: all sets of few, stratified draws of many.

A stream of random numbers for each edge, so that two graphs which share an edge share its draws.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
import numpy.typing as npt

from sloengine.domain.topology.system import Call

type FloatArray = npt.NDArray[np.float64]

#: Draws of the set of passing edges where there are too many to enumerate.
DRAWS = 1024
#: Up to this many uncertain edges all 2^n sets are looked at.
ENUMERATED_EDGES = 10
_PERMUTATIONS = 2048


def masks_of(uncertain: Sequence[Call], seed: int, draws: int) -> tuple[Mapping[int, int], FloatArray]:
    """For each uncertain call (by ``id``) the set of scenarios in which it passes, as bits; and their weights."""
    if len(uncertain) <= ENUMERATED_EDGES:
        size = 1 << len(uncertain)
        numbers = np.arange(size)
        weights = np.ones(size)
        masks: dict[int, int] = {}
        for position, call in enumerate(uncertain):
            passes = (numbers >> position) & 1 == 1
            weights *= np.where(passes, call.probability, 1.0 - call.probability)
            masks[id(call)] = _packed(passes[None, :])[0]
        return masks, weights
    passing = drawn_passes(
        np.array([call.key for call in uncertain], np.uint64),
        np.array([call.probability for call in uncertain]),
        seed,
        draws,
    )
    packed = _packed(passing)
    return {id(call): bits for call, bits in zip(uncertain, packed, strict=True)}, np.full(draws, 1.0 / draws)


def drawn_passes(
    keys: npt.NDArray[np.uint64], probabilities: FloatArray, seed: int, draws: int
) -> npt.NDArray[np.bool_]:
    """In which draws each edge passes failure on, shape (n_edges, draws); an edge draws by its key alone.

    ``draws``: a power of two.
    """
    random = np.random.default_rng(seed)
    salt = int(random.integers(1 << 32))
    mixed = _mixed(keys ^ np.uint64(salt))
    ranks = (
        _permutations(draws)[mixed % _PERMUTATIONS] + ((mixed >> np.uint64(16)) % draws)[:, None].astype(np.uint16)
    ) & np.uint16(draws - 1)
    jitter = ((mixed >> np.uint64(40)) & np.uint64(0xFFFF)).astype(np.float64) / 65536.0
    passing = np.ceil(probabilities * draws - jitter).astype(np.int64)
    return np.asarray(ranks < passing[:, None])


@cache
def _permutations(draws: int) -> npt.NDArray[np.uint16]:
    """A pool of permutations of the strata; the same ones in every process."""
    base = np.tile(np.arange(draws, dtype=np.uint16), (_PERMUTATIONS, 1))
    return np.random.default_rng(20_240_229).permuted(base, axis=1)


def _mixed(keys: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """splitmix64's finaliser: neighbouring keys give unrelated numbers."""
    with np.errstate(over="ignore"):
        mixed = (keys + np.uint64(0x9E3779B97F4A7C15)) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return mixed ^ (mixed >> np.uint64(31))


def _packed(rows: npt.NDArray[np.bool_]) -> list[int]:
    """Each row of flags as one integer, scenario i at bit i."""
    return [int.from_bytes(row.tobytes(), "little") for row in np.packbits(rows, axis=1, bitorder="little")]


def unpacked(values: Sequence[int], size: int) -> FloatArray:
    """The inverse: shape (len(values), size), 1.0 where the bit is set."""
    width = (size + 7) // 8
    raw = np.frombuffer(b"".join(value.to_bytes(width, "little") for value in values), np.uint8)
    bits = np.unpackbits(raw.reshape(len(values), width), axis=1, count=size, bitorder="little")
    return bits.astype(np.float64)
