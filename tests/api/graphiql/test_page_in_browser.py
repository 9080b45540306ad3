import re

import pytest
from playwright.async_api import Page, expect

from tests.api.graphiql.conftest import Visit
from tests.api.graphiql.toy_api import KEY

pytestmark = pytest.mark.browser


async def open_graphiql(visit: Visit, address: str) -> Page:
    await visit.page.goto(address)
    await expect(visit.page.locator(".graphiql-query-editor .view-line").first).to_be_visible()
    return visit.page


async def open_example(page: Page, title: str) -> None:
    await page.get_by_role("button", name=title).click()
    await expect(page.locator(".graphiql-query-editor")).to_contain_text(title)


async def type_query(page: Page, query: str) -> None:
    await page.get_by_role("button", name="New tab").click()
    await page.locator(".graphiql-query-editor .monaco-editor").click()
    await page.keyboard.insert_text(query)


async def run(page: Page, operation: str | None = None) -> None:
    button = page.get_by_role("button", name="Execute query")
    if operation:
        # The editor parses behind the typing; until it knows of two operations the button asks for none of them.
        await expect(button).to_have_attribute("aria-haspopup", "menu")
    await button.click()
    if operation:
        await page.get_by_role("menuitem", name=operation).click()


def hint(page: Page):
    return page.locator(".slo-header [role=alert]")


def result(page: Page):
    return page.get_by_role("region", name="Result Window")


async def test_the_printed_address_runs_an_example_and_asks_nobody_else(visit: Visit, toy_address: str):
    page = await open_graphiql(visit, f"{toy_address}/graphql#key={KEY}")

    await open_example(page, "Has anyone touched the audit log?")
    await run(page)

    await expect(result(page)).to_contain_text('"checked": 17')
    assert await page.title() == "sloengine · GraphiQL"
    assert visit.outside(toy_address) == []
    assert visit.complaints == []


async def test_the_key_leaves_the_visible_address_and_is_in_none_requested(visit: Visit, toy_address: str):
    page = await open_graphiql(visit, f"{toy_address}/graphql#key={KEY}")

    assert page.url == f"{toy_address}/graphql"
    assert KEY not in await page.evaluate("JSON.stringify(localStorage)")
    assert not [url for url in visit.requested if KEY in url.split("#")[0]]
    await page.reload()
    await open_example(page, "Has anyone touched the audit log?")
    await run(page)
    await expect(result(page)).to_contain_text('"intact": true')


async def test_without_a_key_a_bar_asks_for_one_and_a_pasted_one_works(visit: Visit, toy_address: str):
    page = await open_graphiql(visit, f"{toy_address}/graphql")
    await expect(hint(page)).to_contain_text("No API key yet")

    await page.get_by_label("API key").fill(KEY)
    await page.get_by_role("button", name="Use", exact=True).click()
    await open_example(page, "Has anyone touched the audit log?")
    await run(page)

    await expect(result(page)).to_contain_text('"checked": 17')
    await expect(hint(page)).to_have_count(0)


async def test_a_wrong_key_is_said_to_be_wrong_and_can_be_changed(visit: Visit, toy_address: str):
    page = await open_graphiql(visit, f"{toy_address}/graphql#key=slo_dev_wrong")
    await expect(hint(page)).to_contain_text("not accepted (401)")

    await page.get_by_label("API key").fill(KEY)
    await page.get_by_role("button", name="Use", exact=True).click()

    await expect(hint(page)).to_have_count(0)
    await expect(page.locator(".slo-key")).to_contain_text(KEY[-4:])


async def test_the_first_operation_of_an_example_hands_its_id_to_the_second(visit: Visit, toy_address: str):
    page = await open_graphiql(visit, f"{toy_address}/graphql#key={KEY}")
    await open_example(page, "Accept a recommendation")

    await run(page, "RecommendationToAccept")
    await expect(result(page)).to_contain_text('"recommendationId": "rec-42"')
    await expect(page.get_by_role("region", name="Variables")).to_contain_text('"recommendationId": "rec-42"')
    await run(page, "AcceptRecommendation")

    await expect(result(page)).to_contain_text("accepted-rec-42")
    await expect(page.locator(".graphiql-editor-tool .squiggly-error")).to_have_count(0)
    assert visit.complaints == []


async def test_subscriptions_carry_the_key_over_the_same_path(visit: Visit, toy_address: str):
    page = await open_graphiql(visit, f"{toy_address}/graphql#key={KEY}")

    await type_query(page, "subscription Counted { counted }")
    await run(page)

    await expect(result(page)).to_contain_text('"counted": 2')
    assert visit.outside(toy_address) == []


async def test_the_documentation_opens(visit: Visit, toy_address: str):
    page = await open_graphiql(visit, f"{toy_address}/graphql#key={KEY}")

    await page.get_by_role("button", name="Show Documentation Explorer").click()
    await page.get_by_role("link", name="Query", exact=True).click()

    await expect(page.locator(".graphiql-plugin")).to_contain_text("Is the audit log as it was written?")
    assert visit.complaints == []


async def test_unknown_fields_are_underlined_because_the_workers_run(visit: Visit, toy_address: str):
    page = await open_graphiql(visit, f"{toy_address}/graphql#key={KEY}")

    await type_query(page, "query Wrong { auditIntegrity { intact nonsense } }")

    await expect(page.locator(".squiggly-error").first).to_be_attached()


async def test_the_page_opens_with_examples_in_tabs(visit: Visit, toy_address: str):
    page = await open_graphiql(visit, f"{toy_address}/graphql#key={KEY}")

    tabs = page.get_by_role("tab", name=re.compile(".+"))

    await expect(tabs.first.get_by_role("button", name="Services")).to_be_visible()
    await expect(tabs.nth(4)).to_be_visible()
