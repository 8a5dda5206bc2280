"""The version is written in one place and shown in the footer, in the API document and by the command."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from governance import __version__
from tests.support import readers
from tests.support.inventory import Inventory

ROOT = Path(__file__).resolve().parents[2]


def test_footer_shows_version_to_signed_in_people_only(inventory: Inventory) -> None:
    footer = f'<footer class="foot">Tutela {__version__}</footer>'
    assert footer in readers.auditor().get("/findings/").content.decode()
    signed_out = Client().get("/sign-in/").content.decode()
    assert "<footer" not in signed_out
    assert __version__ not in signed_out


def test_footer_ignores_version_of_the_page(inventory: Inventory) -> None:
    """Forms hand the version of their row to the page. The footer is about the portal."""
    footer = f'<footer class="foot">Tutela {__version__}</footer>'
    assert footer in readers.operator().get("/scans/schedules/new/").content.decode()


def test_api_document_has_version() -> None:
    assert settings.SPECTACULAR_SETTINGS["VERSION"] == __version__


@pytest.mark.parametrize("word", ["version", "--version"])
def test_command_prints_version(word: str) -> None:
    done = subprocess.run([sys.executable, "manage.py", word], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == f"Tutela {__version__}\n"


def test_package_takes_version_from_code() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "version" not in project["project"]
    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "governance.__version__"}


def test_changelog_has_unreleased_changes_and_this_version() -> None:
    page = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.findall(r"^## \[([^\]]+)\](?: - (\d{4}-\d\d-\d\d))?$", page, re.MULTILINE)
    assert versions[0] == ("Unreleased", "")
    assert versions[1][0] == __version__
    assert all(date for _, date in versions[1:])
    kinds = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert set(re.findall(r"^### (.+)$", page, re.MULTILINE)) <= kinds
