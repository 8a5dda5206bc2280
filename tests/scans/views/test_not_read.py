"""No page, export, command or API answer calls fine, none or 0 what was not read: a scene for each way of not reading."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from accounts.models import Account, Organization
from governance.core.policy import SYSTEM, ScopeKind
from scans.models import Scan
from scans.pipeline import account_reader, completion
from scans.pipeline.start import cancel_scan, start_scan
from scans.pipeline.target_worker import run_target
from scans.queries.extent import Extent, ReadState, extent_of, states_of
from tests.scans.orders import REGION, company, in_place_of_aws, read_all, volumes
from tests.scans.views.verdict_pages import PLAIN, ROLES, VARIANTS, WITHOUT_VERDICTS
from tests.support.people import person, signed_in, stepped_up

pytestmark = pytest.mark.django_db
ORG = "o-1"
# What is said only where all was read.
CLAIMS = (
    "Everything in the scan's scope was read", "No judged resource fails or is unknown.</p>", "No open findings</strong>",
    "No finding matches", "Nothing fails</strong>", "No changes.", "are the same", "All 2 accounts",
    "nothing changed<", "Gaps</dt><dd>0<", "No finding was open at the end of that day.",
)  # fmt: skip


@dataclass
class Told:
    """An organization of two accounts, of which payments is not read. scans: those that were started."""

    organization: Organization
    scans: list[Scan] = field(default_factory=list)

    @property
    def payments(self) -> Account:
        return self.organization.accounts.get(name="payments")

    def start(self, **asked: Any) -> Scan:
        scan = start_scan(actor=SYSTEM, organization=self.organization, **asked)
        self.scans.append(scan)
        return scan

    def finish(self, scan: Scan) -> None:
        read_all(scan)
        completion.advance_scan(scan.pk)


def never(told: Told) -> None:
    """Discovered, and no scan."""


def waiting(told: Told) -> None:
    told.start()


def running(told: Told) -> None:
    run_target(told.start().targets.get(account__name="management").pk)


def cancelled(told: Told) -> None:
    cancel_scan(actor=SYSTEM, scan=told.start())


def cancelled_half_way(told: Told) -> None:
    scan = told.start()
    run_target(scan.targets.get(account__name="management").pk)
    cancel_scan(actor=SYSTEM, scan=scan)


def unreadable(told: Told) -> None:
    told.finish(told.start())


def suspended(told: Told) -> None:
    Account.objects.filter(name="payments").update(status=Account.Status.SUSPENDED)
    told.finish(told.start())


def limited(told: Told) -> None:
    told.finish(told.start(controls=["SSM-EB-001"], accounts=[told.payments.account_id]))


SCENES: dict[str, Callable[[Told], None]] = {
    each.__name__: each for each in (never, waiting, running, cancelled, cancelled_half_way, unreadable, suspended)
}  # fmt: skip


def refusing_payments(plan: account_reader.CollectionPlan) -> account_reader.CollectionResult:
    if plan.account == "111122223334":
        raise account_reader.AccountUnreadableError("AWS refused.", "Deploy the scan role.")
    return volumes(plan)


@pytest.fixture
def told(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Told:
    in_place_of_aws(monkeypatch, refusing_payments)
    made = Told(company("management", "payments"))
    SCENES[request.param](made)
    return made


@pytest.fixture
def client(told: Told) -> Client:
    return reader()


def reader() -> Client:
    whole = (ScopeKind.ORGANIZATION, ORG)
    return stepped_up(signed_in(person("grace", *((role, *whole) for role in ROLES))))


def shown(client: Client, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200, (url, answer.status_code)
    return " ".join(answer.content.decode().split())


@pytest.mark.parametrize("told", SCENES, indirect=True)
def test_pages_claim_nothing_about_unread_accounts(told: Told, client: Client) -> None:
    for url in (*VARIANTS, *PLAIN, *(f"/scans/{scan.pk}/" for scan in told.scans)):
        text = shown(client, url)
        assert [claim for claim in CLAIMS if claim in text] == [], url
        about = not url.startswith(("/scans", "/accounts/1")) and PLAIN.get(url) not in WITHOUT_VERDICTS
        if about:
            assert "were not scanned yet" in text or "was not scanned yet" in text or "could not be read" in text, url


@pytest.mark.parametrize("told", SCENES, indirect=True)
def test_an_account_that_was_not_read_has_no_numbers(told: Told, client: Client) -> None:
    lines = client.get("/accounts/").context["inventory"].lines
    (line,) = [line for line in lines if line.account == told.payments]
    assert (line.counts.known, line.state) != (True, ReadState.READ)
    row = re.search(r"<tr>(?:(?!</tr>).)*payments.*?</tr>", shown(client, "/accounts/"))
    assert row
    assert row[0].count('num muted">–<') == 4
    (item,) = [a for a in client.get("/api/v1/accounts/").json()["items"] if a["name"] == "payments"]
    assert (item["open_findings"], item["read"] in {"never", "unreadable"}) == (None, True)
    assert "Nothing has been read here yet" in shown(client, "/findings/?account=111122223334")
    assert "Open findings:" not in shown(client, "/accounts/111122223334/as-of/?as_of=2026-01-01")
    assert "Nothing has been read yet" in shown(client, "/flows/?account=111122223334")


@pytest.mark.parametrize("told", ["waiting", "running", "cancelled", "cancelled_half_way"], indirect=True)
def test_unfinished_scan_reports_accounts_read(told: Told, client: Client) -> None:
    (scan,) = told.scans
    read = scan.targets.filter(state="done").count()
    page = shown(client, f"/scans/{scan.pk}/")
    assert f"<dt>Accounts</dt><dd>{read} of 2 read" in page
    assert ("nothing was judged" in page) == (not read)
    assert ('<dd class="muted">unknown</dd>' in page) == (not read)
    assert f'<td data-label="Accounts read" class="num">{read} of 2' in shown(client, "/scans/")
    said = client.get(f"/api/v1/scans/{scan.pk}/progress/").json()
    scan.refresh_from_db()
    assert (said["read"], said["cancelled"]) == (read, 2 - read if scan.state == "cancelled" else 0)
    gaps = client.get(f"/api/v1/scans/{scan.pk}/gaps/").json()
    assert [item["name"] for item in gaps["not_read"]] == ["management", "payments"][read:]


@pytest.mark.parametrize("told", ["cancelled"], indirect=True)
def test_cancelled_scan_without_calls_says_nothing_was_read(told: Told, client: Client) -> None:
    page = shown(client, f"/scans/{told.scans[0].pk}/")
    assert "Nothing was read: 2 cancelled before they were read" in page
    assert "The posture and the findings are unchanged" in page


@pytest.mark.parametrize("told", ["cancelled"], indirect=True)
def test_comparison_of_unread_scans_is_not_called_equal(told: Told, client: Client, capsys: Any) -> None:
    cancelled(told)
    one, two = (scan.pk for scan in told.scans)
    page = shown(client, f"/scans/{one}/compare/{two}/")
    assert page.count("Read by neither scan") == 2
    assert f"Scan {two} was cancelled before reading it." in page
    assert "0 of 2 accounts compared" in page
    with pytest.raises(SystemExit) as ended:
        call_command("diff", str(one), str(two))
    said = capsys.readouterr().out
    assert ended.value.code == 3
    assert said.startswith("Nothing could be compared: both scans read none of the 2 accounts.")
    with pytest.raises(SystemExit):
        call_command("diff", str(one), str(two), "--format", "jsonl")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["kind"], line["only"]) for line in lines] == [("read_in_neither", None)] * 2


@pytest.mark.parametrize("told", ["unreadable"], indirect=True)
def test_comparison_reports_accounts_not_read(told: Told, client: Client, capsys: Any) -> None:
    unreadable(told)
    one, two = (scan.pk for scan in told.scans)
    page = shown(client, f"/scans/{one}/compare/{two}/")
    assert "Read by neither scan" in page
    assert f"Scan {one} could not read it: AWS refused." in page
    assert "1 of 2 accounts compared" in page
    with pytest.raises(SystemExit):
        call_command("diff", str(one), str(two))
    assert "Nothing differs in what both scans read, in 1 of 2 accounts." in capsys.readouterr().out


@pytest.mark.parametrize("told", ["cancelled", "waiting"], indirect=True)
def test_export_of_unread_scan_is_reported(told: Told, capsys: Any) -> None:
    for words in (["outcomes", "--scan", str(told.scans[0].pk)], ["findings"]):
        with pytest.raises(SystemExit) as ended:
            call_command("export", *words)
        said = capsys.readouterr()
        assert (ended.value.code, said.out) == (3, "")
        assert "0 of 2 accounts read" in said.err or "Of 2 accounts, 0 were read." in said.err


@pytest.mark.parametrize("told", ["cancelled_half_way"], indirect=True)
def test_downloads_and_api_lists_carry_how_far_it_was_read(told: Told, client: Client) -> None:
    extent = extent_of(Account.objects.all()).text()
    for url in ("/findings/export/?format=csv", "/flows/export/?format=csv", "/api/v1/findings/"):
        assert client.get(url)["Tutela-Extent"] == extent, url
    answer = client.get("/api/v1/outcomes/", {"scan": told.scans[0].pk})
    extent = "1 of 2 accounts read; 1 cancelled before they were read"
    assert answer["Tutela-Extent"] == f"{extent}; controls that need the whole organization were not judged"


@pytest.mark.parametrize("command", ["coverage", "flows", "export findings", "export outcomes", "replay", "scan"])
def test_every_command_reports_nothing_discovered(command: str, capsys: Any) -> None:
    with pytest.raises(SystemExit) as ended:
        call_command(*command.split())
    said = capsys.readouterr()
    assert (ended.value.code, said.out) == (1, "")
    assert "manage.py discover" in said.err


def test_every_page_reports_nothing_discovered() -> None:
    Organization.objects.create(org_id=ORG, partition="aws", management_account_id="1" * 12)
    client = reader()
    for url in ("/", "/accounts/", "/findings/", "/flows/"):
        assert "There are no accounts that you can see" in shown(client, url), url


@pytest.mark.parametrize("told", ["never"], indirect=True)
def test_scan_of_one_control_does_not_report_on_others(told: Told, client: Client, monkeypatch: Any) -> None:
    monkeypatch.setattr(account_reader, "collect", volumes)
    limited(told)
    extent = extent_of(Account.objects.filter(name="payments"))
    assert (extent.limited, extent.read, extent.all_read) == (1, 0, False)
    assert "The account was read only for some regions or controls" in extent.text()
    assert extent_of(Account.objects.filter(name="payments"), controls=["SSM-EB-001"]).all_read
    other = extent_of(Account.objects.filter(name="payments"), controls=["SSM-PS-001"])
    assert (other.read, other.text().count("not fully read for this selection")) == (0, 1)
    assert "read only for some regions or controls" in shown(client, "/accounts/111122223334/")
    assert "the scan covered only SSM-EB-001" in shown(client, "/accounts/111122223334/")
    assert "in what was read" in shown(client, "/findings/?account=111122223334&control=SSM-PS-001")
    assert (
        "in what was read" not in shown(client, "/findings/?account=111122223334&control=SSM-EB-001").split("<main")[1]
    )
    today = f"{timezone.now():%Y-%m-%d}"
    page = shown(client, f"/accounts/111122223334/as-of/?as_of={today}")
    assert "no scan had read the whole account: this scan covered only SSM-EB-001" in page
    assert "of the whole account" not in page


@pytest.mark.parametrize("told", ["never"], indirect=True)
def test_a_region_that_was_not_read_is_not_empty(told: Told, monkeypatch: Any) -> None:
    monkeypatch.setattr(account_reader, "collect", volumes)
    told.finish(told.start())
    everything = Account.objects.all()
    assert extent_of(everything).all_read
    assert extent_of(everything, region=REGION).all_read
    assert extent_of(everything, region="us-east-1").limited == 2
    Account.objects.update(regions={REGION: "ENABLED", "us-east-1": "DISABLED"})
    assert extent_of(everything, region="us-east-1").all_read  # there is nothing to read


@pytest.mark.parametrize("told", ["never"], indirect=True)
def test_older_evidence_is_marked_older(told: Told, client: Client, monkeypatch: Any) -> None:
    with monkeypatch.context() as well:
        well.setattr(account_reader, "collect", volumes)
        told.finish(told.start())
    told.finish(told.start())
    assert extent_of(Account.objects.all()) == Extent(accounts=2, unreadable=1)
    assert states_of([told.payments]) == {told.payments.pk: ReadState.UNREADABLE}
    assert "For 1 of them, older evidence is shown." in shown(client, "/")
    assert "<strong>The account could not be read</strong> in the last scan. Older evidence is shown." in shown(
        client, "/findings/?account=111122223334"
    )
    today = timezone.now() + timedelta(0)
    page = shown(client, f"/accounts/111122223334/as-of/?as_of={today:%Y-%m-%d}")
    assert "was later and could not read the account" in page
