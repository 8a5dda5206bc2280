"""What commands say of what was not read."""

from __future__ import annotations

import pytest
from django.core.management import call_command

from governance.core.policy import SYSTEM
from scans.models import Scan
from scans.pipeline import completion
from scans.pipeline.start import cancel_scan, start_scan
from tests.scans.orders import company, in_place_of_aws, read_all

pytestmark = pytest.mark.django_db
UNJUDGED = "controls that need the whole organization were not judged"


@pytest.fixture
def scan(monkeypatch: pytest.MonkeyPatch) -> Scan:
    in_place_of_aws(monkeypatch)
    made = start_scan(actor=SYSTEM, organization=company())
    read_all(made)
    return made


def test_export_of_unjoined_scan_is_marked(scan: Scan, capsys: pytest.CaptureFixture[str]) -> None:
    cancel_scan(actor=SYSTEM, scan=scan)
    call_command("export", "outcomes", "--scan", str(scan.pk))
    assert f"Scan {scan.pk} is cancelled: 3 of 3 accounts read; {UNJUDGED}." in capsys.readouterr().err


def test_export_of_a_complete_scan_prints_no_warning(scan: Scan, capsys: pytest.CaptureFixture[str]) -> None:
    completion.advance_scan(scan.pk)
    call_command("export", "outcomes", "--scan", str(scan.pk))
    assert capsys.readouterr().err == ""
