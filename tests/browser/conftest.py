"""A browser on a served portal. Everything that the console says, and every refusal of the policy, is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from governance.identity.models import User
from tests.browser.browsers import opened
from tests.support.people import PASSWORD, current_code, enrol

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

WATCH = "document.addEventListener('securitypolicyviolation', e => console.error('policy: ' + e.violatedDirective));"


@dataclass
class Window:
    """A page, its base address, and what went wrong in it."""

    page: Page
    base: str
    said: list[str] = field(default_factory=list)

    def open(self, path: str) -> None:
        """Open a page and wait until it and what it names have loaded; no page of ours fetches more by itself at first."""
        self.page.goto(self.base + path)

    def overflow(self) -> int:
        """Pixels by which the page is wider than the window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))

    def axe(self, *only: str) -> list[str]:
        """Serious and critical violations of WCAG, by all rules or only these, as lines to read."""
        import axe_playwright_python

        self.page.evaluate((Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8"))
        found = self.page.evaluate("only => axe.run(only.length ? {runOnly: only} : {})", list(only))["violations"]
        return [
            f"{item['id']} {node['target']} {node['failureSummary']}"
            for item in found
            if item["impact"] in {"serious", "critical"}
            for node in item["nodes"]
        ]


@pytest.fixture(scope="module")
def chromium(django_db_setup: None) -> Iterator[Browser]:
    """A module's, no longer: its loop would stand in the way of other modules' tests."""
    with opened() as browser:
        yield browser


@pytest.fixture
def window(chromium: Browser, live_server: Any) -> Iterator[Callable[..., Window]]:
    """Opens windows: window(color_scheme="dark", viewport={…})."""
    contexts = []

    def opened_window(**options: Any) -> Window:
        context = chromium.new_context(**options)
        contexts.append(context)
        context.add_init_script(WATCH)
        made = Window(context.new_page(), live_server.url)
        made.page.on("console", lambda message: made.said.append(f"{made.page.url} {message.text}"))
        made.page.on("pageerror", lambda error: made.said.append(f"{made.page.url} {error}"))
        return made

    yield opened_window
    for context in contexts:
        context.close()


@pytest.fixture
def sign_in() -> Callable[[Window, User], None]:
    """Signs a person in as they do it themselves: password, then the code of their authenticator app."""

    def enter(window: Window, user: User) -> None:
        seed = enrol(user)
        window.open("/sign-in/")
        window.page.get_by_label("User name").fill(user.username)
        window.page.get_by_label("Password").fill(PASSWORD)
        window.page.get_by_role("button", name="Sign in", exact=True).click()
        window.page.locator("input[name=code]").wait_for()
        window.page.locator("input[name=code]").fill(current_code(seed))
        window.page.get_by_role("button", name="Sign in", exact=True).click()
        window.page.wait_for_url(window.base + "/")

    return enter
