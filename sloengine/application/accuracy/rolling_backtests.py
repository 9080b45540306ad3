"""Recommend as of many past days, each with only what was known by then, and look at the window that came.

The same computing as online, bound, caps and rounding included; the calibration map of each day is what the
windows finished by then would have taught.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from sloengine.application.accuracy.past import Past
from sloengine.application.recommendation.compute_recommendations import Wanted, compute_recommendations
from sloengine.application.recommendation.drawn_bound import predictive_draws
from sloengine.application.recommendation.prepared import Prepared, prepare
from sloengine.domain.accuracy.baselines import OWN_BOOTSTRAP, baseline_targets
from sloengine.domain.accuracy.calibrate import calibrated
from sloengine.domain.accuracy.judged import ENGINE, JudgedTarget, Level, TrafficClass
from sloengine.domain.accuracy.latency_baselines import latency_baseline_targets
from sloengine.domain.accuracy.outcome import Outcome, outcome_of
from sloengine.domain.recommendation.latency_days import cut_history
from sloengine.domain.recommendation.latency_tiers import SHARES
from sloengine.domain.recommendation.model import ObjectiveKind, Recommendation, SliType, TierName
from sloengine.domain.recommendation.recommend import LatencyRequest, latency_case
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.reliability.daily import DailyHistory, daily_sums
from sloengine.domain.reliability.panel import LatencyHistory
from sloengine.domain.reliability.window import ComplianceWindow

DAY = timedelta(days=1)
_SLACK = 1e-12


@dataclass(frozen=True)
class Plan:
    """How to look back.

    ``train_days``: own history that a recommendation sees; ``prior_days``: what services have in common is learnt
    from as much; ``every_days``: days between two looks.
    ``least_days``: services with less own history are left out; None: those with less than ``train_days``.
    """

    train_days: int
    prior_days: int
    window: ComplianceWindow
    every_days: int
    settings: EngineSettings
    least_days: int | None = None

    @property
    def least(self) -> timedelta:
        """Own history that a service needs."""
        return DAY * (self.train_days if self.least_days is None else self.least_days)

    @property
    def horizon(self) -> timedelta:
        """Length of the window."""
        return self.window.length


@dataclass(frozen=True)
class Look:
    """What was said on one day, and what came: targets of engine and rules, and levels for the next map."""

    as_of: datetime
    targets: tuple[JudgedTarget, ...]
    levels: tuple[Level, ...]


def days_to_look(past: Past, plan: Plan) -> list[datetime]:
    """As-of days, oldest first, the last one with its window just finished; none when the history is too short."""
    newest, first = past.ends_at - plan.horizon, past.starts_at + plan.least
    steps = (newest - first) // (DAY * plan.every_days)
    return [newest - DAY * plan.every_days * back for back in range(steps, -1, -1)]


def looks(past: Past, plan: Plan, *, recalibrate: bool = True) -> Iterator[Look]:
    """One look after the other; with ``recalibrate`` each knows what the windows finished before it taught."""
    known: list[Level] = []
    for as_of in days_to_look(past, plan):
        finished = [level for level in known if level.ends_at <= as_of]
        settings = calibrated(plan.settings, finished) if recalibrate else plan.settings
        look = look_back(past, replace(plan, settings=settings), as_of)
        known += look.levels
        yield look


def look_back(past: Past, plan: Plan, as_of: datetime) -> Look:
    """Recommend with only what was known at as-of, and judge by the window that came.

    Services younger than that, and those whose window is not known, are left out.
    """
    outcome = outcome_of(past.panel, past.latency, as_of, plan.horizon)
    settings = replace(plan.settings, lookback_days=plan.train_days)
    prepared = prepare(past.evidence(as_of, plan.train_days, plan.prior_days))
    wanted = _wanted(past, plan, as_of, outcome)
    answers = compute_recommendations(prepared, wanted, window=plan.window, now=as_of, settings=settings)
    told = _Telling(past, plan, as_of, outcome)
    targets: list[JudgedTarget] = []
    days = None if past.panel is None else _days(prepared, as_of, plan)
    for one, answer in answers.items():
        if isinstance(answer, Recommendation):
            targets += told.of_engine(answer)
            if one.sli_type is SliType.LATENCY:
                targets += told.of_latency_rules(prepared.evidence.latency[one.service_id])
            elif days is not None:
                targets += told.of_rules(one.service_id, days.row(one.service_id))
    judged = [one for one, answer in answers.items() if isinstance(answer, Recommendation)]
    return Look(as_of, tuple(targets), tuple(_levels(past, prepared, judged, outcome, plan, settings, as_of)))


def levels_at(past: Past, plan: Plan, as_of: datetime) -> list[Level]:
    """Only where outcomes lay in what the model said: all that a calibration map needs, and cheaper."""
    outcome = outcome_of(past.panel, past.latency, as_of, plan.horizon)
    settings = replace(plan.settings, lookback_days=plan.train_days)
    prepared = prepare(past.evidence(as_of, plan.train_days, plan.prior_days))
    return list(_levels(past, prepared, _wanted(past, plan, as_of, outcome), outcome, plan, settings, as_of))


def _wanted(past: Past, plan: Plan, as_of: datetime, outcome: Outcome) -> list[Wanted]:
    """Services old enough whose window is known."""
    return [
        Wanted(service_id, sli_type)
        for sli_type, known in (
            (SliType.AVAILABILITY, outcome.availability),
            (SliType.LATENCY, outcome.histograms),
        )
        for service_id in sorted(known)
        if past.began(service_id, sli_type) <= as_of - plan.least
    ]


@dataclass(frozen=True)
class _Telling:
    """Writes down who said what on one day, and whether it held."""

    past: Past
    plan: Plan
    as_of: datetime
    outcome: Outcome

    def of_engine(self, answer: Recommendation) -> list[JudgedTarget]:
        """Every kind in every tier, those without a target too."""
        kinds = (
            (ObjectiveKind.AVAILABILITY,)
            if answer.sli_type is SliType.AVAILABILITY
            else (ObjectiveKind.LATENCY_P95, ObjectiveKind.LATENCY_P99)
        )
        rows: list[JudgedTarget] = []
        per_day = answer.data_quality.sample_count / max(answer.data_quality.days_of_history, 1e-9)
        for tier in answer.tiers:
            by_kind = {target.kind: target for target in tier.targets}
            for kind in kinds:
                target = by_kind.get(kind)
                number = None
                if target is not None:
                    number = target.availability_ratio if target.threshold_ms is None else target.threshold_ms
                promised = None if target is None else target.probability_met
                row = self._row(answer.service_id, kind, tier.name, ENGINE, number, promised, per_day)
                rows.append(replace(row, confidence=answer.confidence))
        return rows

    def of_rules(self, service_id: str, history: DailyHistory) -> list[JudgedTarget]:
        """Every rule in every tier."""
        window_days = self.plan.horizon // DAY
        found = baseline_targets(
            history, self.plan.settings, window_days=window_days, rng=np.random.default_rng(len(service_id))
        )
        per_day = float(history.expected_daily_traffic()[0])
        return [
            self._row(
                service_id,
                ObjectiveKind.AVAILABILITY,
                tier,
                name,
                ratio,
                self._promised(name, tier),
                per_day,
            )
            for (name, tier), ratio in found.items()
        ]

    def of_latency_rules(self, history: LatencyHistory) -> list[JudgedTarget]:
        """Every rule in every tier, p95 and p99."""
        counts, _ = cut_history(history, as_of=self.as_of, lookback_days=self.plan.train_days)
        found = latency_baseline_targets(
            counts,
            history.bounds_seconds,
            self.plan.settings,
            window_days=self.plan.horizon // DAY,
            rng=np.random.default_rng(len(history.service_id)),
        )
        per_day = float(counts.sum() / max(len(counts), 1))
        return [
            self._row(history.service_id, kind, tier, name, threshold, self._promised(name, tier), per_day)
            for (name, kind, tier), threshold in found.items()
        ]

    def _promised(self, rule: str, tier: TierName) -> float | None:
        """Only resampling says how often its target should hold."""
        return self.plan.settings.nominal_probability[tier] if rule == OWN_BOOTSTRAP else None

    def _row(
        self,
        service_id: str,
        kind: ObjectiveKind,
        tier: TierName,
        estimator: str,
        target: float | None,
        promised: float | None,
        per_day: float,
    ) -> JudgedTarget:
        return JudgedTarget(
            service_id=service_id,
            cluster=self.past.clusters.get(service_id, service_id),
            kind=kind,
            tier=tier,
            estimator=estimator,
            as_of=self.as_of,
            train_days=self.plan.train_days,
            traffic=TrafficClass.of(per_day),
            target=target,
            promised=promised,
            held=None if target is None else self.outcome.met(service_id, kind, target),
        )


def _days(prepared: Prepared, as_of: datetime, plan: Plan) -> DailyHistory:
    sums = daily_sums(prepared.findings.cleaned, as_of=as_of, lookback_days=plan.train_days)
    return sums.in_events()[0]


def _levels(
    past: Past,
    prepared: Prepared,
    judged: Sequence[Wanted],
    outcome: Outcome,
    plan: Plan,
    settings: EngineSettings,
    as_of: datetime,
) -> Iterator[Level]:
    """Where each outcome lay in what the model said before calibration."""
    available = [one.service_id for one in judged if one.sli_type is SliType.AVAILABILITY]
    ends_at = as_of + plan.horizon
    for service_id, draws in predictive_draws(prepared, available, plan.window, as_of, settings).items():
        truth = 1.0 - outcome.availability[service_id]
        low, high = float((draws < truth - _SLACK).mean()), float((draws <= truth + _SLACK).mean())
        own_days = min(plan.train_days, (as_of - past.began(service_id, SliType.AVAILABILITY)) / DAY)
        yield Level(service_id, ObjectiveKind.AVAILABILITY, as_of, ends_at, low, high, own_days)
    evidence = prepared.evidence
    for one in judged:
        if one.sli_type is not SliType.LATENCY:
            continue
        request = LatencyRequest(
            one.service_id, plan.window, as_of, evidence.latency[one.service_id], as_of, findings=prepared.findings
        )
        case = latency_case(request, evidence.priors.latency, settings)
        if case is None:
            continue
        own_days, spells = case.predictive.facts.own_days, case.predictive.spells_per_day
        for kind in SHARES:
            draws, came = case.draws_ms(kind), outcome.percentile_ms(one.service_id, kind)
            low, high = float((draws < came).mean()), float((draws <= came).mean())
            yield Level(one.service_id, kind, as_of, ends_at, low, high, own_days, spells)
