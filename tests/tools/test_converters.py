"""The converters on the data sets themselves."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from sloengine.infrastructure.files.edges_csv import read_edges
from sloengine.infrastructure.files.latency_csv import read_latency
from sloengine.infrastructure.files.sli_csv import read_sli
from tools import homelab, nezha, petshop, topologies
from tools.real_data import ENVIRONMENT_VARIABLE, RealDataAbsent
from tools.real_data import real_data as folder_of


def ratio(panel, service_id: str) -> float:
    row = panel.rows[service_id]
    return float(np.nansum(panel.good[row]) / np.nansum(panel.total[row]))


def pairs(path: Path) -> set[tuple[str, str]]:
    return {(row["caller"], row["dependency"]) for row in read_edges(path).document["dependencies"]}


def test_petshop_keeps_its_totals_and_its_holes(real_data, tmp_path):
    petshop.convert(real_data / "petshop-low", tmp_path)

    panel = read_sli(tmp_path / "sli.csv")
    assert panel.total.shape == (41, 589)
    assert panel.step == timedelta(minutes=5)
    assert ratio(panel, "PetSite") == pytest.approx(0.99591, abs=5e-6)
    row = panel.rows["PetSite"]
    assert np.nanmean(panel.good[row] / panel.total[row]) == pytest.approx(0.9974, abs=5e-5)
    assert np.nansum(panel.bad[row]) == pytest.approx(1167, abs=1)
    empty = np.isnan(panel.total).mean()
    assert 0.1 < empty < 0.25
    zero = [s for s in panel.service_ids if np.nansum(panel.total[panel.rows[s]]) > 0 and ratio(panel, s) == 0]
    assert len(zero) == 3


def test_petshop_s_graph_has_a_component_without_metrics_and_percentiles_carry_no_target(real_data, tmp_path):
    petshop.convert(real_data / "petshop-low", tmp_path)

    edges = pairs(tmp_path / "edges.csv")
    named = {end for pair in edges for end in pair}
    measured = set(read_sli(tmp_path / "sli.csv").service_ids)
    assert ("PetSite", "AWS::StepFunctions::StateMachine") in edges
    assert len(named - measured) >= 1
    histories = read_latency(tmp_path / "latency.csv")
    assert histories["PetSite"].percentiles_only
    assert histories["PetSite"].counts.shape == (3, 1)


def test_homelab_has_a_year_of_days_of_minutes(real_data, tmp_path):
    homelab.convert(real_data / "uptime-homelab", tmp_path)

    panel = read_sli(tmp_path / "sli.csv")
    assert len(panel.service_ids) == 12
    assert panel.step == timedelta(days=1)
    assert panel.start_at == datetime(2021, 7, 26, tzinfo=UTC)
    known = ~np.isnan(panel.total)
    assert set(panel.total[known].tolist()) == {1440.0}
    assert known[panel.rows["pihole-ka"]].all()
    late = known[panel.rows["netdata-ka"]]
    assert not late[:166].any()
    assert late[166:].all()
    assert panel.good[panel.rows["pihole-ka"], 0] == 1440 - 24


def test_nezha_s_broken_exporter_comes_out_as_it_went_in_and_the_front_s_rate_is_real(real_data, tmp_path):
    nezha.convert(real_data / "nezha-online-boutique", tmp_path)

    panel = read_sli(tmp_path / "sli.csv")
    assert panel.step == timedelta(minutes=1)
    assert len(panel.service_ids) == 10
    for service_id in set(panel.service_ids) - {"frontend"}:
        assert np.nansum(panel.good[panel.rows[service_id]]) == 0
        assert np.nansum(panel.total[panel.rows[service_id]]) > 1000
    assert 0.98 < ratio(panel, "frontend") < 0.999
    assert len(pairs(tmp_path / "edges.csv")) == 14
    assert ("frontend", "checkoutservice") in pairs(tmp_path / "edges.csv")
    assert all(history.percentiles_only for history in read_latency(tmp_path / "latency.csv").values())


def test_topologies_lose_telemetry_and_start_order_and_keep_messages_as_async(real_data, tmp_path):
    written = topologies.convert(real_data / "topologies", tmp_path)

    found = {path.name.removesuffix(".edges.csv"): read_edges(path) for path in written}
    sizes = {name: len(edges.document["dependencies"]) for name, edges in found.items()}
    assert sizes == {"online-boutique": 17, "otel-demo": 43, "train-ticket": 130}
    assert found["otel-demo"].dropped == {"start-order": 58, "telemetry": 26}
    rows = found["otel-demo"].document["dependencies"]
    assert {row["dependency"] for row in rows if row.get("mode") == "ASYNC"} == {"kafka"}


@pytest.mark.parametrize(
    ("tool", "credit"),
    [(petshop, "Amazon, CC-BY-4.0"), (homelab, "ODbL"), (nezha, "MIT"), (topologies, "Apache-2.0")],
)
def test_every_converter_names_its_source_and_licence(real_data, tmp_path, monkeypatch, capsys, tool, credit):
    monkeypatch.setattr(sys, "argv", ["convert", str(tmp_path / "out")])
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(real_data))

    assert tool.main() == 0

    assert credit in capsys.readouterr().out
    assert credit in (tmp_path / "out" / "CREDIT.txt").read_text()


def test_absent_data_and_wrong_calls_are_said_plainly(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["convert", str(tmp_path / "out")])
    with pytest.raises(RealDataAbsent, match="SLOENGINE_REAL_DATA"):
        folder_of("petshop-low")

    assert petshop.main() == 3
    assert "SLOENGINE_REAL_DATA" in capsys.readouterr().err
    monkeypatch.setattr(sys, "argv", ["convert"])
    assert petshop.main() == 2
    assert "usage: python -m tools.petshop OUT_DIR" in capsys.readouterr().err
