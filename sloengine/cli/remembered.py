"""What one ``up`` leaves for the next: where the telemetry of a state directory comes from."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Self

from sloengine.bootstrap.settings import Settings, TelemetryKind
from sloengine.cli.local_engine import changed
from sloengine.infrastructure.embedded.private_files import replace_private_file
from sloengine.infrastructure.embedded.state_directory import StateDirectory


@dataclass(frozen=True, slots=True)
class Remembered:
    """Where the telemetry of a state directory comes from, from one run to the next."""

    telemetry: str | None = None
    sample_seed: int | None = None
    sample_is_in: bool = False

    @classmethod
    def read(cls, state: StateDirectory) -> Self:
        """What the last run left; nothing when there was none."""
        try:
            return cls(**json.loads(state.telemetry_file.read_text()))
        except (OSError, ValueError, TypeError):
            return cls()

    @classmethod
    def of(cls, settings: Settings, *, sample_is_in: bool) -> Self:
        """What this run has decided. ``sample_is_in``: the sample's graph is merged, all of it."""
        return cls(settings.telemetry_kind, settings.sample_seed, sample_is_in)

    def write(self, state: StateDirectory) -> None:
        """Leave it for the next run."""
        replace_private_file(state.telemetry_file, json.dumps(asdict(self)) + "\n")


def telemetry_of(settings: Settings, remembered: Remembered, *, is_empty: bool, wants_sample: bool) -> Settings:
    """Where telemetry comes from: what is named; else the sample, if the graph is empty or was filled with it."""
    if settings.telemetry is not None or settings.prometheus_url is not None:
        return settings
    if wants_sample and is_empty:
        return changed(settings, telemetry=TelemetryKind.SAMPLE)
    if wants_sample and remembered.telemetry == TelemetryKind.SAMPLE:
        seed = remembered.sample_seed if remembered.sample_seed is not None else settings.sample_seed
        return changed(settings, telemetry=TelemetryKind.SAMPLE, sample_seed=seed)
    return changed(settings, telemetry=TelemetryKind.NONE)
