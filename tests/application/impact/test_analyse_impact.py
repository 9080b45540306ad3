from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import numpy as np
import pytest

from bench.waiting_requests import Played
from sloengine.application.governance.set_slo import SetSloCommand
from sloengine.application.impact import keep_impact_ready
from sloengine.application.impact.analyse_impact import AnalyseImpact, AnalyseImpactCommand
from sloengine.application.impact.impact_bases import ImpactBases
from sloengine.application.impact.keep_impact_ready import KeepImpactReady
from sloengine.application.telemetry.load_sli import LoadSliCommand
from sloengine.application.telemetry.measured_latency import measured_latency
from sloengine.application.topology.graph_snapshots import GraphSnapshots
from sloengine.application.topology.learnt_findings import LearntFindings
from sloengine.domain.errors import Invalid, ServiceNotFound, TooLarge, Unavailable
from sloengine.domain.governance.model import SloTarget
from sloengine.domain.impact.model import SloChange
from sloengine.domain.recommendation.model import Estimate, ObjectiveKind, SliType
from sloengine.domain.reliability.panel import LatencyHistory, SliPanel
from sloengine.domain.topology.dependency import Dependency
from sloengine.domain.topology.pass_through_finding import PassThroughBases
from sloengine.infrastructure.memory.database import MemoryDatabase
from sloengine.infrastructure.memory.sli_history import MemorySliHistory
from sloengine.infrastructure.memory.telemetry_source import MemoryTelemetrySource
from tests.application.organisation import ADMIN, HOUR, NOW, VIEWER, Engine, edges, hourly_panel
from tests.domain.topology.findings import finding
from tests.patience import until

AVAILABILITY, P95, P99 = ObjectiveKind.AVAILABILITY, ObjectiveKind.LATENCY_P95, ObjectiveKind.LATENCY_P99
TOP = NOW.replace(minute=0)
DAY = timedelta(days=1)


def change(service_id, ratio=None, p95=None):
    target = SloTarget(AVAILABILITY, ratio) if p95 is None else SloTarget(P95, threshold_ms=p95)
    return SloChange(service_id, target)


async def organisation(**failing):
    """checkout -> cart -> store, checkout -> store; a thousand requests an hour, so many of them fail."""
    engine = Engine()
    await engine.ingest(
        services=[{"serviceId": name, "team": f"team-{name}"} for name in ("checkout", "cart", "store")],
        dependencies=[
            {"caller": "checkout", "dependency": "cart", "callWeight": 1.0},
            {"caller": "cart", "dependency": "store", "callWeight": 1.0},
            {"caller": "checkout", "dependency": "store", "callWeight": 1.0},
        ],
    )
    await watch(engine, **failing)
    return engine


async def watch(engine, **failing):
    names = ("checkout", "cart", "store")
    total = np.full((3, 28 * 24), 1000.0)
    bad = np.array([[failing.get(name, 0.1)] for name in names]) * np.ones_like(total)
    await engine.history.write(SliPanel(names, TOP - 28 * DAY, HOUR, total - bad, total))
    watermark = await engine.history.watermark()
    await engine.history.set_watermark(replace(watermark, aggregated_to=TOP, pulled_at=NOW))


async def promise(engine, service_id, ratio=None, p95=None):
    sli = SliType.AVAILABILITY if p95 is None else SliType.LATENCY
    command = SetSloCommand(service_id, sli, [change(service_id, ratio, p95).target], "promised")
    return await engine.use.set_slo(command, actor=ADMIN)


async def asked(engine, *changes, **more):
    return await engine.use.analyse_impact(AnalyseImpactCommand(changes, **more), actor=VIEWER)


async def test_every_caller_is_told_worst_first_with_path_and_team():
    engine = await organisation()
    await promise(engine, "checkout", 0.999)
    await promise(engine, "cart", 0.99)

    found = await asked(engine, change("store", 0.995))

    assert [(row.service_id, row.violates, row.distance) for row in found.rows] == [
        ("checkout", True, 1),
        ("cart", False, 1),
    ]
    # The cart's promise already allows for more than the store's new objective.
    assert found.rows[0].after == pytest.approx(0.99, abs=2e-4)
    # The checkout could not keep its objective before either, and loses nothing by this.
    assert found.rows[0].was_violated
    assert found.teams == ("team-cart",)
    assert "checkout → store" in found.rows[0].reason
    assert found.graph_version == 1


async def test_the_next_question_sees_a_decision_made_since():
    engine = await organisation()
    before = await asked(engine, change("store", 0.995))

    await promise(engine, "checkout", 0.999)
    after = await asked(engine, change("store", 0.995))

    assert not before.rows[0].violates
    assert after.rows[0].violates


async def test_nothing_is_read_again_while_nothing_has_changed(monkeypatch):
    engine = await organisation()
    await asked(engine, change("store", 0.995))
    reads = []
    monkeypatch.setattr(engine.history, "read", lambda *_: reads.append(1))

    await asked(engine, change("cart", 0.995))

    assert not reads


async def test_what_was_measured_without_a_finding_against_it_does_not_hide_what_was_declared():
    """A replica that flaps does no harm, and one episode is no evidence: their estimates are low, f stays 1."""
    replicas = [
        {"caller": "checkout", "dependency": name, "callWeight": 1.0, "redundancyGroup": "stores"}
        for name in ("cart", "store")
    ]
    pairs = [("checkout", "cart"), ("checkout", "store"), ("billing", "disk")]
    measured = dict(zip(pairs, [Estimate(0.001, 0.0, 0.01)] * 2 + [Estimate(0.3, 0.2, 0.4)], strict=True))
    answers = []
    for in_use in (None, 1.0, 0.25):
        engine = Engine()
        await engine.ingest(dependencies=[*replicas, {"caller": "billing", "dependency": "disk"}])
        await watch(engine)
        bases = PassThroughBases(await engine.graph.snapshot(), 90 * DAY)
        kept = (
            {}
            if in_use is None
            else {
                pair: finding(one, in_use=in_use, basis=bases.of(pair[0]), learnt_at=NOW)
                for pair, one in measured.items()
            }
        )
        await engine.graph.note_pass_through(pairs, kept)
        rows = (await asked(engine, change("cart", 0.99), change("store", 0.99), change("disk", 0.9))).rows
        answers.append({row.service_id: (row.before, row.after) for row in rows})

    declared, standing, contradicted = answers
    assert standing == declared
    # Both stores: a tenth of their failures in common, the rest independent.
    loses, lost = (0.1 * each + (0.9 * each) ** 2 for each in (0.01, 1e-4))
    assert declared["checkout"][0] - declared["checkout"][1] == pytest.approx(loses - lost, rel=0.01)
    assert declared["billing"][1] == pytest.approx(0.9)
    assert contradicted["billing"][1] == pytest.approx(1.0 - 0.25 * 0.1)


async def test_failure_travels_as_it_does_in_recommendations():
    """The front does not notice that the cart fails; the cart fails with its store."""
    panel = hourly_panel("front", "cart", "store")
    cart, store = panel.rows["cart"], panel.rows["store"]
    panel.total[:] = panel.total.min(axis=0)
    panel.good[:] = np.minimum(panel.good, panel.total)
    panel.good[cart] = np.clip(panel.good[cart] - panel.bad[store], 0.0, None)
    engine = Engine(MemoryTelemetrySource(panel))
    await engine.ingest(dependencies=edges("front>cart", "cart>store", "front>store"))
    await engine.aggregate()
    declared = (await engine.use.analyse_impact.bases.current()).network

    await engine.use.learn_pass_through()
    network = (await engine.use.analyse_impact.bases.current()).network
    evidence = engine.use.recommend.evidence
    prepared = await evidence.read(await evidence.scope(["front"]), as_of=TOP, filled=0)

    def passing(of):
        ids = [service.service_id for service in of.graph.services]
        ends = zip(of.edges.from_services, of.edges.to_services, of.edges.probability, strict=True)
        return {(ids[caller], ids[called]): probability for caller, called, probability in ends}

    model = prepared.reliability
    recommended = dict(zip((edge.pair for edge in model.edges), model.pass_through.in_use, strict=True))
    assert set(passing(declared).values()) == {1.0}
    assert set(model.contradictions) == {("front", "cart"), ("front", "store")}
    assert passing(network) == {pair: share for pair, share in recommended.items() if share > 0.0}


async def test_services_without_telemetry_or_promise_are_named_not_invented():
    engine = Engine()
    await engine.ingest(dependencies=[{"caller": "a", "dependency": "b"}])

    found = await asked(engine, change("b", 0.99))

    assert found.rows[0].before == pytest.approx(1.0)
    assert "not known" in found.rows[0].reason
    assert any("of 2 services (a, b) nothing is known" in note for note in found.notes)


async def test_series_that_recommendations_refuse_say_nothing_here_either():
    """A store that never answers, beside callers that are well, is measured wrongly."""
    believed = await asked(await organisation(store=50.0), change("cart", 0.9))
    found = await asked(await organisation(store=1000.0), change("cart", 0.9))

    assert not any("nothing is known" in note for note in believed.notes)
    assert found.rows[0].before > 0.999
    assert any("of store nothing is known" in note for note in found.notes)


async def test_who_was_broken_before_and_loses_nothing_is_not_asked():
    engine = await organisation()
    for service, ratio in (("store", 0.99), ("cart", 0.9999), ("checkout", 0.9)):
        await promise(engine, service, ratio)

    found = await asked(engine, change("store", 0.999))

    first = found.rows[0]
    assert (first.service_id, first.violates, first.margin_change > 0) == ("cart", True, True)
    assert found.teams == ()
    assert "1 was not before either; nobody loses margin." in found.summary
    assert "Ask" not in found.summary
    assert "cart promises more than its own dependencies promise it" in " ".join(found.notes)


async def test_an_objective_that_the_service_cannot_keep_itself_is_said():
    engine = await organisation()
    bounds = np.array([0.1, 0.2, 0.4, np.inf])
    tail = np.array([[0, 0, 100, 0]] * 28, float)
    start = TOP.replace(hour=0) - 28 * DAY
    await engine.history.write_latency([LatencyHistory("cart", start, bounds, tail)])
    await promise(engine, "store", 0.995)

    tight = await asked(engine, change("cart", 0.999), change("cart", p95=150))
    kept = await asked(engine, change("cart", 0.99), change("cart", p95=500))

    said = [note for note in tight.notes if note.startswith("cart ")]
    assert said[0].startswith("cart cannot keep 99.9 % itself")
    # Its own 0.1 in 1,000 less the store's 0.1: nothing but what the store promises.
    assert said[0].endswith("leave 99.5 %")
    assert said[1] == "cart does not keep 150 ms itself: its p95 over the last 28 days was 390 ms"
    assert not [note for note in kept.notes if note.startswith("cart ")]


async def test_nobody_is_said_to_lose_nothing_where_that_is_not_known():
    found = await asked(await organisation(), change("store", p95=100))
    nobody = await asked(await organisation(), change("checkout", p95=100))

    assert {row.after for row in found.rows} == {None}
    assert found.summary == "2 callers of store can be affected; of 2 rows it is not known."
    assert nobody.summary == "No caller waits for checkout: nobody is affected."


async def test_latency_is_a_limit_and_says_so():
    engine = await organisation()
    bounds = np.array([0.1, 0.2, 0.4, np.inf])
    slow = {"store": [99, 1, 0, 0], "cart": [0, 99, 1, 0], "checkout": [0, 0, 100, 0]}
    await engine.history.write_latency(
        [
            LatencyHistory(name, TOP.replace(hour=0) - 28 * DAY, bounds, np.array([row] * 28, float))
            for name, row in slow.items()
        ]
    )
    await promise(engine, "store", p95=120)
    await promise(engine, "cart", p95=250)
    await promise(engine, "checkout", p95=900)

    found = await asked(engine, change("store", p95=220))

    rows = {row.service_id: row for row in found.rows}
    assert rows["cart"].violates
    assert rows["cart"].after - rows["cart"].before == pytest.approx(100)
    # Two ways, one after the other: the store's own, and the cart's.
    assert rows["checkout"].after - rows["checkout"].before == pytest.approx(200)
    assert not rows["checkout"].violates
    assert rows["checkout"].path in (("checkout", "cart", "store"), ("checkout", "store"))
    assert any("at most" in row.reason for row in found.rows)
    assert any("`composed`" in note for note in found.notes)


async def test_latency_is_composed_beside_the_limit():
    """Services that wait for each other have no limit; what the histograms make of it is told all the same."""
    engine = Engine()
    names = ("checkout", "cart", "store")
    await engine.ingest(
        services=[{"serviceId": name} for name in names],
        dependencies=[
            {"caller": "checkout", "dependency": "cart", "callWeight": 0.5},
            {"caller": "cart", "dependency": "checkout", "callWeight": 0.4},
            {"caller": "cart", "dependency": "store", "callWeight": 1.0},
        ],
    )
    await watch(engine)
    own = {"checkout": (0.05, 0.5), "cart": (0.05, 0.6), "store": (0.1, 0.5)}
    played = Played(
        own,
        [
            Dependency("checkout", "cart", call_weight=0.5),
            Dependency("cart", "checkout", call_weight=0.4),
            Dependency("cart", "store"),
        ],
    )
    start = TOP.replace(hour=0) - 28 * DAY
    await engine.history.write_latency([replace(one, start_at=start) for one in played.histories(1).values()])
    await promise(engine, "store", p95=300)

    rows = {row.service_id: row for row in (await asked(engine, change("store", p95=500))).rows}
    tighter = {row.service_id: row for row in (await asked(engine, change("store", p95=200))).rows}

    truth = 1000 * played.changed(later={"store": 0.2}).percentile("checkout", 0.95)
    composed = rows["checkout"].composed
    assert rows["checkout"].after is None
    assert 0.8 * truth < composed.low_ms + 100 < composed.high_ms + 100
    assert composed.high_ms == pytest.approx(truth, rel=0.06)
    assert "nothing queues" in composed.reason
    assert tighter["checkout"].composed.high_ms == pytest.approx(tighter["checkout"].before)


async def test_kinds_are_judged_apart_and_ordered_together():
    engine = await organisation()
    bounds = np.array([0.1, 0.2, 0.4, np.inf])
    await engine.history.write_latency(
        [
            LatencyHistory(name, TOP.replace(hour=0) - 28 * DAY, bounds, np.array([[100, 0, 0, 0]] * 28, float))
            for name in ("store", "cart", "checkout")
        ]
    )
    await promise(engine, "store", p95=100)
    await promise(engine, "cart", p95=150)
    await promise(engine, "checkout", p95=5_000)
    await promise(engine, "checkout", 0.999)

    found = await asked(engine, change("store", p95=400), change("store", 0.99), change("checkout", p95=4_000))

    told = [(row.service_id, row.kind, row.violates) for row in found.rows]
    # By the share of what is allowed that is left; no objective comes last.
    assert told == [
        ("checkout", AVAILABILITY, True),
        ("cart", P95, True),
        ("cart", AVAILABILITY, False),
    ]
    assert found.rows[0].target == SloTarget(AVAILABILITY, 0.999)
    assert found.teams == ("team-checkout", "team-cart")


async def test_who_asks_first_reads_latency_for_all_and_only_newer_hours_are_read_again(monkeypatch):
    engine = await organisation()
    bases = engine.use.analyse_impact.bases
    basis = await bases.current()
    reads = []
    real = engine.history.read_latency

    async def slow(*given):
        reads.append(1)
        await asyncio.sleep(0.01)
        return await real(*given)

    monkeypatch.setattr(engine.history, "read_latency", slow)
    await asyncio.gather(*(bases.latency(basis) for _ in range(5)))
    watermark = await engine.history.watermark()
    await engine.history.set_watermark(replace(watermark, pulled_at=NOW + HOUR))
    await bases.latency(basis)
    at_first = len(reads)
    await engine.history.set_watermark(replace(watermark, aggregated_to=TOP + HOUR))
    await bases.latency(basis)

    assert (at_first, len(reads)) == (1, 2)


async def test_series_loaded_anew_for_known_hours_are_seen_by_the_next_question():
    """A corrected file brings no newer hour, so no watermark moves."""
    engine = await organisation()
    bounds, start = np.array([0.1, 0.2, 0.4, np.inf]), TOP.replace(hour=0) - 28 * DAY

    async def load(bad, bucket):
        total = np.full((1, 28 * 24), 1000.0)
        counts = np.tile(100.0 * (np.arange(4) == bucket), (28, 1))
        panel = SliPanel(("store",), TOP - 28 * DAY, HOUR, total - bad, total)
        latency = [LatencyHistory("store", start, bounds, counts)]
        await engine.use.load_sli(LoadSliCommand(panel, latency), actor=ADMIN)

    async def told():
        bases = engine.use.analyse_impact.bases
        basis = await bases.current()
        shown = basis.seen[basis.network.graph.index["store"]]
        return shown, (await bases.latency(basis)).measured["store", P95]

    await load(0.1, 0)
    first = await told()
    engine.clock.advance(HOUR / 2)
    await load(50.0, 2)
    corrected = await told()

    assert first == (pytest.approx(1e-4), pytest.approx(95.0))
    assert corrected == (pytest.approx(0.05), pytest.approx(390.0))


async def test_histograms_are_read_a_few_batches_at_a_time():
    running, most = 0, 0

    class Slow(MemorySliHistory):
        async def read_latency(self, *given):
            nonlocal running, most
            running += 1
            most = max(most, running)
            await asyncio.sleep(0.005)
            running -= 1
            return await super().read_latency(*given)

    names = [f"s{i}" for i in range(5_000)]

    assert await measured_latency(Slow(MemoryDatabase()), names, TOP) == {}
    assert most == 4


async def test_latency_without_a_history_is_null_with_a_reason():
    engine = await organisation()

    found = await asked(engine, change("store", p95=220))

    assert {row.after for row in found.rows} == {None}
    assert {row.composed.low_ms for row in found.rows} == {None}
    assert all("not known" in row.composed.reason for row in found.rows)
    assert any("neither a p95 objective nor a latency histogram" in note for note in found.notes)


@pytest.mark.parametrize(
    ("changes", "error", "path"),
    [
        ([], Invalid, ("changes",)),
        ([change("nobody", 0.9)], ServiceNotFound, ("changes", "0", "serviceId")),
        ([change("store", 1.0)], Invalid, ("changes", "0", "availabilityPercent")),
        ([change("store", 0.9), change("store", 0.8)], Invalid, ("changes", "1")),
        ([change(f"s{i}", 0.9) for i in range(51)], TooLarge, ("changes",)),
    ],
)
async def test_changes_that_cannot_be_are_refused_by_field(changes, error, path):
    engine = await organisation()

    with pytest.raises(error) as refused:
        await asked(engine, *changes)

    assert refused.value.path == path


async def test_newer_hours_are_read_beside_the_answer():
    engine = await organisation()
    await asked(engine, change("store", 0.995))
    watermark = await engine.history.watermark()
    await engine.history.set_watermark(replace(watermark, aggregated_to=TOP + HOUR))

    first = await asked(engine, change("store", 0.995))
    bases = engine.use.analyse_impact.bases
    assert bases._refreshing is not None
    await bases._refreshing
    await asked(engine, change("store", 0.995))

    assert first.rows
    assert bases._seen is not None
    assert bases._seen.to_at == TOP + HOUR


async def test_what_impact_rests_on_is_ready_before_anybody_asks():
    engine = await organisation()
    reads = []

    async def read(*arguments):
        reads.append(arguments)
        return await MemorySliHistory.read(engine.history, *arguments)

    bases = replace_reading(engine, read)
    keeping = asyncio.create_task(KeepImpactReady(bases, every=timedelta(milliseconds=5))())

    await until(lambda: bases._basis is not None)
    command = AnalyseImpactCommand([change("store", 0.9)])
    rows = (await AnalyseImpact(bases)(command, actor=VIEWER)).rows
    await engine.ingest(dependencies=[{"caller": "entry", "dependency": "checkout", "callWeight": 1.0}])
    version = await engine.graph.version()
    await until(lambda: bases._basis[1].network.graph.version == version)
    keeping.cancel()

    assert {row.service_id for row in rows} == {"checkout", "cart"}
    assert len(reads) == 1
    assert "entry" in bases._basis[1].network.graph.index


async def test_a_store_that_is_away_is_asked_again():
    engine = await organisation()
    answers = [Unavailable("the history is away"), RuntimeError("a fault")]

    async def read(*arguments):
        if answers:
            raise answers.pop()
        return await MemorySliHistory.read(engine.history, *arguments)

    bases = replace_reading(engine, read)
    keeping = asyncio.create_task(KeepImpactReady(bases, every=timedelta(milliseconds=5))())

    await until(lambda: bases._basis is not None)

    assert not answers
    assert not keeping.done()
    keeping.cancel()


async def test_a_fault_that_stays_is_met_less_and_less_often(monkeypatch):
    pauses = []

    async def sleep(seconds):
        pauses.append(seconds)
        if len(pauses) >= 9:
            raise asyncio.CancelledError

    async def read(*_):
        raise RuntimeError("a fault")

    bases = replace_reading(await organisation(), read)
    # In this module only: other tasks of the loop go on sleeping as long as they mean to.
    monkeypatch.setattr(keep_impact_ready, "asyncio", SimpleNamespace(sleep=sleep))
    with pytest.raises(asyncio.CancelledError):
        await KeepImpactReady(bases)()

    assert pauses == [20.0, 40.0, 80.0, 160.0, 320.0, 600.0, 600.0, 600.0, 600.0]


async def test_newer_hours_that_cannot_be_read_beside_are_no_lost_error():
    engine = await organisation()
    away = []

    async def read(*arguments):
        if away:
            raise Unavailable("the history is away")
        return await MemorySliHistory.read(engine.history, *arguments)

    bases = replace_reading(engine, read)
    await bases.current()
    away.append(True)
    await engine.history.set_watermark(replace(await engine.history.watermark(), aggregated_to=TOP + HOUR))

    await bases.current()
    await asyncio.wait([bases._refreshing])

    assert bases._refreshing.exception() is None


def replace_reading(engine, read):
    """The bases of an engine whose history is read by this function."""
    history = MemorySliHistory(engine.db)
    history.read = read
    return ImpactBases(
        GraphSnapshots(engine.graph),
        history,
        engine.stores.ledger,
        LearntFindings(engine.graph, 90 * DAY),
        engine.clock,
    )
