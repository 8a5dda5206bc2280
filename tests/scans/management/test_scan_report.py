"""What `manage.py scan` says while it runs and when it has ended."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from accounts.aws.gap_kinds import WHAT_TO_DO, GapKind
from accounts.models import Account
from scans import registry
from scans.management import scan_report
from scans.models import Scan, Target
from scans.pipeline import completion
from tests.scans.stored import account, parameters, scanned, volumes

pytestmark = pytest.mark.django_db

CONTROLS = ["SSM-EB-001", "SSM-PS-001"]
HOSTILE = "[bold]red[/bold] <b>x</b>"


def gap(api: str, region: str = "eu-west-1", **more: str) -> dict[str, str]:
    service, operation = api.split(".")
    held = {"kind": "denied", "api": api, "action": f"{service}:{operation}", "region": region, "code": "AccessDenied"}
    return held | more


@pytest.fixture
def target() -> Target:
    return scanned(account(), parameters(db_password="String", plain="fine"), volumes(), controls=CONTROLS)


def ended(scan: Scan) -> Scan:
    scan.state, scan.totals = "done", completion.sum_scan_totals(scan)
    scan.save()
    return scan


def row(text: str, start: str) -> list[str]:
    (line,) = [line for line in text.splitlines() if line.replace("│", " ").strip().startswith(start)]
    return [cell.strip() for cell in line.split("│")[1:-1]]


def test_the_tables_by_control_and_by_account(target: Target) -> None:
    Target.objects.filter(pk=target.pk).update(calls=31)
    text = scan_report.render_summary(ended(target.scan))
    assert row(text, "SSM-PS-001")[1] == registry.controls()["SSM-PS-001"].control.severity
    assert row(text, "SSM-PS-001")[-4:] == ["1", "1", "0", "0"]
    assert row(text, "SSM-EB-001")[-4:] == ["1", "0", "0", "0"]
    assert row(text, "111122223333")[-6:] == ["2", "1", "0", "0", "31", "complete"]
    assert "1 failing, 0 unknown, 2 passing" in text


def test_only_the_controls_that_were_asked_for_are_listed(target: Target) -> None:
    assert "SSM-KM-001" not in scan_report.render_summary(ended(target.scan))


def test_findings_of_other_scans_are_not_in_the_table(target: Target) -> None:
    """Only one region was asked for: the posture has more of that control."""
    elsewhere = Target.objects.get(pk=target.pk)
    scanned(target.account, parameters("us-east-1", other="String"), controls=CONTROLS)
    text = scan_report.render_summary(ended(elsewhere.scan))
    assert "in this scan" in text
    assert row(text, "SSM-PS-001")[-4:] == ["1", "1", "0", "0"]
    assert row(text, "SSM-EB-001")[-4:] == ["1", "0", "0", "0"]


def test_long_lines_are_not_wrapped_without_a_terminal(target: Target) -> None:
    Account.objects.update(name="n" * 150)
    error = {"reason": "AWS refused. " * 30, "what_to_do": "Deploy the scan role."}
    Target.objects.filter(pk=target.pk).update(state="unreadable", error=error)
    lines = scan_report.render_summary(ended(target.scan)).splitlines()
    assert next(line for line in lines if line.startswith("Not read:")).endswith("Deploy the scan role.")
    assert row("\n".join(lines), "111122223333")[1] == "n" * 150
    assert max(map(len, scan_report.render_summary(target.scan, 90).split("Not read:")[0].splitlines())) <= 90


def test_a_gap_is_named_once_for_all_its_regions(target: Target) -> None:
    gaps = [gap("ssm.ListDocuments"), gap("ssm.ListDocuments", "us-east-1"), gap("kms.ListAliases")]
    Target.objects.filter(pk=target.pk).update(gaps=gaps)
    lines = scan_report.list_unread_accounts(target.scan)
    assert [line.split(" — ")[1].split(". ")[0] for line in lines] == [
        "kms.ListAliases was denied (AccessDenied; needs kms:ListAliases) in eu-west-1",
        "ssm.ListDocuments was denied (AccessDenied; needs ssm:ListDocuments) in eu-west-1, us-east-1",
    ]
    assert all(line.endswith(WHAT_TO_DO[GapKind.DENIED]) for line in lines), "what to do, as everywhere"
    assert row(scan_report.render_summary(ended(target.scan)), "111122223333")[-1] == "in part"


def test_unlistable_regions_are_reported_with_those_read(target: Target) -> None:
    gaps = [gap("account.ListRegions", "global"), gap("ec2.DescribeRegions", "global")]
    Target.objects.filter(pk=target.pk).update(gaps=gaps)
    lines = [line.split(" — ")[1] for line in scan_report.list_unread_accounts(target.scan)]
    assert lines[0] == "the regions could not be listed; only the configured ones were read: eu-west-1"
    assert len(lines) == 3


def test_unrequested_regions_are_no_gap(target: Target) -> None:
    limited = gap("scan.Regions", "other regions", kind="not_read", code="RegionsLimited")
    Target.objects.filter(pk=target.pk).update(gaps=[limited])
    assert scan_report.list_unread_accounts(target.scan) == []
    assert row(scan_report.render_summary(ended(target.scan)), "111122223333")[-1] == "complete"


def test_long_gap_list_is_shortened(target: Target) -> None:
    Target.objects.filter(pk=target.pk).update(gaps=[gap(f"ssm.Read{n:02d}") for n in range(40)])
    lines = scan_report.list_unread_accounts(target.scan)
    assert len(lines) == scan_report.MAX_LISTED_GAPS + 1
    assert f"and {40 - scan_report.MAX_LISTED_GAPS} more" in lines[-1]


def test_gap_of_many_accounts_is_one_line(target: Target) -> None:
    shops = [account(f"55556666000{n}") for n in range(scan_report.MAX_NAMED_ACCOUNTS)]
    for shop in (target.account, *shops):
        read, _ = Target.objects.get_or_create(scan=target.scan, account=shop)
        Target.objects.filter(pk=read.pk).update(gaps=[gap("ssm.ListDocuments")], state="done")
    last = Target.objects.get(account=shops[-1])
    Target.objects.filter(pk=last.pk).update(gaps=[gap("ssm.ListDocuments"), gap("kms.ListAliases")])
    shared, single = sorted(scan_report.list_unread_accounts(target.scan), key=len, reverse=True)
    assert shared.startswith("Gap: 4 accounts, such as shop 111122223333 (111122223333), shop 555566660000 (")
    assert single.startswith(f"Gap: {shops[-1]} — kms.ListAliases was denied")


def test_unreadable_account_shows_reason_and_advice(target: Target) -> None:
    error = {"reason": "AWS refused.", "what_to_do": "Deploy the scan role."}
    Target.objects.filter(pk=target.pk).update(state="unreadable", error=error)
    text = scan_report.render_summary(ended(target.scan))
    assert "Not read: shop 111122223333 (111122223333) — AWS refused. Deploy the scan role." in " ".join(text.split())
    assert row(text, "111122223333")[-1] == "no"


def test_hostile_name_is_printed_unchanged(target: Target) -> None:
    Account.objects.update(name=HOSTILE)
    assert HOSTILE in " ".join(scan_report.render_summary(ended(target.scan)).split())


def test_without_a_terminal_each_step_is_one_line(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr(scan_report, "Console", lambda **_: Console(file=out, width=200))
    Target.objects.filter(pk=target.pk).update(calls=31, gaps=[gap("ssm.ListDocuments")])
    with scan_report.ScanProgressBar(target.scan) as progress:
        progress.update()
        progress.update()
    assert out.getvalue().splitlines() == [f"Scan {target.scan_id}: 1 of 1 accounts, 31 calls, 1 failing, 1 gaps"]


def test_terminal_progress_bar_shows_calls_and_time_left(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr(scan_report, "Console", lambda **_: Console(file=out, width=200, force_terminal=True))
    Target.objects.filter(pk=target.pk).update(calls=31)
    with scan_report.ScanProgressBar(target.scan) as progress:
        progress.update()
    shown = out.getvalue()
    for part in (f"Scan {target.scan_id}", "1/1", "31 calls", "1 failing", "0 gaps", "left"):
        assert part in shown
