"""`manage.py scan` where the whole story of tests/whole doesn't reach: being stopped, and several organizations."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from typing import Any
from unittest import mock

import pytest
from django.core.management import call_command

from accounts.aws.hub import HubError
from scans import foreground
from scans.models import Scan
from tests.scans.orders import company

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


def test_stopped_by_hand_it_says_how_to_go_on_and_does(monkeypatch: pytest.MonkeyPatch) -> None:
    company()
    monkeypatch.setattr(foreground, "run", stopped)
    status, _, said = run()
    scan = Scan.objects.get()
    assert status == 130
    assert said == f"Stopped. The same manage.py scan goes on with scan {scan.pk}: what was read stays read.\n"
    monkeypatch.setattr(foreground, "run", ends("done"))
    status, out, _ = run()
    assert status == 0
    assert f"Resuming scan {scan.pk}: 0 of 3 accounts are done." in out
    assert Scan.objects.count() == 1


@pytest.mark.parametrize(("state", "status"), [("done", 0), ("partial", 3), ("cancelled", 3)])
def test_the_status_says_whether_all_was_read(monkeypatch: pytest.MonkeyPatch, state: str, status: int) -> None:
    company()
    monkeypatch.setattr(foreground, "run", ends(state))
    assert run()[0] == status


def test_several_organizations_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    company(org_id="o-1")
    company(org_id="o-2")
    monkeypatch.setattr(foreground, "run", ends("done"))
    status, _, said = run()
    assert (status, said) == (2, "Several organizations are known; name one: --organization o-1, o-2\n")
    assert run("--organization", "o-2")[0] == 0
    assert Scan.objects.get().organization.org_id == "o-2"
    assert run("--organization", "o-3")[2] == "The organization o-3 is not known. Run: manage.py discover\n"


def test_a_control_may_be_named_in_any_case(monkeypatch: pytest.MonkeyPatch) -> None:
    company()
    monkeypatch.setattr(foreground, "run", ends("done"))
    assert run("--control", "ssm-ps-001")[0] == 0
    assert Scan.objects.get().asked["controls"] == ["SSM-PS-001"]
