"""`manage.py scan` where the whole story of tests/whole doesn't reach: being stopped, and several organizations."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.core.management import call_command

from accounts.aws.hub import HubError
from scans.models import Scan
from scans.pipeline import account_reader, foreground, target_worker
from tests.scans.orders import company, in_place_of_aws, volumes
from tests.scans.pipeline.test_foreground import AtOnce

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def hub(settings: Any) -> Iterator[mock.Mock]:
    """A hub that works; there is no AWS to ask."""
    settings.EXTERNAL_ID = "x" * 32
    with mock.patch("scans.management.commands.scan.require_hub") as asked:
        yield asked


def run(*words: str, **more: Any) -> tuple[int, str, str]:
    out, err = StringIO(), StringIO()
    try:
        call_command("scan", *words, stdout=out, stderr=err, **more)
    except SystemExit as ended:
        return int(str(ended.code)), out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


def stopped(scan: Scan, progress: Any) -> None:
    raise KeyboardInterrupt


def ends(state: str) -> Any:
    def run(scan: Scan, progress: Any) -> None:
        Scan.objects.filter(pk=scan.pk).update(state=state, totals={})
        scan.refresh_from_db()

    return run


def test_a_hub_that_can_not_work_starts_no_scan(hub: mock.Mock, settings: Any) -> None:
    company()
    hub.side_effect = HubError("The hub has no AWS credentials. Give it some.")
    assert run() == (1, "", "The hub has no AWS credentials. Give it some.\n")
    settings.EXTERNAL_ID = ""
    status, _, said = run()
    assert (status, said.split(".")[0]) == (1, "TUTELA_EXTERNAL_ID is not set")
    assert not Scan.objects.exists()


def test_interrupted_scan_tells_how_to_resume(monkeypatch: pytest.MonkeyPatch) -> None:
    company()
    monkeypatch.setattr(foreground, "run", stopped)
    status, _, said = run()
    scan = Scan.objects.get()
    assert status == 130
    assert said == f"Stopped. Run the same command again to continue scan {scan.pk}; what was read is kept.\n"
    monkeypatch.setattr(foreground, "run", ends("done"))
    status, out, _ = run()
    assert status == 0
    assert f"Resuming scan {scan.pk}: 0 of 3 accounts are done." in out
    assert Scan.objects.count() == 1


@pytest.mark.parametrize(("state", "status"), [("done", 0), ("partial", 3), ("cancelled", 3)])
def test_exit_status_says_whether_all_was_read(monkeypatch: pytest.MonkeyPatch, state: str, status: int) -> None:
    company()
    monkeypatch.setattr(foreground, "run", ends(state))
    assert run()[0] == status


def test_several_organizations_must_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    company(org_id="o-1")
    company(org_id="o-2")
    monkeypatch.setattr(foreground, "run", ends("done"))
    status, _, said = run()
    assert (status, said) == (2, "Several organizations are known. Choose one with --organization: o-1, o-2\n")
    assert run("--organization", "o-2")[0] == 0
    assert Scan.objects.get().organization.org_id == "o-2"
    assert run("--organization", "o-3")[2] == "The organization o-3 is not known. Run: manage.py discover\n"


def test_a_control_may_be_named_in_any_case(monkeypatch: pytest.MonkeyPatch) -> None:
    company()
    monkeypatch.setattr(foreground, "run", ends("done"))
    assert run("--control", "ssm-ps-001")[0] == 0
    assert Scan.objects.get().asked["controls"] == ["SSM-PS-001"]


def test_an_internal_error_is_one_line_with_the_id_in_the_log(
    monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path
) -> None:
    settings.ERROR_LOG = str(tmp_path / "errors.log")
    company()
    monkeypatch.setattr(foreground, "run", lambda scan, progress: 1 // 0)
    status, out, err = run()
    scan = Scan.objects.get()
    assert status == 1
    assert err.count("\n") == 1
    assert "ZeroDivisionError" in err
    assert f"Run the same command again to continue scan {scan.pk}" in err
    assert "Traceback" not in out + err
    assert err.partition("(error ")[2][:8] in (tmp_path / "errors.log").read_text()


def test_failing_account_is_named_with_reason_and_status_3(
    monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path
) -> None:
    settings.ERROR_LOG = str(tmp_path / "errors.log")
    company()

    def collect(plan: account_reader.CollectionPlan) -> account_reader.CollectionResult:
        if plan.account == "111122223334":
            raise UnicodeEncodeError("utf-8", "\ud83d", 0, 1, "surrogates not allowed")
        return volumes(plan)

    in_place_of_aws(monkeypatch, collect)
    monkeypatch.setattr(foreground, "DaemonPool", AtOnce)
    monkeypatch.setattr(foreground, "run_one_target", target_worker.run_target)
    status, out, err = run()
    assert status == 3
    (line,) = [line for line in out.splitlines() if line.startswith("Not read:")]
    assert "payments (111122223334) — An internal error of the portal (UnicodeEncodeError)" in line
    assert "Report this error with the log entry of this id" in line
    assert f"The log of internal errors is {tmp_path}/errors.log." in out
    assert "Traceback" not in out + err
    assert line.partition("(error ")[2][:8] in (tmp_path / "errors.log").read_text()


def test_general_error_is_reported_with_status_3(monkeypatch: pytest.MonkeyPatch) -> None:
    company()
    error = {"what": "telling of the scan's end", "reason": "It broke.", "what_to_do": "Report it."}

    def ended(scan: Scan, progress: Any) -> None:
        Scan.objects.filter(pk=scan.pk).update(state="done", totals={"errors": [error]})
        scan.refresh_from_db()

    monkeypatch.setattr(foreground, "run", ended)
    status, out, _ = run()
    assert status == 3
    assert "Error: telling of the scan's end failed — It broke. Report it." in out
