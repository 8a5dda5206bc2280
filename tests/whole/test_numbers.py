"""Every number that two places show is the same in both (docs/numbers.md), over a company that was scanned in every way:
with second visits, an account that can't be read and one that is suspended, exceptions in force and asked for, scans of
one region and of one control, and one that was cancelled half way."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from accounts.models import Account, Organization
from demo import company
from exceptions.models import Cover, ExceptionRequest
from governance.core.policy import SYSTEM, Role, ScopeKind
from governance.posture.queries import Posture
from scans.management import scan_report
from scans.models import Finding, FindingEvent, Scan
from scans.pipeline.start import cancel_scan, start_scan
from scans.pipeline.target_worker import run_target
from scans.queries.cells import Counts
from tests.support.people import person, signed_in
from tests.whole.scene import connected, scan_here

pytestmark = [pytest.mark.slow, pytest.mark.django_db, pytest.mark.long(rank=8)]
SCANS = ("whole", "region", "control", "cancelled", "untouched")


@dataclass
class Company:
    organization: Organization
    scans: dict[str, Scan]
    reader: Client

    def shown(self, url: str, **query: str) -> Any:
        answer = self.reader.get(url, query)
        assert answer.status_code == 200, (url, answer.status_code)
        return answer.context

    def text(self, url: str, **query: str) -> str:
        return " ".join(self.reader.get(url, query).content.decode().split())

    def api(self, path: str, **query: str) -> Any:
        answer = self.reader.get(f"/api/v1/{path}", query)
        assert answer.status_code == 200, (path, answer.content)
        return answer.json()

    def items(self, path: str, **query: str) -> list[Any]:
        found = self.api(path, **query)
        held: list[Any] = found["items"]
        while found["next"]:
            found = self.reader.get(found["next"]).json()
            held += found["items"]
        return held

    def posture(self) -> Posture:
        made: Posture = self.shown("/")["posture"]
        return made

    def exported(self, **query: str) -> list[dict[str, str]]:
        answer = self.reader.get("/findings/export/", {"format": "csv", **query})
        return list(csv.DictReader(io.StringIO(b"".join(answer).decode())))  # type: ignore[call-overload]


@pytest.fixture(scope="module")
def made(django_db_setup: None, django_db_blocker: Any) -> Iterator[Company]:
    with django_db_blocker.unblock():
        running = company.serve(seed=7, accounts=14, regions=2)
        try:
            with connected(running) as organization:
                yield scanned(running, organization)
        finally:
            running.stop()


def scanned(running: company.Running, organization: Organization) -> Company:
    whole = scan_here(organization)
    read = list(organization.accounts.filter(unreadable__isnull=True).order_by("account_id"))
    scans = {
        "whole": whole,
        "region": scan_here(organization, accounts=[read[0].account_id], regions=[running.plan.regions[0]]),
        "control": scan_here(organization, controls=["SSM-PS-001"]),
        "cancelled": start_scan(actor=SYSTEM, organization=organization),
        "untouched": start_scan(actor=SYSTEM, organization=organization),
    }
    run_target(scans["cancelled"].targets.get(account=read[1]).pk)
    for name in ("cancelled", "untouched"):
        cancel_scan(actor=SYSTEM, scan=scans[name])
        scans[name].refresh_from_db()
    reader = person("grace", (Role.AUDITOR, ScopeKind.ORGANIZATION, organization.org_id))
    cover(organization, reader, "approved", "SSM-PS-001", live=True)
    cover(organization, reader, "submitted", "SSM-LG-001", live=False)
    return Company(organization, scans, signed_in(reader))


def cover(organization: Organization, by: Any, state: str, control: str, *, live: bool) -> None:
    """An exception over a control, account by account, as an approval writes it; or a request for one."""
    now = timezone.now()
    request = ExceptionRequest.objects.create(
        organization=organization, requested_by=by, state=state, scope_kind="account", control=control,
        account=organization.accounts.first(), starts_at=now, expires_at=now + timedelta(days=9),
    )  # fmt: skip
    failing = Account.objects.filter(findings__control=control, findings__verdict="fail", findings__state="open")
    for account in failing.distinct():
        Cover.objects.create(
            request=request, account=account, control=control, live=live, starts_at=now, expires_at=request.expires_at
        )


def numbers(text: str, pattern: str) -> list[int]:
    found = re.search(pattern, text)
    assert found, (pattern, text[:3000])
    return [int(group.replace(",", "")) for group in found.groups()]


def summed(documents: list[dict[str, Any]]) -> Counts:
    total: Counter[str] = Counter()
    for document in documents:
        total.update(document["resources"])
    return Counts(total["pass"], total["fail"], total["unknown"], total["not_applicable"])


def test_the_scene_has_all_that_numbers_went_wrong_over(made: Company) -> None:
    assert made.scans["whole"].targets.filter(visit=2).exists()
    assert {scan.state for scan in made.scans.values()} == {"partial", "cancelled"}
    assert 0 < made.scans["cancelled"].targets.filter(state="done").count() < made.organization.accounts.count()
    assert made.scans["whole"].targets.filter(state="unreadable", error__skipped=True).count() == 1
    bands = made.posture().bands
    assert bands.excepted
    assert bands.requested


def test_verdict_counts_agree_everywhere(made: Company) -> None:
    posture = made.posture()
    total = posture.total
    assert made.shown("/scores/")["scores"].total == total
    assert made.shown("/findings/by-control/")["total"] == total
    assert sum((line.counts for group in made.shown("/controls/")["groups"] for line in group.lines), Counts()) == total
    assert next(line.counts for line in made.shown("/accounts/")["inventory"].lines if line.depth == 0) == total
    assert posture.rows[0].total == total
    assert sum((row.total for row in posture.rows if row.account), Counts()) == total
    assert summed(made.items("controls/")) == total
    by_account = [made.shown(f"/accounts/{a.account_id}/")["detail"].total for a in made.organization.accounts.all()]
    assert sum(by_account, Counts()) == total


@pytest.mark.parametrize(("verdict", "column"), [("fail", "failed"), ("unknown", "unknown")])
def test_fail_and_unknown_counts_match_findings(made: Company, verdict: str, column: str) -> None:
    said = getattr(made.posture().total, column)
    assert made.shown("/findings/", verdict=verdict)["total"] == said
    assert len(made.items("findings/", verdict=verdict, limit="200")) == said
    assert len(made.exported(verdict=verdict)) == said
    for row in made.posture().rows:
        if row.account:
            shown = made.shown("/findings/", verdict=verdict, account=row.account.account_id)
            assert shown["total"] == getattr(row.total, column), row.account
    for line in made.shown("/findings/by-control/")["lines"]:
        assert made.shown("/findings/", verdict=verdict, control=line.id)["total"] == getattr(line.counts, column), line


def test_the_posture_s_tile_is_the_heat_map_s_sum(made: Company) -> None:
    posture = made.posture()
    fail = posture.total.failed
    page = made.text("/")
    assert f'<a href="/findings/?verdict=fail">{fail:,}</a>' in page
    assert f'title="{fail:,} of' in page
    rest = fail - posture.bands.excepted - posture.bands.requested
    assert f'coverage=bare">{rest:,}</a> without exception or request' in page


def test_excepted_and_requested_counts_match_findings(made: Company) -> None:
    bands = made.posture().bands
    for kind, said in (("excepted", bands.excepted), ("requested", bands.requested)):
        assert made.shown("/findings/", verdict="fail", coverage=kind)["total"] == said
        assert len(made.items("findings/", verdict="fail", coverage=kind, limit="200")) == said
        assert sum(row["coverage"] == kind for row in made.exported(verdict="fail")) == said
    lines = made.shown("/exceptions/metrics/")["metrics"].by_ou
    assert sum(line.excepted for line in lines) == bands.excepted
    assert sum(line.failing for line in lines) == made.posture().total.failed
    bare = made.posture().total.failed - bands.excepted - bands.requested
    assert made.shown("/findings/", verdict="fail", coverage="bare")["total"] == bare


def test_open_findings_of_each_account(made: Company) -> None:
    counted = Counter(row["account"] for row in made.exported())
    for item in made.items("accounts/"):
        held = item["open_findings"]
        assert (sum(held.values()) if held is not None else 0) == counted[item["account_id"]]
        assert (held is None) == (item["last_good_scan_at"] is None)


def test_how_far_the_accounts_were_read(made: Company) -> None:
    extent = made.posture().read
    assert (extent.accounts, extent.read, extent.unreadable, extent.closed, extent.never) == (14, 12, 2, 1, 2)
    assert made.shown("/accounts/")["inventory"].read == extent
    assert made.shown("/scores/")["scores"].extent == extent
    assert made.shown("/frameworks/source/")["read"] == extent
    assert made.shown("/findings/")["read"] == extent
    assert made.shown("/flows/")["read"] == extent
    assert made.shown("/exceptions/metrics/")["metrics"].read == extent
    assert made.api("frameworks/source/")["read"] == extent.document()
    read = made.shown("/scores/")["scores"].read
    assert (read.whole + read.partly, read.unread + read.skipped) == (extent.read, extent.unreadable)
    listed = made.items("accounts/")
    assert Counter(item["read"] for item in listed) == {"read": 12, "unreadable": 2}
    assert sum(item["unreadable"] is not None for item in listed) == extent.unreadable
    for url in ("/", "/accounts/", "/scores/", "/frameworks/source/", "/findings/"):
        assert numbers(made.text(url), r"Of (\d+) accounts, (\d+) were read. <strong>(\d+) could") == [14, 12, 2], url
    exported = made.reader.get("/findings/export/", {"format": "csv"})
    assert exported["Tutela-Extent"] == extent.text()


@pytest.mark.parametrize("name", SCANS)
def test_a_scan_s_accounts(made: Company, name: str) -> None:
    scan = made.scans[name]
    progress = made.shown(f"/scans/{scan.pk}/")["progress"]
    told = {
        each: getattr(progress, each) for each in ("accounts", "ended", "read", "unreadable", "closed", "cancelled")
    }
    (line,) = [line for line in made.shown("/scans/")["lines"] if line.scan.pk == scan.pk]
    listed = made.api(f"scans/{scan.pk}/")
    moving = made.api(f"scans/{scan.pk}/progress/")
    for each, number in told.items():
        assert (getattr(line, each), listed[each], moving[each]) == (number,) * 3, each
    assert len(made.shown(f"/scans/{scan.pk}/")["unreadable"]) == progress.unreadable
    gaps = made.api(f"scans/{scan.pk}/gaps/")
    assert len(gaps["unreadable"]) == progress.unreadable
    assert len(gaps["not_read"]) == progress.accounts - progress.read
    closing = scan_report.format_closing_line(scan)
    assert numbers(closing, r": (\d+) accounts \((\d+) could not") == [progress.accounts, progress.unreadable]
    assert f"{progress.read} of {progress.accounts} read" in made.text(f"/scans/{scan.pk}/")
    if scan.totals:
        assert (scan.totals["accounts"], scan.totals["unreadable"]) == (progress.accounts, progress.unreadable)


@pytest.mark.parametrize("name", SCANS)
def test_a_scan_s_outcomes_and_gaps(made: Company, name: str) -> None:
    scan = made.scans[name]
    progress = made.shown(f"/scans/{scan.pk}/")["progress"]
    moving = made.api(f"scans/{scan.pk}/progress/")
    assert moving["verdicts"] == dict(progress.by_verdict())
    targets = list(scan.targets.all())
    assert (moving["gaps"], sum(target.missing for target in targets)) == (progress.gaps,) * 2
    assert sum(target.counts.get("fail", 0) for target in targets) == progress.counts["fail"]
    by_control: Counter[str] = Counter()
    for target in targets:
        for counts in target.by_control.values():
            by_control.update(counts)
    assert {verdict: by_control[verdict] for verdict in moving["verdicts"]} == moving["verdicts"]
    stored: Counter[str] = Counter(row["verdict"] for row in made.items("outcomes/", scan=str(scan.pk), limit="5000"))
    if name in {"whole", "control"}:  # of a part, a scan tells what it was not asked for in its outcomes alone
        assert {verdict: stored[verdict] for verdict in moving["verdicts"]} == moving["verdicts"]
    closing = scan_report.format_closing_line(scan)
    if progress.judged:
        assert numbers(closing, r"(\d+) failing, (\d+) unknown, (\d+) passing, (\d+) not") == [
            progress.counts[verdict] for verdict in ("fail", "unknown", "pass", "not_applicable")
        ]
    else:
        assert "nothing was judged" in closing


@pytest.mark.parametrize("name", SCANS)
def test_finding_changes_of_scan_match_its_events(made: Company, name: str) -> None:
    scan = made.scans[name]
    progress = made.shown(f"/scans/{scan.pk}/")["progress"]
    assert dict(progress.by_event()) == Counter(FindingEvent.objects.filter(scan=scan).values_list("kind", flat=True))


def test_the_command_exports_as_many(made: Company, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("export", "findings")
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert Counter(row["state"] for row in rows) == Counter(Finding.objects.values_list("state", flat=True))
    assert sum(row["state"] == "open" for row in rows) == made.shown("/findings/")["total"]


def test_an_account_today_and_on_this_day(made: Company) -> None:
    for account in made.organization.accounts.filter(unreadable__isnull=True):
        now = made.shown(f"/accounts/{account.account_id}/")["detail"].total
        then = made.shown(f"/accounts/{account.account_id}/as-of/", as_of=f"{timezone.now():%Y-%m-%d}")["past"]
        assert then.total == now, account
        assert then.open == now.failed + now.unknown, account
