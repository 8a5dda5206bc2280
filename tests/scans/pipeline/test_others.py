"""What an organization's trail records is told to its members by the account that owns it (C1)."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from accounts.aws.gaps import OWNER_ONLY, Gap, GapKind
from accounts.models import Account, Organization
from governance.core.policy import SYSTEM
from scans.domain.evidence import GLOBAL, Evidence
from scans.models import Finding, PostureCell, Scan
from scans.pipeline import account_reader, completion, cross_account
from scans.pipeline.start import start_scan
from scans.registry import controls
from scans.storage import blobs
from scans.timemachine import as_of
from scans.timemachine.outcomes import iterate_outcomes
from scans.timemachine.rejudge import rejudge_account
from tests.scans.orders import company, in_place_of_aws, read_all

pytestmark = pytest.mark.django_db

OWNER, SHOP = "111122223333", "111122223334"
AU = "SSM-AU-001"
TRAIL = f"arn:aws:cloudtrail:eu-west-1:{OWNER}:trail/organization"
ALL = {"ReadWriteType": "All", "IncludeManagementEvents": True, "ExcludeManagementEventSources": []}
HIDDEN = Gap(GapKind.NOT_READ, "cloudtrail.GetTrailStatus", "", "eu-west-1", OWNER_ONLY)


class Trails:
    """An organization's trail, which the member sees without its status and selectors."""

    def __init__(self) -> None:
        self.refused: set[str] = set()
        self.logging: Any = True

    def collect(self, plan: account_reader.CollectionPlan) -> account_reader.CollectionResult:
        if plan.account in self.refused:
            raise account_reader.AccountUnreadableError("The scan role refuses.", "Let it.")
        read = Evidence(
            "cloudtrail", GLOBAL, types=("cloudtrail.account", "cloudtrail.organization", "cloudtrail.trail")
        )
        told: dict[str, Any] = {"logging": HIDDEN, "selectors": HIDDEN, "advanced_selectors": HIDDEN}
        if plan.account == OWNER:
            told = {"logging": self.logging, "selectors": [ALL], "advanced_selectors": []}
        read.add("cloudtrail.trail", TRAIL, multi_region=True, organization_trail=True, home_region="eu-west-1", **told)
        read.add("cloudtrail.account", f"arn:aws:cloudtrail::{plan.account}:trail/*", trails=[TRAIL])
        gaps = read.all_gaps()
        return account_reader.CollectionResult(
            {(GLOBAL, "cloudtrail"): read}, {"eu-west-1": "ENABLED"}, ["eu-west-1"], gaps
        )


@pytest.fixture
def trails(monkeypatch: pytest.MonkeyPatch) -> Trails:
    made = Trails()
    in_place_of_aws(monkeypatch, made.collect)
    return made


@pytest.fixture
def organization(trails: Trails) -> Organization:
    return company("management", "shop")


def scan(organization: Organization, **asked: Any) -> Scan:
    made = start_scan(actor=SYSTEM, organization=organization, controls=[AU], **asked)
    read_all(made)
    completion.advance_scan(made.pk)
    made.refresh_from_db()
    return made


def outcome(made: Scan) -> dict[str, Any]:
    return next(line for line in iterate_outcomes(made) if line["account"] == SHOP)


def cell() -> tuple[int, int, int]:
    found = PostureCell.objects.get(account__account_id=SHOP, control=AU)
    return found.passed, found.failed, found.unknown


def test_owner_tells_member_what_its_trail_records(organization: Organization, trails: Trails) -> None:
    made = scan(organization)
    assert (made.state, outcome(made)["verdict"]) == ("done", "pass")
    assert made.targets.get(account__account_id=SHOP).missing == 0, "that AWS tells the owner only is no problem"
    trails.logging = False
    assert outcome(scan(organization))["verdict"] == "fail"


def test_context_holds_referenced_trails_only(organization: Organization) -> None:
    made = scan(organization)
    context = blobs.load_context(made.joined_context, account=SHOP, as_of="")
    [part] = context.others[OWNER]
    assert [each.arn for each in part.resources] == [TRAIL]
    assert set(context.others) == {OWNER}
    assert blobs.store_context(context) == made.joined_context


def test_owner_that_can_not_be_read_vouches_for_nothing(organization: Organization, trails: Trails) -> None:
    scan(organization)
    trails.refused = {OWNER}
    made = scan(organization)
    assert (made.state, outcome(made)["verdict"]) == ("partial", "unknown")
    assert [gap["code"] for gap in outcome(made)["gaps"]] == ["OwnerNotRead"]
    assert f"{timezone.now():%Y-%m-%d}" in outcome(made)["reason"]
    assert cell() == (0, 0, 1)


def test_scan_of_the_member_alone_keeps_earlier_verdict(organization: Organization, trails: Trails) -> None:
    scan(organization)
    trails.logging = False
    limited = scan(organization, accounts=[SHOP])
    assert [gap["code"] for gap in outcome(limited)["gaps"]] == ["AccountsLimited"]
    assert cell() == (1, 0, 0)
    assert not Finding.objects.filter(account__account_id=SHOP).exists()
    shop = Account.objects.get(account_id=SHOP)
    judged = rejudge_account(shop, as_of.layers_of([shop])[shop.pk])
    assert judged is not None
    assert [str(item.outcome.verdict) for item in judged.judged] == ["pass"]
    assert outcome(scan(organization, accounts=[SHOP, OWNER]))["verdict"] == "fail"


def test_refusal_to_the_owner_is_reported_there(organization: Organization, trails: Trails) -> None:
    trails.logging = Gap(
        GapKind.DENIED, "cloudtrail.GetTrailStatus", "cloudtrail:GetTrailStatus", "eu-west-1", "AccessDenied"
    )
    made = scan(organization)
    assert outcome(made)["verdict"] == "unknown"
    missing = {target.account.account_id: target.missing for target in made.targets.all()}
    assert missing == {OWNER: 1, SHOP: 0}


def test_owner_decides_in_the_rescan_of_a_ticket(organization: Organization) -> None:
    scan(organization)
    shop, owner = (Account.objects.get(account_id=id) for id in (SHOP, OWNER))
    assert cross_account.list_deciding_accounts(shop, controls()[AU].control) == [OWNER]
    assert cross_account.list_deciding_accounts(owner, controls()[AU].control) == []
