"""A year of real uptime of twelve services in four sites, judged as anybody's data are."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from bench.calibration_trial import homelab_panel
from sloengine.application.accuracy.measure_accuracy import MeasureAccuracyCommand, measure_accuracy
from sloengine.cli.accuracy_text import spread_text
from sloengine.domain.accuracy.judged import ENGINE
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.infrastructure.learning.archetype_groups import SilhouetteGroups


@dataclass(frozen=True)
class Verdict:
    """A line to print, and whether it is as it should be."""

    text: str
    kept: bool


def judge_homelab(folder: Path, *, every_days: int, settings: EngineSettings) -> list[Verdict]:
    """No tier over-promises beyond chance, none says 100 %, no rule that holds as often is tighter."""
    with (folder / "services.csv").open() as file:
        sites = {row["service"]: row["site"] for row in csv.DictReader(file)}
    command = MeasureAccuracyCommand(
        {},
        homelab_panel(folder),
        None,
        train_days=(30,),
        every_days=every_days,
        clusters=sites,
        settings=settings,
        grouping=SilhouetteGroups(),
    )
    report = measure_accuracy(command)
    verdicts: list[Verdict] = []
    for row in report.tiers:
        if row.traffic is not None or row.over_promise is None:
            continue
        text = (
            f"{row.estimator.lower():<13} {row.tier:<12} {row.windows} windows  holds {row.attained.value:6.1%}  "
            f"P(met) less held {spread_text(row.over_promise)}  target {row.median_target:.3%}"
        )
        is_engine = row.estimator == ENGINE
        verdicts.append(Verdict(text, not is_engine or (not row.over_promises and row.median_target < 1)))
    for found in report.comparisons:
        text = (
            f"{found.tier:<12} beside {found.rule.lower():<13} holds {found.rule_attained:6.1%} "
            f"(engine {found.engine_attained:6.1%})  target {found.rule_target:.3%} "
            f"(engine {found.engine_target:.3%})"
        )
        verdicts.append(Verdict(text, not found.rule_is_better))
    return verdicts
