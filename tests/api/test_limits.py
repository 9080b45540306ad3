from __future__ import annotations

import pytest
from graphql import parse

from sloengine.api.limits import MAX_ALIASES, MAX_COST, MAX_DEPTH, OperationMeasure
from sloengine.api.schema import schema
from tests.api.door import Door, open_door
from tests.processor_time import processor_seconds


def measure(query: str, **variables: object):
    return OperationMeasure(schema._schema, parse(query)).measured(None, variables)


async def code_of(door: Door, query: str, **variables: object) -> str:
    (error,) = await door.errors(query, **variables)
    return str(error["extensions"]["code"])


async def test_a_document_of_too_many_tokens_is_not_parsed(door: Door):
    assert await code_of(door, "{" + " __typename" * 5_000 + "}") == "TOO_MANY_TOKENS"


async def test_too_deep(door: Door):
    inside = "serviceId"
    for _ in range(MAX_DEPTH):
        inside = f"dependencies(first: 1) {{ nodes {{ dependency {{ {inside} }} }} }}"

    assert await code_of(door, f'{{ service(by: {{ serviceId: "a" }}) {{ {inside} }} }}') == "TOO_DEEP"


async def test_too_many_aliases(door: Door):
    fields = " ".join(f"a{n}: __typename" for n in range(MAX_ALIASES + 1))

    assert await code_of(door, f"{{ {fields} }}") == "TOO_MANY_ALIASES"


async def test_pages_within_pages_cost_their_product(door: Door):
    query = """query($first: Int) { services(first: $first) {
      nodes { dependencies(first: 200) { nodes { isStale } } } } }"""

    assert await code_of(door, query, first=200) == "TOO_COSTLY"
    assert (await door.ask(query, first=1))["services"]["nodes"] == []


def test_cost_counts_the_fields_of_the_answer():
    assert measure("{ services(first: 10) { nodes { serviceId name } totalCount } }").cost == 1 + 1 + 10 * (1 + 2)


def test_services_of_a_shared_cause_count_as_many_as_they_can_be():
    query = "{ driftEvents(first: 10) { nodes { sharedCause { services { serviceId } } } } }"

    assert measure(query).cost == 1 + 10 * (1 + 1 + 50 * 2)


def test_a_page_size_from_a_variable_or_its_default_counts():
    query = "query($n: Int = 7) { services(first: $n) { nodes { name } } }"

    assert measure(query).cost == 1 + 7 * 2
    assert measure(query, n=100).cost == 1 + 100 * 2


def test_a_list_with_a_page_size_of_its_own_counts_as_that_wherever_it_is():
    members = "{ services(first: 10) { nodes { supernode { members(first: 30) { name } } } } }"
    by_default = "{ services(first: 10) { nodes { supernode { members { name } } } } }"

    assert measure(members).cost == 1 + 10 * (1 + 1 + 30 * 2)
    assert measure(by_default).cost == 1 + 10 * (1 + 1 + 20 * 2)


def test_a_page_size_inside_a_fragment_counts():
    query = "query { ...F } fragment F on Query { services(first: 150) { edges { node { name } } } }"

    assert measure(query).cost == 1 + 150 * (1 + (1 + 1))


def test_a_usual_look_at_two_hundred_services_is_within_the_limits():
    query = """{ services(first: 200) { nodes { serviceId name team criticality
      recommendation(sliType: AVAILABILITY) { ... on Recommendation {
        summary confidence
        tiers { name targets { availabilityPercent probabilityMet interval { low high } } } } } } } }"""

    assert measure(query).cost < MAX_COST


TIERS = "{ ... on Recommendation { tiers { name targets { availabilityPercent thresholdMs probabilityMet } } } }"
EXPORT = """query ($names: [String!], $format: JourneyExportFormat!) {
  exportJourneys(names: $names, format: $format) { files { path } } }"""


def test_an_export_of_journeys_costs_what_is_worked_out_for_it_not_the_fields_that_are_asked_for():
    asked = measure(f"{{ journeys(first: 200) {{ nodes {{ name availability {TIERS} latency {TIERS} }} }} }}").cost

    written = measure("{ exportJourneys(format: OPENSLO_V1) { format } }").cost
    saved = measure("{ exportJourneys(format: FILE) { format } }").cost
    many = " ".join(f"e{n}: exportJourneys(format: OPENSLO_V1) {{ format }}" for n in range(MAX_ALIASES))

    assert asked * 0.9 < written < MAX_COST / 2
    assert saved < written / 4
    assert measure(f"{{ {many} }}").cost > MAX_COST


def test_an_export_of_journeys_costs_by_how_many_are_named():
    one = measure(EXPORT, names=["a"], format="OPENSLO_V1").cost
    two = measure(EXPORT, names=["a", "b"], format="OPENSLO_V1").cost
    all_of_them = measure(EXPORT, format="OPENSLO_V1").cost

    assert measure('{ exportJourneys(names: ["a", "b"], format: OPENSLO_V1) { files { path } } }').cost == two
    assert two - one > 100
    assert all_of_them == one + 199 * (two - one)
    assert measure(EXPORT, names=["a"], format="FILE").cost < one


def test_a_variable_that_is_null_has_not_the_size_of_its_default():
    export = 'query ($n: [String!] = ["a"]) { exportJourneys(names: $n, format: OPENSLO_V1) { format } }'
    page = "query ($n: Int = 1) { services(first: $n) { nodes { name } } }"

    assert measure(export, n=None).cost > 100 * measure(export).cost
    assert measure(page, n=None).cost == 1 + 50 * 2
    assert measure(page, n=200.0).cost == 1 + 200 * 2


def test_fragments_that_multiply_each_other_are_measured_in_no_time():
    levels = 150
    fragments = " ".join(
        f"fragment F{n} on Query {{ a{n}: __typename ...F{n + 1} ...F{n + 1} }}" for n in range(levels)
    )
    query = f"{{ ...F0 }} {fragments} fragment F{levels} on Query {{ __typename }}"

    spent, measured = processor_seconds(lambda: measure(query), 1)

    assert measured.aliases > 2**100
    assert spent < 1


async def test_an_operation_that_is_too_large_never_reaches_a_store(door: Door):
    await door.errors("{ services(first: 200) { nodes { callers(first: 200) { nodes { isStale } } } } }")

    assert not door.counts


async def test_the_same_text_is_parsed_once_and_still_measured_each_time(
    door: Door, monkeypatch: pytest.MonkeyPatch
):
    query = "query($n: Int) { services(first: $n) { nodes { callers(first: 200) { nodes { isStale } } } } }"
    await door.ask(query, n=2)
    parsed: list[str] = []
    monkeypatch.setattr("strawberry.schema.schema.parse", lambda text, **_: parsed.append(text))

    await door.ask(query, n=3)

    assert parsed == []
    assert await code_of(door, query, n=200) == "TOO_COSTLY"


@pytest.mark.parametrize("first", [0, -1, 201])
async def test_first_is_one_to_two_hundred(door: Door, first: int):
    (error,) = await door.errors("query($n: Int) { services(first: $n) { totalCount } }", n=first)

    assert error["extensions"]["code"] in {"INVALID", "TOO_LARGE"}
    assert error["extensions"]["argument"] == ["first"]


async def test_introspection_works_in_development_and_not_in_production(door: Door):
    query = "{ __schema { queryType { name } } }"
    assert (await door.ask(query))["__schema"]["queryType"]["name"] == "Query"

    from sloengine.api.schema import build_schema

    closed = await build_schema(introspection=False).execute(query)
    assert closed.errors
    assert "introspection" in closed.errors[0].message.lower()


async def test_a_mistake_in_the_query_is_told_with_its_place(door: Door):
    (parse_error,) = await door.errors("{ services(")
    (validation_error,) = await door.errors("{ servces { totalCount } }")

    assert parse_error["extensions"]["code"] == "PARSE_FAILED"
    assert validation_error["extensions"]["code"] == "VALIDATION_FAILED"
    assert validation_error["locations"] == [{"line": 1, "column": 3}]


async def test_a_bad_variable_is_bad_input(door: Door):
    (error,) = await door.errors("query($n: Int) { services(first: $n) { totalCount } }", n="many")

    assert error["extensions"]["code"] == "BAD_INPUT"


async def test_two_apps_of_different_kind_do_not_share_what_they_know():
    async with open_door() as door:
        await door.ask("{ __schema { queryType { name } } }")
    from sloengine.api.schema import build_schema

    assert (await build_schema(introspection=False).execute("{ __schema { queryType { name } } }")).errors
