"""Callers whose series are only summed up change nothing: the same answers as with all series kept."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from sloengine.application.recommendation.evidence_reader import EvidenceReader
from sloengine.application.recommendation.prepared import prepare
from sloengine.application.what_if.explore_edits import ExploreEditsCommand
from sloengine.domain.errors import TooLarge
from sloengine.domain.reliability.panel import EdgePanel, SliPanel
from sloengine.domain.reliability.window import ComplianceWindow
from sloengine.domain.topology.composite_bound import composite_bound
from sloengine.domain.topology.dependency import Dependency, DependencyCriticality
from sloengine.domain.topology.service import Service
from sloengine.domain.what_if.edits import AddCache, AddFallback, AddReplica, Cut, Improve, Soften
from tests.application.organisation import DAY, HOUR, NOW, VIEWER, Engine

TOP = NOW.replace(minute=0)
STEP, INTERVALS = 4 * HOUR, 30 * 6
START = TOP.replace(hour=0) - 29 * DAY
OTHERS = [f"other-{number:03d}" for number in range(110)]
KINDS = (DependencyCriticality.HARD, DependencyCriticality.SOFT, DependencyCriticality.DEGRADED)


def drawn(rng):
    """The front, what it calls up to five calls away, and many others who call the same."""
    layers = [
        ["front"],
        ["cart", "search"],
        ["db-a", "db-b", "twin-a", "twin-b", "mail"],
        ["disk", "dns"],
        ["power"],
    ]
    pairs = {("front", "cart"), ("front", "search"), ("front", "mail"), ("cart", "db-a"), ("cart", "db-b")}
    pairs |= {("search", "disk"), ("db-a", "disk"), ("disk", "power"), ("spare", "dns"), ("other-007", "spare")}
    for above, below in pairwise(layers):
        pairs |= {(caller, called) for caller in above for called in below if rng.random() < 0.8}
    known = [name for layer in layers for name in layer if name != "front"]
    for other in OTHERS:
        pairs |= {(other, called) for called in rng.choice(known, 3, replace=False).tolist()}
    pairs |= {("other-000", name) for name in OTHERS[1:20]}
    found = []
    for caller, called in sorted(pairs):
        group = "stores" if called in ("db-a", "db-b") and caller in ("cart", "other-001") else None
        found.append(
            Dependency(
                caller,
                called,
                criticality=KINDS[int(rng.integers(3))],
                call_weight=None if rng.random() < 0.3 else float(rng.uniform(0.2, 1.5)),
                retry_config={"attempts": int(rng.integers(2, 5))} if rng.random() < 0.4 else None,
                redundancy_group=group,
                is_stale=bool(rng.random() < 0.05) and caller in OTHERS,
            )
        )
    return found


async def organisation(*, silent=(), never=(), steps=None):
    """``silent``: services without telemetry. ``steps``: interval of some services' series, else four hours."""
    rng = np.random.default_rng(5)
    engine = Engine()
    edges = drawn(rng)
    ids = sorted({end for edge in edges for end in edge.pair})
    engine.db.services |= {name: Service(name) for name in ids}
    engine.db.merged |= {edge.pair: edge for edge in edges}
    shape = (len(ids), INTERVALS)
    total = rng.poisson(300, shape).astype(float)
    rate = np.where(rng.random(shape) < 0.03, 0.3, 2e-3)
    bad = rng.binomial(total.astype(int), rate).astype(float)
    row = {name: place for place, name in enumerate(ids)}
    bad[row["twin-b"]] = bad[row["twin-a"]]
    total[row["twin-b"]] = total[row["twin-a"]]
    for caller, called in (("cart", "db-a"), ("front", "cart"), ("search", "mail")):
        bad[row[caller]] = np.minimum(total[row[caller]], bad[row[caller]] + bad[row[called]] / 4)
    for name in never:
        bad[row[name]] = total[row[name]]
    for name in ids:
        step = (steps or {}).get(name, STEP)
        if name not in silent:
            fold = step // STEP
            series = [part[row[name]].reshape(-1, fold).sum(axis=1)[None] for part in (total - bad, total)]
            await engine.history.write(SliPanel((name,), START, step, *series))
    pairs = tuple(edge.pair for edge in edges if rng.random() < 0.3 or edge.dependency in silent)
    calls = rng.poisson(100, (len(pairs), INTERVALS)).astype(float)
    failed = rng.binomial(calls.astype(int), 0.02).astype(float)
    await engine.history.write_edges(EdgePanel(pairs, START, STEP, calls, failed))
    return engine


BELOW = {"front", "cart", "search", "db-a", "db-b", "twin-a", "twin-b", "mail", "disk", "dns", "power"}


def readers(engine) -> tuple[EvidenceReader, EvidenceReader]:
    """One that keeps all series, one that sums others' up."""
    reader = engine.use.explore_edits.evidence
    return replace(reader, summed_from=10**9), replace(reader, summed_from=0)


EDITS = [
    Cut("front", "search"),
    Soften("cart", "db-a", 0.05),
    AddCache("front", "cart", 0.5),
    AddReplica("disk", 3, 2),
    AddFallback("search", "disk", fallback="spare"),
    Improve("power", availability_ratio=0.9999),
    Improve("front", availability_ratio=0.999),
    Improve("other-005", availability_ratio=0.9999),
]


def numbers(found):
    return {(row.service_id, row.kind, row.tier): (row.before, row.after) for row in found.focus}


CASES = {
    "all watched": {},
    "some without telemetry": {"silent": ("power", "twin-a", "other-003", "other-050")},
    "some that never work": {"never": ("dns", "mail")},
    "coarser beside": {"steps": {"other-040": DAY}},
    "coarser below": {"steps": dict.fromkeys(["front", "cart", "search", "disk"], DAY)},
}


@pytest.mark.parametrize("case", ["some without telemetry", "some that never work"])
async def test_the_same_what_if(case):
    engine = await organisation(**CASES[case])
    use = engine.use.explore_edits
    command = ExploreEditsCommand(EDITS, ["front", "cart"])

    whole, summed = [await replace(use, evidence=reader)(command, actor=VIEWER) for reader in readers(engine)]

    assert any(before is not None and before != after for before, after in numbers(whole).values())
    assert numbers(summed) == {key: pytest.approx(pair, abs=1e-9) for key, pair in numbers(whole).items()}
    assert summed.budget_minutes_gained == pytest.approx(whole.budget_minutes_gained, rel=1e-9)
    minutes = [edit.budget_minutes_gained for edit in whole.edits]
    assert [edit.budget_minutes_gained for edit in summed.edits] == pytest.approx(minutes, rel=1e-9, abs=1e-9)
    assert summed.summary == whole.summary
    assert summed.notes == whole.notes
    assert any(note.startswith("edit 7 is on no path") for note in whole.notes)


async def prepared_by(reader):
    return await reader.read(await reader.scope(["front", "cart"]), as_of=TOP, filled=0)


@pytest.mark.parametrize("case", CASES)
async def test_the_same_is_learnt(case):
    whole, summed = [await prepared_by(reader) for reader in readers(await organisation(**CASES[case]))]

    is_together = case.startswith("coarser")
    assert (summed.evidence.others is None) == is_together
    assert (len(summed.evidence.panel.service_ids) > 100) == is_together
    inner = [service.service_id for service in summed.reliability.graph.services if service.service_id in BELOW]
    assert_same(whole, summed, inner)
    assert {name: summed.findings.refused.get(name) for name in inner} == {
        name: whole.findings.refused.get(name) for name in inner
    }


async def test_what_others_ask_matters():
    _, reader = readers(await organisation())
    prepared = await prepared_by(reader)
    inner = [service.service_id for service in prepared.reliability.graph.services]

    alone = prepare(replace(prepared.evidence, others=None))

    with pytest.raises(AssertionError):
        assert_same(alone, prepared, inner)


def assert_same(one, other, services):
    """Pass-through, own failures, aliases and the bound of the front, of these services."""
    found = [learnt.reliability for learnt in (one, other)]
    edges = [{edge.pair: place for place, edge in enumerate(model.edges)} for model in found]
    mine = [pair for pair in edges[0] if pair[0] in services]
    assert mine
    for values in ("probability", "call_weights"):
        first, second = ([getattr(m, values)[at[p]] for p in mine] for m, at in zip(found, edges, strict=True))
        assert second == pytest.approx(first, rel=1e-9, abs=1e-12)
    for values in ("in_use", "failed_calls"):
        first, second = (
            [getattr(m.pass_through, values)[at[p]] for p in mine] for m, at in zip(found, edges, strict=True)
        )
        assert second == pytest.approx(first, rel=1e-9, abs=1e-12)
    own = [[model.intrinsic_unavailability(name) for name in services] for model in found]
    assert [value is None for value in own[0]] == [value is None for value in own[1]]
    assert [value or 0.0 for value in own[1]] == pytest.approx([value or 0.0 for value in own[0]], rel=1e-9)
    assert found[0].alias_names == found[1].alias_names
    window = ComplianceWindow.ROLLING_28D.length
    bounds = [composite_bound(model, "front", window=window).bound for model in found]
    assert bounds[1].observed_ratio == pytest.approx(bounds[0].observed_ratio, abs=1e-9)
    assert bounds[1].intrinsic_ratio == pytest.approx(bounds[0].intrinsic_ratio, abs=1e-9)
    assert bounds[1].assumptions == bounds[0].assumptions
    shares = [{part.service_id: part.share_ratio for part in bound.contributions} for bound in bounds]
    assert shares[1] == pytest.approx(shares[0], abs=1e-9)


async def test_only_services_below_those_in_focus_count_as_too_many():
    engine = await organisation()
    whole, summed = [
        replace(engine.use.explore_edits, evidence=reader, most_in_scope=20) for reader in readers(engine)
    ]
    command = ExploreEditsCommand([Cut("front", "cart")], ["front"])

    with pytest.raises(TooLarge):
        await whole(command, actor=VIEWER)
    found = await summed(command, actor=VIEWER)

    assert found.budget_minutes_gained > 0.0
