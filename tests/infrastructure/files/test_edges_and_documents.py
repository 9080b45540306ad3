"""Edge lists and ingestion documents."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sloengine.domain.errors import TooLarge
from sloengine.infrastructure.files.documents import MAX_DOCUMENT_BYTES, read_document, read_ingestion_file
from sloengine.infrastructure.files.edges_csv import read_edges, write_edges
from sloengine.infrastructure.files.problems import FileProblem


def written(tmp_path: Path, name: str, text: str) -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


def test_every_column_becomes_the_field_of_a_dependency_input(tmp_path):
    path = written(
        tmp_path,
        "edges.csv",
        "caller,dependency,mode,criticality,protocol,timeout_ms,call_weight,redundancy_group,required,confidence\n"
        "a,b,async,Soft,grpc,250,1.5,replicas,2,0.9\nb,c,,,,,,,,\n",
    )

    edges = read_edges(path)

    assert edges.document == {
        "services": [],
        "dependencies": [
            {
                "caller": "a",
                "dependency": "b",
                "mode": "ASYNC",
                "criticality": "SOFT",
                "protocol": "grpc",
                "timeoutMs": 250,
                "callWeight": 1.5,
                "redundancyGroup": "replicas",
                "required": 2,
                "confidence": 0.9,
            },
            {"caller": "b", "dependency": "c"},
        ],
    }
    assert edges.lines == (2, 3)


def test_rows_that_are_no_calls_are_dropped_with_a_count_and_messaging_is_async(tmp_path):
    path = written(
        tmp_path,
        "edges.csv",
        "source,target,kind\na,collector,telemetry\na,b,start-order\na,queue,messaging\na,db,db\na,c,start_order\n",
    )

    edges = read_edges(path)

    assert edges.document["dependencies"] == [
        {"caller": "a", "dependency": "queue", "mode": "ASYNC"},
        {"caller": "a", "dependency": "db"},
    ]
    assert edges.dropped == {"telemetry": 1, "start-order": 2}


def test_of_several_kinds_on_one_pair_the_strongest_stays(tmp_path):
    path = written(
        tmp_path,
        "edges.csv",
        "source,target,kind\na,b,messaging\na,b,call\na,b,db\na,c,messaging\na,b,telemetry\n",
    )

    edges = read_edges(path)

    assert edges.document["dependencies"] == [
        {"caller": "a", "dependency": "b"},
        {"caller": "a", "dependency": "c", "mode": "ASYNC"},
    ]
    assert edges.collapsed == 2


def test_a_kind_that_nobody_knows_counts_as_a_call_and_is_named(tmp_path):
    edges = read_edges(written(tmp_path, "edges.csv", "source,target,kind\na,b,carrier-pigeon\n"))

    assert edges.document["dependencies"] == [{"caller": "a", "dependency": "b"}]
    assert edges.warnings == ("kind 'carrier-pigeon' is not known (1 rows) and counts as a call",)


BAD_EDGES = (
    "caller,dependency,mode,criticality,call_weight,required\n"
    "a,a,,,,\n"
    "a,b,sometimes,,,\n"
    "a,b,,firm,,\n"
    "a,b,,,many,\n"
    "a,b,,,0,\n"
    "a,b,,,,1.5\n"
    "a,,,,,\n"
    f"a,{'x' * 254},,,,\n"
    "a,b,,,nan,\n"
)


def test_wrong_values_are_reported_with_their_lines(tmp_path):
    with pytest.raises(FileProblem) as caught:
        read_edges(written(tmp_path, "edges.csv", BAD_EDGES))

    assert [problem.line for problem in caught.value.problems] == list(range(2, 11))
    assert "mode:" in str(caught.value)


def test_for_an_ingestion_wrong_values_stay_in_their_rows_to_be_rejected_one_by_one(tmp_path):
    document, warnings = read_ingestion_file(written(tmp_path, "edges.csv", BAD_EDGES + "a,ok,,,,\n"))

    assert len(document["dependencies"]) == 10
    assert document["dependencies"][1]["mode"] == "sometimes"
    assert document["dependencies"][3]["callWeight"] == "many"
    assert document["dependencies"][-1] == {"caller": "a", "dependency": "ok"}
    assert warnings == ()


def test_an_edge_list_without_its_columns_is_refused(tmp_path):
    with pytest.raises(FileProblem, match="column dependency is missing"):
        read_edges(written(tmp_path, "edges.csv", "caller,callee\na,b\n"))


names = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=20)


@given(
    rows=st.lists(
        st.fixed_dictionaries(
            {"caller": names, "dependency": names},
            optional={
                "mode": st.sampled_from(["SYNC", "ASYNC"]),
                "criticality": st.sampled_from(["HARD", "SOFT", "DEGRADED"]),
                "callWeight": st.floats(1e-6, 1e6),
                "timeoutMs": st.integers(1, 10**6),
                "required": st.integers(1, 9),
                "redundancyGroup": names,
            },
        ).filter(lambda row: row["caller"] != row["dependency"]),
        min_size=1,
        max_size=6,
        unique_by=lambda row: (row["caller"], row["dependency"]),
    )
)
def test_what_is_written_reads_back_the_same(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("trip") / "edges.csv"
    document = {"services": [], "dependencies": rows}

    write_edges(path, document)

    assert read_edges(path).document == document


DOCUMENT = {
    "services": [{"serviceId": "no", "team": "shop", "metadata": {"simulated": True, "tier": 1}}],
    "dependencies": [{"caller": "no", "dependency": "b", "callWeight": 1.5}],
}


def test_json_yaml_and_packed_documents_say_the_same(tmp_path):
    as_json = written(tmp_path, "d.json", json.dumps(DOCUMENT))
    as_yaml = written(
        tmp_path,
        "d.yml",
        "services:\n- {serviceId: no, team: shop, metadata: {simulated: true, tier: 1}}\n"
        "dependencies:\n- caller: no\n  dependency: b\n  callWeight: 1.5\n",
    )
    packed = tmp_path / "d.json.gz"
    packed.write_bytes(gzip.compress(as_json.read_bytes()))

    assert read_document(as_json) == read_document(as_yaml) == read_document(packed) == DOCUMENT


@pytest.mark.parametrize(
    ("name", "text", "part"),
    [
        ("d.json", '{"dependencies": [\n{"caller": NaN}]}', "line 2: not JSON"),
        ("d.json", "[" * 5000, "not JSON"),
        ("d.json", "[]", "a mapping with the lists"),
        ("d.json", '{"dependencies": {}, "edges": []}', "found edges"),
        ("d.json", '{"dependencies": {"a": "b"}}', "'dependencies' must be a list"),
        ("d.json", '{"dependencies": ["a"]}', r"dependencies\[0\] must be a mapping, is str"),
        ("d.yaml", "dependencies:\n- {caller: a", "line 3: not YAML"),
        ("d.yaml", "services: &a [{x: 1}]\ndependencies: *a", "line 2: aliases"),
        ("d.yaml", "[" * 100_000, "nested too deeply"),
        ("d.yaml", "dependencies:\n- caller: a\n  caller: b", "line 3: .*'caller' stands twice"),
        ("d.yaml", "dependencies: !!python/object:os.system x", "could not determine a constructor"),
        ("d.yaml", "dependencies: [{1: a}]", "keys must be text"),
        ("d.toml", "", "documents are .json"),
    ],
)
def test_a_document_that_is_none_is_refused_with_the_place(tmp_path, name, text, part):
    with pytest.raises(FileProblem, match=part):
        read_document(written(tmp_path, name, text))


def test_ten_megabytes_are_the_limit_packed_or_not(tmp_path):
    big = tmp_path / "d.json"
    big.write_bytes(b" " * (MAX_DOCUMENT_BYTES + 1))
    packed = tmp_path / "d.json.gz"
    packed.write_bytes(gzip.compress(big.read_bytes()))

    for path in (big, packed):
        with pytest.raises(TooLarge, match="10 MB"):
            read_document(path)
