"""Watches as stored bytes and back, exactly. Shared by adapters that keep them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import orjson

from sloengine.domain.drift.baseline import Baseline
from sloengine.domain.drift.model import Detector
from sloengine.domain.drift.watch import SCORE_STEPS, Watch
from sloengine.domain.reliability.panel import FloatArray

FORMAT = 1
"""Moves when a stored watch no longer means the same; watches of another format are begun anew."""
_NO_DATA = -32_768
_UNNUMBERED_RULES = 1
"""Of baselines that were stored before rules had a number."""


@dataclass(frozen=True, slots=True)
class StoredWatch:
    """``state``: JSON; ``scores``: two bytes each; ``baseline``: JSON and the reference, None: none learnt."""

    state: str
    scores: bytes
    baseline: bytes | None


def pack(watch: Watch) -> StoredWatch:
    """The watch as it is stored."""
    state = {
        "reached": watch.reached,
        "learntFrom": watch.learnt_from,
        "judgedFrom": watch.judged_from,
        "before": [None if np.isnan(value) else value for value in watch.before.tolist()],
        "restarts": {detector.value: hour for detector, hour in watch.restarts.items()},
        "votes": {detector.value: hour for detector, hour in watch.votes.items()},
    }
    steps = np.where(np.isnan(watch.scores), _NO_DATA, np.round(np.nan_to_num(watch.scores) * SCORE_STEPS))
    baseline = None if watch.baseline is None else _pack_baseline(watch.baseline)
    return StoredWatch(orjson.dumps(state).decode(), steps.astype("<i2").tobytes(), baseline)


def unpack(stored: StoredWatch) -> Watch:
    """The watch that was stored."""
    state = orjson.loads(stored.state)
    steps = np.frombuffer(stored.scores, "<i2").astype(np.float64)
    return Watch(
        reached=state["reached"],
        learnt_from=state["learntFrom"],
        judged_from=state["judgedFrom"],
        baseline=None if stored.baseline is None else _unpack_baseline(stored.baseline),
        before=np.array([np.nan if value is None else value for value in state["before"]], dtype=np.float64),
        scores=np.where(steps == _NO_DATA, np.nan, steps / SCORE_STEPS),
        restarts={Detector(name): hour for name, hour in state["restarts"].items()},
        votes={Detector(name): hour for name, hour in state["votes"].items()},
    )


def _pack_baseline(baseline: Baseline) -> bytes:
    head = orjson.dumps(
        {
            "fittedTo": baseline.fitted_to,
            "memory": baseline.memory.tolist(),
            "startRatio": baseline.start_ratio,
            "reach": baseline.reach,
            "noise": baseline.noise,
            "expectedRatio": baseline.expected_ratio,
            "slots": len(baseline.rhythm),
            "rules": baseline.rules,
        }
    )
    arrays = baseline.rhythm.astype("<f8").tobytes() + baseline.reference.astype("<f4").tobytes()
    return len(head).to_bytes(4, "little") + head + arrays


def _unpack_baseline(stored: bytes) -> Baseline:
    size = int.from_bytes(stored[:4], "little")
    head = orjson.loads(stored[4 : 4 + size])
    split = 4 + size + 8 * head["slots"]
    rhythm: FloatArray = np.frombuffer(stored[4 + size : split], "<f8").astype(np.float64)
    return Baseline(
        fitted_to=head["fittedTo"],
        rhythm=rhythm,
        memory=np.array(head["memory"], dtype=np.float64),
        reference=np.frombuffer(stored[split:], "<f4").astype(np.float64),
        start_ratio=head["startRatio"],
        reach=head["reach"],
        noise=head["noise"],
        expected_ratio=head["expectedRatio"],
        rules=head.get("rules", _UNNUMBERED_RULES),
    )
