from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command

from accounts.aws.diagnosis import Diagnosis
from accounts.aws.hub import HubError
from scans.management.commands import doctor as command
from tests.accounts.test_services import LOGS, PAYMENTS, apply, changed

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


@pytest.fixture(autouse=True)
def _ready(settings):
    settings.EXTERNAL_ID = "x" * 32
    settings.SCAN_ROLE = "TutelaScan"
    settings.VALUE_ROLE = ""


@pytest.fixture
def diagnosed(monkeypatch):
    """diagnosed(sick) makes these accounts sick; returns the list of accounts that were looked at."""
    seen = []

    def start(*sick):
        def diagnose(account, **wanted):
            seen.append((account, wanted["partition"], wanted["role"], wanted["external_id"]))
            found = Diagnosis(account, tried=3, untried=["ssm:GetDocument"])
            if account in sick:
                found.problem("Refused: ssm:ListDocuments.", "Allow it.")
            return found

        monkeypatch.setattr(command, "diagnose_access", diagnose)
        return seen

    return start


def run(*args):
    """Status, and all that was said."""
    out = StringIO()
    status = 0
    try:
        call_command("doctor", *args, stdout=out, stderr=out)
    except SystemExit as stop:
        status = stop.code
    return status, out.getvalue()


def test_healthy_accounts_are_reported_fine(diagnosed):
    apply()
    seen = diagnosed()
    status, text = run()
    assert status == 0
    assert f"{PAYMENTS.id} payments: fine (3 actions tried, 1 can only be tried on a resource)" in text
    assert "2 of 2 accounts are fine." in text
    assert sorted(seen) == [(id, "aws", "TutelaScan", "x" * 32) for id in (PAYMENTS.id, LOGS.id)]


def test_failing_account_is_named_with_advice(diagnosed):
    apply()
    diagnosed(LOGS.id)
    status, text = run()
    assert status == 3
    assert f"{LOGS.id} logs: 1 problem\n    Refused: ssm:ListDocuments. Allow it." in text
    assert "1 of 2 accounts are fine." in text


def test_suspended_account_is_reported_without_a_task(diagnosed):
    apply(changed(status="SUSPENDED"))
    seen = diagnosed()
    status, text = run()
    assert (status, [account for account, *_ in seen]) == (0, [LOGS.id])
    assert f"{PAYMENTS.id} payments: not tried. It is SUSPENDED in the organization" in text
    assert "1 of 1 accounts are fine; 1 was not tried" in text
    status, text = run("--account", PAYMENTS.id)
    assert status == 0
    assert text.splitlines()[-1] == "1 was not tried: roles in inactive accounts can't be assumed."


def test_configured_value_role_is_diagnosed(diagnosed, settings):
    settings.VALUE_ROLE = "TutelaValues"
    apply()
    seen = diagnosed(LOGS.id)
    _, text = run("--account", LOGS.id)
    assert [role for *_, role, _ in seen] == ["TutelaScan", "TutelaValues"]
    assert "2 problems" in text
    assert "The value role: Refused: ssm:ListDocuments. Allow it." in text


def test_single_account_is_diagnosed_alone(diagnosed):
    apply()
    seen = diagnosed()
    assert run("--account", LOGS.id)[0] == 0
    assert [account for account, *_ in seen] == [LOGS.id]


def test_no_account_is_known(diagnosed):
    diagnosed()
    assert run() == (1, "No account is known. Run: manage.py discover\n")


def test_an_account_that_is_not_known(diagnosed):
    apply()
    diagnosed()
    status, text = run("--account", "999999999999")
    assert status == 2
    assert text == "Unknown account: 999999999999. Run manage.py discover first.\n"


def test_no_external_id(diagnosed, settings):
    apply()
    diagnosed()
    settings.EXTERNAL_ID = ""
    status, text = run()
    assert status == 1
    assert text.startswith("TUTELA_EXTERNAL_ID is not set. Set it to")


def test_hub_failure_is_reported_once(diagnosed, monkeypatch):
    apply()
    diagnosed()

    def fail(account, **wanted):
        raise HubError("The hub has no AWS credentials.")

    monkeypatch.setattr(command, "diagnose_access", fail)
    assert run() == (1, "The hub has no AWS credentials.\n")
