"""The whole story, as its people live it: a real scan, an exception that drifts and ends, a ticket that is proved."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.utils import timezone
from moto.kms.models import kms_backends
from moto.s3.models import s3_backends

from accounts.aws.organizations import discover_organization
from accounts.models import Organization
from accounts.services import apply_discovery
from exceptions.models import Cover, ExceptionRequest, Ticket
from governance.core.policy import SYSTEM, Role, ScopeKind
from governance.identity.models import FactorStep, User
from scans.models import Finding, Scan
from scans.pipeline import completion, target_worker
from tests.browser.conftest import Window
from tests.support.people import current_code, enrol, person
from tests.whole import one_account
from tests.whole.scene import pointed_at, scan_here

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.long(rank=10)]
Opened = Callable[..., Window]
SignIn = Callable[[Window, User], None]
WHY = "The vendor's shipper can only write with the bucket's own keys until its next release."


@pytest.fixture
def company() -> Iterator[Organization]:
    """One account, served, discovered and scanned."""
    cache.clear()
    with one_account.served() as running, pointed_at(running):
        organization = apply_discovery(
            actor=SYSTEM, discovered=discover_organization("aws"), at=timezone.now()
        ).organization
        scan_here(organization)
        yield organization


def bucket_finding() -> Finding:
    return Finding.objects.get(control="SSM-S3-001", resource__contains="-sessions-", verdict="fail")


def encrypt(finding: Finding, algorithm: str, key: str | None = None) -> None:
    """Somebody changes the bucket's default encryption in AWS."""
    rule: dict[str, Any] = {"SSEAlgorithm": algorithm} | ({"KMSMasterKeyID": key} if key else {})
    bucket = s3_backends[finding.account.account_id]["aws"].buckets[finding.resource.rpartition(":")[2]]
    bucket.encryption = {"Rule": {"ApplyServerSideEncryptionByDefault": rule}}


def customer_key(finding: Finding) -> str:
    keys = kms_backends[finding.account.account_id][finding.region].keys.values()
    return next(key.arn for key in keys if key.key_state == "Enabled" and key.key_manager == "CUSTOMER")


def work_off() -> None:
    """What a worker does with a Scan that was handed to it."""
    scan = Scan.objects.latest("id")
    for target in scan.targets.filter(state="queued"):
        target_worker.run_target(target.pk)
    completion.advance_scan(scan.pk)


def press(window: Window, button: str, user: User | None = None) -> None:
    """Press it; with a user, give the second factor that it asks for."""
    window.page.get_by_role("button", name=button, exact=True).first.click()
    window.page.wait_for_load_state("networkidle")
    if user is not None and window.page.get_by_role("heading", name="Confirm with your second factor").is_visible():
        FactorStep.objects.filter(user=user).update(step=-1)
        window.page.locator("input[name='step-up-code']").fill(current_code(enrol(user)))
        window.page.get_by_role("button", name="Continue", exact=True).click()
        window.page.wait_for_load_state("networkidle")


def test_the_whole_story(company: Organization, window: Opened, sign_in: SignIn) -> None:
    finding = bucket_finding()
    account = (ScopeKind.ACCOUNT, finding.account.account_id)
    owner = person("owen", (Role.ACCOUNT_OWNER, *account))
    approver = person("ada", (Role.GOVERNANCE_APPROVER, ScopeKind.ORGANIZATION, company.org_id))
    mine, theirs = window(), window()
    sign_in(mine, owner)
    sign_in(theirs, approver)

    ask(mine, finding)
    request = ExceptionRequest.objects.get()
    theirs.open(f"/exceptions/{request.pk}/decide/")
    assert WHY in theirs.page.content()
    press(theirs, "Approve", approver)
    shows(mine, finding, "excepted")

    encrypt(finding, "aws:kms")  # not what was approved
    scan_here(company)
    request.refresh_from_db()
    assert request.state == "suspended"
    shows(mine, finding, "requested")
    theirs.open(f"/exceptions/{request.pk}/decide/")
    press(theirs, "Re-approve with the current terms", approver)
    shows(mine, finding, "excepted")

    pass_time(request)  # and nobody tells the portal
    mine.open(f"/findings/{finding.pk}/")
    assert mine.page.locator(".verdict-excepted").count() == 0

    ticket = propose(mine, finding)
    theirs.open(f"/tickets/{ticket.pk}/")
    press(theirs, "Approve", approver)
    claim(mine, ticket)
    assert state(ticket) == "open"  # it still fails
    encrypt(finding, "aws:kms", customer_key(finding))
    claim(mine, ticket)
    assert state(ticket) == "closed"
    mine.open(f"/tickets/{ticket.pk}/")
    assert "proved" in mine.page.content()
    finding.refresh_from_db()
    assert (finding.state, finding.resolution) == ("resolved", "fixed")
    assert not Finding.objects.filter(resource="arn:aws:s3:::*", verdict="unknown").exists()

    call_command("audit", "verify")
    assert mine.said == []
    assert theirs.said == []


def ask(window: Window, finding: Finding) -> None:
    window.open(f"/findings/{finding.pk}/")
    press(window, "Request an exception")
    window.page.get_by_label("Justification").fill(WHY)
    window.page.get_by_label("Business owner, who accepts the risk").fill("Head of Shop")
    window.page.get_by_label("Ends on").fill(f"{timezone.now() + timedelta(days=20):%Y-%m-%d}")
    press(window, "Save draft and preview findings")
    assert finding.resource in window.page.content()
    press(window, "Submit")


def shows(window: Window, finding: Finding, band: str) -> None:
    window.open("/findings/?" + f"coverage={band}")
    assert finding.resource in window.page.content()


def pass_time(request: ExceptionRequest) -> None:
    request.refresh_from_db()
    window = {"starts_at": timezone.now() - timedelta(days=20), "expires_at": timezone.now() - timedelta(seconds=1)}
    ExceptionRequest.objects.filter(pk=request.pk).update(**window)
    Cover.objects.filter(request=request).update(**window)


def propose(window: Window, finding: Finding) -> Ticket:
    window.open(f"/findings/{finding.pk}/")
    press(window, "Propose a ticket")
    window.page.locator("button[name=propose]").click()
    window.page.wait_for_load_state("networkidle")
    return Ticket.objects.get()


def claim(window: Window, ticket: Ticket) -> None:
    window.open(f"/tickets/{ticket.pk}/")
    press(window, "Mark as fixed and rescan")
    assert state(ticket) == "verifying"
    work_off()


def state(ticket: Ticket) -> str:
    ticket.refresh_from_db()
    return ticket.state
