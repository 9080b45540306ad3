"""How probably numbers that somebody chose will be met."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from sloengine.application.ports.clock import Clock
from sloengine.application.recommendation.compute_recommendations import probabilities_met
from sloengine.application.recommendation.evidence_reader import EvidenceReader
from sloengine.application.telemetry.pulled_hours import HOUR, floor_to
from sloengine.domain.governance.model import SloTarget
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.reliability.window import ComplianceWindow


@dataclass(frozen=True, slots=True)
class JudgeTargets:
    """P(met over the next window) of any targets, from what is stored; nothing is pulled."""

    evidence: EvidenceReader
    clock: Clock
    settings: EngineSettings

    async def __call__(
        self, service_id: str, window: ComplianceWindow, targets: Sequence[SloTarget]
    ) -> Sequence[float | None]:
        """One probability per target; None where the data do not carry an answer."""
        now = self.clock.now()
        as_of = (await self.evidence.history.watermark()).aggregated_to or floor_to(now, HOUR)
        prepared = await self.evidence.read(await self.evidence.scope([service_id]), as_of=as_of, filled=0)
        return await asyncio.to_thread(
            probabilities_met,
            prepared,
            service_id,
            targets,
            window=window,
            now=now,
            settings=self.settings,
        )
