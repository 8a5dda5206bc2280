"""An owner account that a scan did not read vouches for nothing: from the scan to findings, counts and replays."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Account, Organization
from governance.core.policy import SYSTEM
from scans.domain.evidence import GLOBAL, Evidence
from scans.management.scan_report import format_closing_line
from scans.models import Finding, PostureCell, Scan
from scans.pipeline import account_reader, completion, cross_account, target_worker
from scans.pipeline.scan_totals import sum_targets
from scans.pipeline.start import start_scan
from scans.queries import compare as comparing
from scans.registry import controls
from scans.timemachine import as_of
from scans.timemachine.outcomes import iterate_outcomes
from scans.timemachine.rejudge import rejudge_account
from tests.scans.orders import company, in_place_of_aws, read_all

pytestmark = pytest.mark.django_db

MANAGEMENT, ARCHIVE, SHOP = "111122223333", "111122223334", "111122223335"
OURS, DATA = "SSM-S3-005", "SSM-DS-001.07"
BUCKET = "arn:aws:s3:::archive"


class Cloud:
    """What reading an account gives: the archive owns a bucket that the shop's trail writes to."""

    def __init__(self) -> None:
        self.refused: set[str] = set()
        self.pointed = "archive"

    def collect(self, plan: account_reader.CollectionPlan) -> account_reader.CollectionResult:
        if plan.account in self.refused:
            raise account_reader.AccountUnreadableError("The scan role refuses.", "Let it.")
        listed = Evidence("s3_account", GLOBAL, types=("s3.inventory", "s3.account"))
        listed.add("s3.inventory", "inventory", buckets={"archive": "eu-west-1"} if plan.account == ARCHIVE else {})
        listed.add("s3.account", "account", public_access_block={"BlockPublicAcls": True})
        buckets = Evidence(
            "s3_buckets", GLOBAL, types=("s3.bucket", "s3.destination", "s3.unplaced_destination", "ssm.package")
        )
        if plan.account == SHOP:
            facts = {"name": self.pointed, "kinds": ["07"], "fields": ["trail main"], "own": False, "head": "forbidden"}
            buckets.add("s3.destination", f"arn:aws:s3:::{self.pointed}", **facts)
        found = {(GLOBAL, "s3_account"): listed, (GLOBAL, "s3_buckets"): buckets}
        return account_reader.CollectionResult(found, {"eu-west-1": "ENABLED"}, ["eu-west-1"], [])


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Cloud:
    made = Cloud()
    in_place_of_aws(monkeypatch, made.collect)
    return made


@pytest.fixture
def organization(cloud: Cloud) -> Organization:
    return company("management", "archive", "shop")


def scan(organization: Organization, **asked: Any) -> Scan:
    made = start_scan(actor=SYSTEM, organization=organization, controls=[OURS], **asked)
    read_all(made)
    while again := completion.advance_scan(made.pk):
        for target in again:
            target_worker.run_target(target)
    made.refresh_from_db()
    return made


def said(made: Scan, control: str = OURS) -> dict[str, Any]:
    found = [line for line in iterate_outcomes(made) if line["account"] == SHOP and line["control"] == control]
    return next(line for line in found if line["resource"].startswith("arn:aws:s3:::") and "*" not in line["resource"])


def cell(control: str = OURS) -> tuple[int, int, int]:
    found = PostureCell.objects.get(account__account_id=SHOP, control=control)
    return found.passed, found.failed, found.unknown


def test_an_owner_that_can_not_be_read_no_longer_vouches(organization: Organization, cloud: Cloud) -> None:
    first = scan(organization)
    assert (first.state, said(first)["verdict"]) == ("done", "pass")
    cloud.refused = {ARCHIVE}
    second = scan(organization)
    line = said(second)
    assert (second.state, line["verdict"]) == ("partial", "unknown")
    assert f"{timezone.now():%Y-%m-%d}" in line["reason"]
    assert [gap["code"] for gap in line["gaps"]] == ["OwnerNotRead"]
    assert cell() == (0, 0, 1)
    assert Finding.objects.get(control=OURS, account__account_id=SHOP).verdict == "unknown"
    cloud.refused = set()
    assert said(scan(organization))["verdict"] == "pass"


def test_suspended_owner_makes_dependent_scan_partial(organization: Organization, cloud: Cloud) -> None:
    scan(organization)
    Account.objects.filter(account_id=ARCHIVE).update(status=Account.Status.SUSPENDED)
    second = scan(organization)
    assert (second.state, said(second)["verdict"]) == ("partial", "unknown")
    assert "OwnerNotRead" in str(second.targets.get(account__account_id=SHOP).gaps)


def test_account_limited_scan_keeps_earlier_verdict(organization: Organization, cloud: Cloud) -> None:
    whole = scan(organization)
    limited = scan(organization, accounts=[SHOP])
    assert limited.state == "done", "nobody asked for the owner, so nothing was refused"
    assert (sum_targets(whole.targets.all()).of_others, sum_targets(limited.targets.all()).of_others) == (0, 1)
    assert "1 not judged, because they depend on accounts that this scan left out" in format_closing_line(limited)
    assert "not judged" not in format_closing_line(whole)
    assert said(limited)["verdict"] == "unknown"
    assert [gap["code"] for gap in said(limited)["gaps"]] == ["AccountsLimited"]
    assert cell() == (1, 0, 0)
    assert not Finding.objects.filter(control=OURS).exists()
    shop = Account.objects.get(account_id=SHOP)
    layers = as_of.layers_of([shop])[shop.pk]
    judged = rejudge_account(shop, layers)
    assert judged is not None
    assert {str(i.outcome.verdict) for i in judged.judged if i.control.id == OURS} == {"pass"}
    old, new = whole.targets.get(account=shop), limited.targets.get(account=shop)
    assert comparing.diff_of(shop, old, new, []).differences == []


def test_unread_owner_vouches_in_no_later_limited_scan(organization: Organization, cloud: Cloud) -> None:
    scan(organization)
    cloud.refused = {ARCHIVE}
    scan(organization)
    limited = scan(organization, accounts=[SHOP])
    assert [gap["code"] for gap in said(limited)["gaps"]] == ["OwnerNotRead"]


def test_owner_in_the_same_limited_scan_vouches(organization: Organization, cloud: Cloud) -> None:
    scan(organization)
    assert said(scan(organization, accounts=[SHOP, ARCHIVE]))["verdict"] == "pass"


def test_removed_reference_does_not_return_from_old_scan(organization: Organization, cloud: Cloud) -> None:
    scan(organization)
    cloud.pointed = "elsewhere"
    scan(organization, accounts=[SHOP])
    shop = Account.objects.get(account_id=SHOP)
    judged = rejudge_account(shop, as_of.layers_of([shop])[shop.pk])
    assert judged is not None
    assert BUCKET not in {item.resource for item in judged.judged}


def test_bucket_belongs_to_account_listing_it_in_this_scan(organization: Organization, cloud: Cloud) -> None:
    made = scan(organization)
    cloud.refused = {ARCHIVE}
    reading = cross_account.AccountReadStatus({MANAGEMENT: ""}, {ARCHIVE: ""}, {})
    owners, unread = cross_account.map_bucket_owners(organization, reading)
    assert (owners, unread) == ({"archive": ARCHIVE}, {ARCHIVE})
    fresh = cross_account.AccountReadStatus({ARCHIVE: ""}, {}, {})
    assert cross_account.map_bucket_owners(organization, fresh) == ({"archive": ARCHIVE}, set())
    assert made.joined_context


def test_deciding_accounts_depend_on_the_control(organization: Organization, cloud: Cloud) -> None:
    scan(organization)
    shop = Account.objects.get(account_id=SHOP)
    assert cross_account.list_deciding_accounts(shop, controls()[OURS].control) == [ARCHIVE]
    assert cross_account.list_deciding_accounts(shop, controls()[DATA].control) == [ARCHIVE]
    assert cross_account.list_deciding_accounts(shop, controls()["SSM-ID-001"].control) == [MANAGEMENT]
    assert cross_account.list_deciding_accounts(shop, controls()["SSM-PS-001"].control) == []
