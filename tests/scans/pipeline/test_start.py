"""Starting, cancelling and resuming: what is asked for, who may, and what is written."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import Account, Organization
from governance.core.models import AuditEvent
from governance.core.policy import SYSTEM, NotPermittedError, Role, ScopeKind
from scans.errors import ScanRequestError
from scans.models import Scan
from scans.pipeline.start import cancel_scan, resume_scan, start_scan
from scans.storage import blobs
from tests.scans.orders import company, first, holding, in_place_of_aws, read_all, unit

pytestmark = pytest.mark.django_db

OPERATOR = holding(Role.SCAN_OPERATOR, ScopeKind.ORGANIZATION, "o-1")
ONE_ACCOUNT = holding(Role.SCAN_OPERATOR, ScopeKind.ACCOUNT, "111122223334")
AUDITOR = holding(Role.AUDITOR, ScopeKind.ORGANIZATION, "o-1")
STRANGER = holding(Role.SCAN_OPERATOR, ScopeKind.ORGANIZATION, "o-2")


@pytest.fixture
def organization() -> Organization:
    return company()


def names(scan: Scan) -> list[str]:
    return sorted(scan.targets.values_list("account__name", flat=True))


def test_scan_covers_present_accounts_not_vanished_ones(organization: Organization) -> None:
    for name, status in (("payments", Account.Status.VANISHED), ("sandbox", Account.Status.SUSPENDED)):
        organization.accounts.filter(name=name).update(status=status)
    # A suspended account gets a Target, which says why it can't be read.
    assert names(start_scan(actor=OPERATOR, organization=organization)) == ["management", "sandbox"]


def test_ou_includes_its_children(organization: Organization) -> None:
    root = organization.ous.get(ou_id="r-1")
    upper = unit(organization, "ou-upper", "Workloads", root)
    lower = unit(organization, "ou-lower", "Production", upper)
    beside = unit(organization, "ou-up", "Sandbox", root)
    for name, place in (("payments", lower), ("sandbox", beside)):
        organization.accounts.filter(name=name).update(ou=place)
    assert names(start_scan(actor=OPERATOR, organization=organization, ous=["ou-upper"])) == ["payments"]


def test_accounts_and_ous_add_up(organization: Organization) -> None:
    lower = unit(organization, "ou-1", "Workloads", organization.ous.get(ou_id="r-1"))
    organization.accounts.filter(name="payments").update(ou=lower)
    scan = start_scan(actor=OPERATOR, organization=organization, ous=["ou-1"], accounts=["111122223335"])
    assert names(scan) == ["payments", "sandbox"]


def test_account_of_another_organization_is_unknown(organization: Organization) -> None:
    other = Organization.objects.create(org_id="o-2", partition="aws", management_account_id="999900001111")
    Account.objects.create(organization=other, account_id="999900001111", name="theirs")
    with pytest.raises(ScanRequestError, match="Unknown account: 999900001111"):
        start_scan(actor=OPERATOR, organization=organization, accounts=["999900001111"])


def test_empty_organization_says_to_discover() -> None:
    empty = Organization.objects.create(org_id="o-1", partition="aws", management_account_id="111122223333")
    with pytest.raises(ScanRequestError, match=r"manage\.py discover"):
        start_scan(actor=OPERATOR, organization=empty)


def test_regions_are_those_of_the_partition(organization: Organization) -> None:
    with pytest.raises(ScanRequestError, match="Unknown region: cn-north-1"):
        start_scan(actor=OPERATOR, organization=organization, regions=["cn-north-1", "eu-west-1"])


@pytest.mark.parametrize("name", ["SCAN_REGIONS", "FIPS_REGIONS", "TLS13_REGIONS"])
def test_regions_of_the_environment_must_be_some_of_aws(organization: Organization, settings: Any, name: str) -> None:
    setattr(settings, name, ["eu-west-1", "cn-north-1"])
    start_scan(actor=OPERATOR, organization=organization)
    setattr(settings, name, ["eu-west-1", "us-east-9"])
    with pytest.raises(
        ScanRequestError, match=r"TUTELA_(FIPS_|TLS13_)?REGIONS contains unknown AWS regions: us-east-9"
    ):
        start_scan(actor=OPERATOR, organization=organization)


def test_request_is_stored_once_each_with_current_context(organization: Organization) -> None:
    scan = start_scan(actor=OPERATOR, organization=organization, controls=["SSM-PS-001", "SSM-PS-001"])
    assert scan.asked == {"accounts": [], "ous": [], "regions": [], "controls": ["SSM-PS-001"]}
    context = blobs.load_context(scan.context, account="", as_of="")
    assert context.organization == "o-1"
    assert context.management_account == "111122223333"
    assert len(context.accounts) == 3


@pytest.mark.parametrize("actor", [AUDITOR, STRANGER, ONE_ACCOUNT], ids=["auditor", "stranger", "one account"])
def test_cancel_and_resume_need_scan_permission(organization: Organization, actor: Any) -> None:
    scan = start_scan(actor=SYSTEM, organization=organization)
    with pytest.raises(NotPermittedError, match="scan operator"):
        cancel_scan(actor=actor, scan=scan)
    scan.refresh_from_db()
    assert scan.state == "running"
    cancel_scan(actor=SYSTEM, scan=scan)
    with pytest.raises(NotPermittedError, match="scan operator"):
        resume_scan(actor=actor, scan=scan)
    scan.refresh_from_db()
    assert scan.state == "cancelled"


def test_operator_cancel_and_resume_are_audited(organization: Organization) -> None:
    scan = start_scan(actor=OPERATOR, organization=organization)
    cancel_scan(actor=OPERATOR, scan=scan)
    assert scan.finished_at is not None
    resume_scan(actor=OPERATOR, scan=scan)
    assert (scan.state, scan.finished_at) == ("running", None)
    said = AuditEvent.objects.filter(subject=f"scan:{scan.pk}").order_by("seq").values_list("action", "actor")
    assert list(said) == [(action, "p") for action in ("scan.start", "scan.start", "scan.cancel", "scan.resume")]


def test_operator_of_one_account_cancels_only_its_scan(organization: Organization) -> None:
    scan = start_scan(actor=ONE_ACCOUNT, organization=organization, accounts=["111122223334"])
    cancel_scan(actor=ONE_ACCOUNT, scan=scan)
    assert scan.state == "cancelled"


def test_resuming_gives_each_account_its_tries_again(
    organization: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_place_of_aws(monkeypatch)
    scan = start_scan(actor=OPERATOR, organization=organization)
    scan.targets.update(attempts=4)
    cancel_scan(actor=OPERATOR, scan=scan)
    resume_scan(actor=OPERATOR, scan=scan)
    assert set(scan.targets.values_list("attempts", "lease_until")) == {(0, None)}
    read_all(scan)
    assert first(scan).state == "done"
