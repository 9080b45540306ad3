import re

import httpx
import pytest
from graphql import DocumentNode, OperationDefinitionNode, build_schema, parse, validate

from sloengine.api.graphiql.examples import CHECKOUT, Example, load_examples, operations_folder
from sloengine.api.graphiql.page import ASSETS
from sloengine.api.limits import OperationMeasure
from tests.api.graphiql.toy_api import KEY, toy_api

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
SCHEMA = CHECKOUT.parent / "schema.graphql"


@pytest.fixture
async def browser_like():
    transport = httpx.ASGITransport(app=toy_api())
    async with httpx.AsyncClient(transport=transport, base_url="http://sloengine") as client:
        yield client


async def test_a_browser_gets_a_page_that_may_run_own_scripts_only(browser_like):
    answer = await browser_like.get("/graphql", headers=HTML)

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    directives = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert directives["default-src"] == "'self'"
    assert directives["script-src"] == "'self'"
    assert directives["connect-src"] == "'self'"
    assert not re.search(r"<script(?![^>]*\bsrc=)", answer.text)


async def test_every_file_the_page_names_is_served_and_lies_at_the_same_address(browser_like):
    page = (await browser_like.get("/graphql", headers=HTML)).text

    links = re.findall(r'(?:src|href)="([^"]+)"', page)

    assert len(links) == 3
    for link in links:
        assert not re.match(r"[a-z]+:|//", link)
        assert (await browser_like.get(f"/{link}")).status_code == 200


async def test_what_is_not_a_browser_is_told_to_post(browser_like):
    answer = await browser_like.get("/graphql", headers={"Accept": "application/json"})

    assert answer.status_code == 406
    assert answer.headers["content-type"] == "application/problem+json"
    assert "POST" in answer.json()["detail"]


async def test_post_stays_with_the_graphql_endpoint(browser_like):
    question = {"query": "{ auditIntegrity { checked } }"}

    answer = await browser_like.post("/graphql", json=question, headers={"X-API-Key": KEY})

    assert answer.json() == {"data": {"auditIntegrity": {"checked": 17}}}


async def test_a_browser_that_has_the_files_does_not_load_them_again(browser_like):
    first = await browser_like.get("/graphql/assets/page.js")

    again = await browser_like.get("/graphql/assets/page.js", headers={"If-None-Match": first.headers["etag"]})

    assert first.headers["cache-control"] == "no-cache"
    assert first.headers["content-type"].startswith("text/javascript")
    assert again.status_code == 304


async def test_files_outside_the_assets_are_not_served(browser_like):
    answer = await browser_like.get("/graphql/assets/..%2fpage.py")

    assert answer.status_code == 404


async def test_the_examples_are_served_in_the_order_of_their_files(browser_like):
    examples = (await browser_like.get("/graphql/examples")).json()["examples"]

    assert [example["name"] for example in examples][:3] == ["services", "recommendation", "dependency_graph"]
    assert {example["kind"] for example in examples} == {"query", "mutation"}


def test_the_built_files_carry_their_licences_and_no_source_maps():
    names = {path.name for path in ASSETS.iterdir()}

    assert {"page.js", "style.css", "favicon.svg", "LICENSES.txt", "graphql.worker.js", "json.worker.js"} <= names
    assert not [name for name in names if name.endswith(".map")]


def test_tooltips_of_icons_are_words_and_not_what_minifying_left_of_names():
    named = set(re.findall(r'"(Svg\w+)"', (ASSETS / "page.js").read_text()))

    assert {"SvgPlay", "SvgStop", "SvgPrettify", "SvgMerge", "SvgCopy", "SvgDocs", "SvgHistory"} <= named


@pytest.mark.parametrize("example", load_examples(), ids=lambda example: example.name)
def test_an_example_can_be_run_without_typing(example: Example):
    operations = [node for node in parse(example.query).definitions if isinstance(node, OperationDefinitionNode)]

    aliases = set(re.findall(r"(\w+): id\b", example.query))
    required = {
        variable.variable.name.value
        for operation in operations
        for variable in operation.variable_definitions or ()
        if variable.type.kind == "non_null_type" and variable.default_value is None
    }

    assert all(operation.name for operation in operations)
    assert required <= aliases, "each required variable needs the alias of an operation before it"


@pytest.mark.parametrize("example", load_examples(), ids=lambda example: example.name)
def test_an_example_is_valid_against_the_schema(example: Example):
    schema = build_schema(SCHEMA.read_text(encoding="utf-8"))

    errors = validate(schema, parse(example.query))

    assert [error.message for error in errors] == []


@pytest.mark.parametrize("example", load_examples(), ids=lambda example: example.name)
def test_an_example_is_within_the_limits_of_the_api(example: Example):
    document = parse(example.query)
    measure = OperationMeasure(build_schema(SCHEMA.read_text(encoding="utf-8")), document)

    problems = [measure.problem(name, {}) for name in operation_names(document)]

    assert [problem.message for problem in problems if problem] == []


def operation_names(document: DocumentNode) -> list[str]:
    return [node.name.value for node in document.definitions if isinstance(node, OperationDefinitionNode)]


def test_an_example_without_title_and_sentence_is_refused(tmp_path):
    (tmp_path / "01_bare.graphql").write_text("query Bare { __typename }")

    with pytest.raises(ValueError, match="two comment lines"):
        load_examples(tmp_path)


def test_the_examples_of_a_checkout_are_found():
    assert operations_folder() == CHECKOUT
