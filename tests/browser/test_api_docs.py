"""The API's page in a browser: it works under the portal's policy, and asks nothing of anybody else."""

from __future__ import annotations

import pytest

from governance.core.policy import Role, ScopeKind
from tests.browser.browsers import opened
from tests.support.inventory import ORG
from tests.support.people import person, signed_in

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_api_docs_list_endpoints_and_try_one(live_server, inventory, settings):
    settings.SESSION_COOKIE_NAME, settings.SESSION_COOKIE_SECURE = "tutela-session", False  # the test server has no TLS
    person_in = signed_in(person("anna", (Role.AUDITOR, ScopeKind.ORGANIZATION, ORG)))
    value = person_in.cookies[settings.SESSION_COOKIE_NAME].value
    cookie = {"name": settings.SESSION_COOKIE_NAME, "value": value, "url": live_server.url}
    said: list[str] = []
    asked: list[str] = []
    with opened() as browser:
        context = browser.new_context()
        context.add_cookies([cookie])
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{live_server.url}/api/v1/docs/")
        page.locator(".opblock-summary-path", has_text="/accounts/").first.click()
        page.get_by_role("button", name="Try it out").click()
        page.get_by_role("button", name="Execute").click()
        answer = page.locator(".live-responses-table .response-col_status")
        answer.first.wait_for()
        assert "200" in page.locator(".live-responses-table").inner_text()
    assert said == []
    assert [url for url in asked if not url.startswith((live_server.url, "data:"))] == []
