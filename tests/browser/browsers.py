"""A browser to test pages with: the machine's Chromium, or the one that `make test` fetched for Playwright."""

from __future__ import annotations

import functools
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

import pytest

from requirements import system
from tests.conftest import MUST_NOT_SKIP

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@contextmanager
def opened() -> Iterator[Browser]:
    """Playwright's loop runs in this thread, which Django would take for asynchronous code.

    Where no browser starts, the test is skipped and says why; in CI it fails."""
    from playwright.sync_api import Error, sync_playwright

    if trouble := driver_trouble():
        go_without(trouble)
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as tool:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        try:
            browser = tool.chromium.launch(executable_path=system.browser(), args=["--no-sandbox"])
        except Error as error:
            go_without(error.message)
        with browser:
            yield browser


@functools.cache
def driver_trouble() -> str:
    """Why Playwright's node doesn't run, or nothing. Asked first: what Playwright leaves behind when it can't start breaks
    the tests after it."""
    from playwright._impl._driver import compute_driver_executable

    node = compute_driver_executable()[0]
    done = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    return done.stderr.strip() or f"{node} ended with {done.returncode}" if done.returncode else ""


def go_without(trouble: str) -> NoReturn:
    """Skip with the line that says what to type, or with the trouble where nothing that is declared is missing."""
    missing = system.missing("browser")
    reason = system.advice(missing) if missing else f"no browser to test pages with: {trouble.splitlines()[0]}"
    if MUST_NOT_SKIP:
        pytest.fail(f"{reason}\n{trouble}")
    pytest.skip(reason)
