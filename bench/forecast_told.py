"""What was told of budgets running out, and what came: bands of probability, and the events that begin at them.

An event as the engine tells it: the probability reaches the threshold where forecasts are given out, once, until
it has fallen to half of that. Here it is looked at every week, by the engine every hour.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import numpy.typing as npt

from sloengine.domain.accuracy.clustered import ClusteredMean, clustered_mean
from sloengine.domain.forecast.risk import RiskThreshold
from sloengine.domain.forecast.shipped import is_given_out
from sloengine.domain.reliability.panel import FloatArray
from sloengine.domain.reliability.window import ComplianceWindow

BANDS = ((0, 0.01), (0.01, 0.03), (0.03, 0.1), (0.1, 0.3), (0.3, 1.01), (0, 1.01))
SPENT = ((0, 0.1), (0.1, 0.5), (0.5, 0.8), (0.8, 1.01))


@dataclass
class Row:
    """One forecast and what came of it.

    ``contradicted``: by the adaptive levels alone one of the bounds would lie on the other side of the whole
    budget than the told probability says.
    """

    organization: int
    service: int
    origin: int
    over_at: float
    running: bool
    requests: float
    spent: float
    loss: dict[str, float]
    covered: dict[str, npt.NDArray[np.bool_]]
    probability: dict[str, float]
    exhausted: bool
    contradicted: bool = False


def interval(mean: ClusteredMean, scale: float = 1.0, digits: int = 3) -> str:
    """The mean and its 95 % interval, where there is one."""
    if mean.low is None or mean.high is None:
        return f"{mean.value * scale:.{digits}f}"
    return f"{mean.value * scale:.{digits}f} [{mean.low * scale:.{digits}f}, {mean.high * scale:.{digits}f}]"


def is_shown(row: Row, window: ComplianceWindow) -> bool:
    """Whether this forecast is of a class that is given out."""
    return is_given_out(window, running=row.running, daily_traffic=row.requests / 28)


def reliability(title: str, rows: Sequence[Row], name: str) -> None:
    """Print what was told and what was seen, in bands of what was told."""
    promised = np.array([row.probability[name] for row in rows])
    print(f"\nP(exhausted) told and seen, {name}, {title}")
    for low, high in BANDS:
        _line(f"{low:.0%} to {min(high, 1):.0%}", rows, promised, (promised >= low) & (promised < high))


def by_spent(rows: Sequence[Row], name: str) -> None:
    """Print the same by how much of the budget is spent: all that was told, and what was told with 10 to 30 %."""
    promised = np.array([row.probability[name] for row in rows])
    spent = np.array([row.spent for row in rows])
    print(f"\nP(exhausted) told and seen, {name}, by share of the budget that is spent")
    for low, high in SPENT:
        inside = (spent >= low) & (spent < high)
        _line(f"{low:.0%} to {min(high, 1):.0%} spent", rows, promised, inside)
        _line("  told 10 to 30 %", rows, promised, inside & (promised >= 0.1) & (promised < 0.3))


def _line(title: str, rows: Sequence[Row], promised: FloatArray, inside: npt.NDArray[np.bool_]) -> None:
    if not inside.any():
        return
    ran_out = np.array([row.exhausted for row in rows], dtype=float)[inside]
    every = np.array([row.organization for row in rows])[inside]
    share = interval(clustered_mean(ran_out, [every]), 100, 1)
    off = interval(clustered_mean(promised[inside] - ran_out, [every]), 100, 1)
    print(f"  {title}: {inside.sum():6d} told {promised[inside].mean():.1%} seen {share} %, off {off}")


@dataclass(frozen=True)
class AtRisk:
    """``events``: label of organisation, probability told, whether the budget ran out within the horizon; shape
    (n, 3). ``losses``: label, whether the SLO was at risk before it ran out; one row for each time a budget did
    that had been given a forecast, looks in a row that tell of the same one being one; shape (n, 2).
    """

    events: FloatArray
    losses: FloatArray


def at_risk(rows: Sequence[Row], name: str, window: ComplianceWindow, threshold: RiskThreshold) -> AtRisk:
    """Each service's looks in the order of time: when an event begins, and what came of it.

    A look that is missing is one at a budget that is spent: the SLO is at risk then, which nobody forecast.
    """
    events: list[tuple[float, float, bool]] = []
    losses: list[tuple[float, bool]] = []
    ordered = sorted(rows, key=lambda row: (row.organization, row.service, row.origin))
    for (organization, _), looks in groupby(ordered, key=lambda row: (row.organization, row.service)):
        risk, running_out, before = False, False, None
        for row in looks:
            told, shown = row.probability[name], is_shown(row, window)
            missing = before is not None and row.origin > before + 1
            crossed = threshold.is_crossed(told, may_alarm=shown)
            risk = risk or missing
            if crossed and not risk:
                events.append((organization, told, row.exhausted))
            risk = risk if crossed is None else crossed
            lost = row.exhausted and shown
            if lost and running_out and not missing:
                losses[-1] = (organization, losses[-1][1] or risk)
            elif lost:
                losses.append((organization, risk))
            running_out, before = lost, row.origin
    return AtRisk(np.array(events, dtype=float).reshape(-1, 3), np.array(losses, dtype=float).reshape(-1, 2))


def print_at_risk(rows: Sequence[Row], name: str, window: ComplianceWindow, threshold: RiskThreshold) -> None:
    """Print how many events came true, and how many budgets ran out with one before."""
    found = at_risk(rows, name, window, threshold)
    print(f"\nSloAtRisk from {threshold.probability:.0%} on, {name}, one look a week")
    if len(found.events):
        came = interval(clustered_mean(found.events[:, 2], [found.events[:, 0].astype(np.int64)]), 100, 1)
        print(f"  {len(found.events)} events, told {found.events[:, 1].mean():.1%}, ran out {came} %")
    if len(found.losses):
        before = interval(clustered_mean(found.losses[:, 1], [found.losses[:, 0].astype(np.int64)]), 100, 1)
        print(f"  {len(found.losses)} budgets ran out that had a forecast, at risk before {before} %")
