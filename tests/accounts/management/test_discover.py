from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from io import StringIO

import pytest
from django.core.management import call_command

from accounts.aws.organizations import DiscoveryError
from accounts.management.commands import discover as command
from tests.accounts.test_services import FOUND, changed

pytestmark = pytest.mark.slow


def run(monkeypatch, found):
    monkeypatch.setattr(command, "discover_organization", lambda partition, progress: found)
    out = StringIO()
    call_command("discover", stdout=out, stderr=StringIO())
    return out.getvalue()


def refused():
    """Status, and what was said."""
    err = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("discover", stderr=err)
    return ended.value.code, err.getvalue()


@pytest.mark.django_db
def test_discover_reports_accounts_and_next_step(monkeypatch):
    text = run(monkeypatch, FOUND)
    assert "o-1 (aws, management account 100000000000): 2 accounts, 3 roots and OUs." in text
    assert "joined: 2" in text
    assert "Next: manage.py doctor" in text
    again = run(monkeypatch, FOUND)
    assert "Nothing has changed" in again
    assert "Next:" not in again


@pytest.mark.django_db
def test_discover_names_accounts_it_will_not_read(monkeypatch):
    text = run(monkeypatch, changed(status="SUSPENDED", tags=None))
    assert "100000000001 payments: SUSPENDED, will not be read" in text
    assert "Tags of 1 accounts could not be read" in text


@pytest.mark.django_db
def test_a_failed_discovery_is_one_line_and_status_1(monkeypatch):
    def fail(partition, progress):
        raise DiscoveryError("no organization; do this")

    monkeypatch.setattr(command, "discover_organization", fail)
    assert refused() == (1, "no organization; do this\n")


@pytest.mark.django_db
def test_the_region_decides_the_partition(monkeypatch):
    seen = []

    def found(partition, progress):
        seen.append(partition)
        return FOUND

    monkeypatch.setattr(command, "discover_organization", found)
    for region in ("", "us-gov-west-1", "cn-north-1"):
        monkeypatch.setenv("AWS_REGION", region)
        call_command("discover", stdout=StringIO(), stderr=StringIO())
    assert seen == ["aws", "aws-us-gov", "aws-cn"]
    monkeypatch.setenv("AWS_REGION", "mars")
    status, said = refused()
    assert status == 1
    assert said.startswith("AWS_REGION: 'mars' is not an AWS region")


def manage(*args, **env):
    command = [sys.executable, "manage.py", *args]
    return subprocess.run(command, env={**os.environ, **env}, capture_output=True, text=True, check=False, timeout=240)


@pytest.mark.parametrize("command", [("discover",), ("doctor",)])
def test_a_database_that_is_not_migrated(tmp_path, command):
    done = manage(*command, DATABASE_URL=f"sqlite:///{tmp_path}/empty.sqlite3", TUTELA_EXTERNAL_ID="x" * 32)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (
        1,
        "The database is not migrated. Run: manage.py migrate",
    )


def test_a_database_that_does_not_answer():
    done = manage("discover", DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert done.returncode == 1
    assert "The database can't be used" in done.stderr
    assert "Check DATABASE_URL" in done.stderr


def test_unknown_option_is_wrong_usage():
    assert manage("discover", "--no-such-option").returncode == 2


@pytest.mark.django_db
def test_unrecordable_account_is_named_with_status_3(monkeypatch, settings, tmp_path):
    settings.ERROR_LOG = str(tmp_path / "errors.log")
    out, err = StringIO(), StringIO()
    monkeypatch.setattr(command, "discover_organization", lambda partition, progress: changed(name="\ud83d"))
    with pytest.raises(SystemExit) as ended:
        call_command("discover", stdout=out, stderr=err)
    assert ended.value.code == 3
    assert "Not recorded: 100000000001: it can't be written" in out.getvalue()
    assert f"Internal errors are logged in {tmp_path}/errors.log" in out.getvalue()
    assert "Traceback" in (tmp_path / "errors.log").read_text()
    assert "Traceback" not in out.getvalue() + err.getvalue()


@pytest.mark.django_db
def test_discover_reports_replaced_characters(monkeypatch):
    text = run(monkeypatch, replace(FOUND, replaced=("the name of OU ou-2",)))
    assert "Characters that can't be stored are shown as \ufffd in the name of OU ou-2." in text


@pytest.mark.django_db
def test_an_internal_error_is_one_line_with_the_id_in_the_log(monkeypatch, settings, tmp_path):
    settings.ERROR_LOG = str(tmp_path / "errors.log")
    monkeypatch.setattr(command, "discover_organization", lambda partition, progress: 1 // 0)
    status, said = refused()
    assert status == 1
    assert said.startswith("Discovery failed: an internal error (ZeroDivisionError). Nothing was changed.")
    assert said.count("\n") == 1
    id = said.rpartition("under ")[2].strip(". \n")
    assert id in (tmp_path / "errors.log").read_text()
