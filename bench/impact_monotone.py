"""How often a looser proposal is told to hurt a caller less than a tighter one.

    python -m bench.impact_monotone

Random graphs of five to seven services, nine in ten of which have promised something, so that much absorbs what
changes; one or two objectives change. Asked twice, the second time with objectives that are tighter by the same
factor: no caller that is not changed itself may then be left with less. Deterministic.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import numpy as np

from bench.impact import objective
from sloengine.domain.governance.model import SloTarget
from sloengine.domain.impact.analyse import ImpactBasis, analyse_availability
from sloengine.domain.impact.build_network import failure_network
from sloengine.domain.impact.model import SloChange
from sloengine.domain.impact.stated import learn_standing
from sloengine.domain.recommendation.model import ObjectiveKind
from sloengine.domain.topology.dependency import Dependency, DependencyCriticality
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.topology.service import Service

DRAWN = 700
_KINDS = (*(DependencyCriticality.HARD,) * 3, DependencyCriticality.SOFT)
_WEIGHTS = (0.2, 0.7, 1.0, 1.0)
_PROMISED = 0.9
_AT = datetime(2026, 1, 1, tzinfo=UTC)
_ARITHMETIC = 1e-12


def main() -> None:
    """Print how many graphs were asked of, in how many the order is wrong, and by how much at most."""
    rng = np.random.default_rng(7)
    asked = wrong = wrong_of_one = 0
    worst = 0.0
    for _ in range(DRAWN):
        basis, changed, share = _drawn(rng)
        loose = _left(basis, changed)
        if not loose:
            continue
        tight = _left(basis, {name: share * failing for name, failing in changed.items()})
        asked += 1
        gained = max((left - tight[name] for name, left in loose.items() if name not in changed), default=0.0)
        if gained > _ARITHMETIC:
            wrong += 1
            wrong_of_one += len(changed) == 1
            worst = max(worst, gained)
    print(f"{asked} graphs whose changes reach a caller")
    print(f"a looser proposal hurts less in {wrong}, {wrong_of_one} of them of a single change")
    print(f"by {100 * worst:.2f} points at most")


def _drawn(rng: np.random.Generator) -> tuple[ImpactBasis, dict[str, float], float]:
    """A graph, the unavailability proposed for one or two services, and what share of it is the tighter one."""
    size = int(rng.integers(5, 8))
    ids = [f"s{place}" for place in range(size)]
    pairs = [(i, j) for i in range(size) for j in range(i + 1, size)]
    chosen = rng.choice(len(pairs), size=min(len(pairs), int(rng.integers(6, 14))), replace=False)
    edges = tuple(
        Dependency(
            ids[pairs[place][0]],
            ids[pairs[place][1]],
            criticality=_KINDS[rng.integers(len(_KINDS))],
            call_weight=float(rng.choice(_WEIGHTS)),
        )
        for place in chosen.tolist()
    )
    shown = np.array([10 ** rng.uniform(-5, -3) for _ in ids])
    promised = np.array([10 ** rng.uniform(-4, -1.3) if rng.random() < _PROMISED else np.nan for _ in ids])
    places = rng.choice(size, size=int(rng.integers(1, 3)), replace=False)
    changed = {ids[place]: float(10 ** rng.uniform(-4, -1.3)) for place in places.tolist()}
    share = float(rng.uniform(0.01, 1))
    slos = {
        ids[place]: objective(ids[place], float(1.0 - promised[place]), _AT)
        for place in np.flatnonzero(~np.isnan(promised)).tolist()
    }
    network = failure_network(DependencyGraph(tuple(map(Service, ids)), edges, version=1))
    standing = learn_standing(network, shown, promised)
    return ImpactBasis(network, standing, slos, frozenset(ids), seen=shown), changed, share


def _left(basis: ImpactBasis, unavailability: Mapping[str, float]) -> dict[str, float]:
    """The bound of each caller after the change."""
    proposed = [
        SloChange(name, SloTarget(ObjectiveKind.AVAILABILITY, availability_ratio=1.0 - failing))
        for name, failing in unavailability.items()
    ]
    rows = analyse_availability(basis, proposed)
    return {row.service_id: row.after for row in rows if row.after is not None}


if __name__ == "__main__":
    main()
