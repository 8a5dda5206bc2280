"""A browser to test pages with: the machine's Chromium, or the one that `make test` fetched for Playwright."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from shutil import which
from typing import TYPE_CHECKING

import pytest

from tests.conftest import MUST_NOT_SKIP

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NAMES = ("chromium", "chromium-browser", "google-chrome")


@contextmanager
def opened() -> Iterator[Browser]:
    """Playwright's loop runs in this thread, which Django would take for asynchronous code.

    Where no browser starts, the test is skipped and says why; in CI it fails."""
    from playwright.sync_api import Error, sync_playwright

    with pytest.MonkeyPatch.context() as patch, sync_playwright() as tool:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        own = next(filter(None, map(which, NAMES)), None)
        try:
            browser = tool.chromium.launch(executable_path=own, args=["--no-sandbox"])
        except Error as error:
            if MUST_NOT_SKIP:
                raise
            pytest.skip(f"no browser to test pages with (install Chromium): {error.message.splitlines()[0]}")
        with browser:
            yield browser
