"""Superseded findings: what ends because another finding stands for it is linked to that, and proved nothing."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.aws.gaps import REGION_DENIED, Gap, GapKind
from accounts.models import Account
from scans.domain.evidence import GLOBAL, Evidence
from scans.domain.fingerprint import compute_fingerprint
from scans.domain.lifecycle import Event, supersede_if_regrouped
from scans.domain.region_access import ACCESS_TYPE
from scans.models import Finding
from scans.pipeline.successors import REGION_CONTROL
from scans.queries import exports
from scans.queries.detail import list_superseded
from tests.scans.stored import DAY, MONDAY, ONE, OTHER, REGION, account, evidence, scanned, volumes
from tests.support import inventory

pytestmark = pytest.mark.django_db
EB, TAGS = "SSM-EB-001", "SSM-FF-001"
REFUSED = Gap(GapKind.DENIED_BY_SCP, "ec2.X", "ec2:GetEbsEncryptionByDefault", REGION, "UnauthorizedOperation")
INSTANCE = f"arn:aws:ec2:{REGION}:{ONE}:instance/i-1"


@pytest.fixture
def shop() -> Account:
    return account(regions={REGION: "ENABLED", OTHER: "ENABLED"})


def access(region: str, *, denied: bool) -> Evidence:
    made = evidence("region_access", region)
    gap = Gap(GapKind.DENIED_BY_SCP, "scan.Region", "", region, REGION_DENIED)
    made.add(ACCESS_TYPE, f"arn:aws:account::{ONE}:region/{region}", access=gap if denied else "read", refused=[])
    return made


def defaults(shop: Account, here: object, there: object, **more: Any) -> None:
    """Scan the default for encryption in both regions. denied: the regions that a policy denies."""
    denied = more.pop("denied", ())
    read = [access(region, denied=region in denied) for region in (REGION, OTHER)]
    evidences = [volumes(region, enabled=on) for region, on in ((REGION, here), (OTHER, there))]
    scanned(shop, *evidences, *read, controls=more.pop("controls", [EB, REGION_CONTROL]), **more)


def earlier(shop: Account, control: str, resource: str, **more: Any) -> Finding:
    """A finding that an earlier version of the control opened."""
    return inventory.finding(shop, control, resource, **{"control_version": 1, **more})


def tags(*secrets: list[str]) -> Evidence:
    """A tag key for each list, on these resources, with a secret in its value."""
    made = evidence("tags", REGION)
    for n, resources in enumerate(secrets):
        hit = {"detector": "aws_access_key", "in": "value", "resources": len(resources), "examples": resources}
        made.add("tag.key", key(n), key=f"key{n}", secrets=[hit] if resources else [])
    return made


def key(n: int) -> str:
    return f"arn:aws:tagging:{REGION}:{ONE}:key/key{n}"


def test_folded_region_links_to_the_account_finding(shop: Account) -> None:
    old = earlier(shop, EB, f"arn:aws:ec2:{REGION}:{ONE}:ebs-encryption-by-default")
    defaults(shop, False, False)
    old.refresh_from_db()
    whole = Finding.objects.get(control=EB, state="open")
    assert (old.resolution, old.superseded_by, whole.region) == ("superseded", whole, GLOBAL)
    assert list_superseded(whole) == [old]
    assert exports.build_finding_record(old)["superseded_by"] == whole.fingerprint
    assert exports.build_finding_record(whole)["superseded_by"] is None


def test_unfolded_account_links_to_the_region_left(shop: Account) -> None:
    defaults(shop, REFUSED, REFUSED, denied=(REGION, OTHER))
    whole = Finding.objects.get(control=REGION_CONTROL)
    defaults(shop, REFUSED, True, denied=(REGION,), at=MONDAY + DAY)
    whole.refresh_from_db()
    left = Finding.objects.get(control=REGION_CONTROL, state="open")
    assert (whole.superseded_by, left.region, left.superseded_by) == (left, REGION, None)
    defaults(shop, REFUSED, REFUSED, denied=(REGION, OTHER), at=MONDAY + 2 * DAY)
    whole.refresh_from_db()
    left.refresh_from_db()
    assert (whole.state, whole.superseded_by, left.superseded_by) == ("open", None, whole), "no circle"


@pytest.mark.parametrize("denied", [(REGION,), (REGION, OTHER)])
def test_denied_region_links_to_the_finding_that_tells_it(shop: Account, denied: tuple[str, ...]) -> None:
    old = earlier(shop, EB, f"arn:aws:ec2:{REGION}:{ONE}:ebs-encryption-by-default", verdict="unknown")
    defaults(shop, REFUSED, REFUSED if OTHER in denied else True, denied=denied)
    old.refresh_from_db()
    assert old.superseded_by == Finding.objects.get(control=REGION_CONTROL, state="open")


@pytest.mark.parametrize("denied", [(REGION,), (REGION, OTHER)])
def test_denied_region_links_to_an_earlier_finding(shop: Account, denied: tuple[str, ...]) -> None:
    there = REFUSED if OTHER in denied else True
    defaults(shop, REFUSED, there, denied=denied)
    old = earlier(shop, EB, f"arn:aws:ec2:{REGION}:{ONE}:ebs-encryption-by-default", verdict="unknown")
    defaults(shop, REFUSED, there, denied=denied, controls=[EB], at=MONDAY + DAY)
    old.refresh_from_db()
    assert old.superseded_by == Finding.objects.get(control=REGION_CONTROL, state="open")


def test_regrouped_finding_links_to_the_one_that_names_it(shop: Account) -> None:
    old = earlier(shop, TAGS, INSTANCE)
    scanned(shop, tags([INSTANCE], [f"{INSTANCE}2"], []), controls=[TAGS])
    old.refresh_from_db()
    assert (old.state, old.resolution, old.verdict) == ("resolved", "superseded", "fail")
    assert old.reason.startswith(f"Since version 2, {TAGS} judges other things")
    assert old.superseded_by == Finding.objects.get(resource=key(0))


@pytest.mark.parametrize("secrets", [([INSTANCE], [INSTANCE]), ([f"{INSTANCE}2"],), ([],)])
def test_regrouped_finding_without_a_sure_link(shop: Account, secrets: Any) -> None:
    """Named by two, or by none, or there is no other."""
    old = earlier(shop, TAGS, INSTANCE)
    scanned(shop, tags(*secrets), controls=[TAGS])
    old.refresh_from_db()
    assert (old.resolution, old.superseded_by) == ("superseded", None)


def test_pass_proves_no_fix_of_a_regrouped_finding(shop: Account) -> None:
    old = earlier(shop, TAGS, key(0))
    scanned(shop, tags([]), controls=[TAGS])
    old.refresh_from_db()
    assert old.resolution == "superseded"
    scanned(shop, tags([INSTANCE]), controls=[TAGS], at=MONDAY + DAY)
    scanned(shop, tags([]), controls=[TAGS], at=MONDAY + 2 * DAY)
    old.refresh_from_db()
    assert (old.resolution, old.reopen_count, old.control_version) == ("fixed", 1, 2)


def test_failure_of_the_same_resource_stays_open(shop: Account) -> None:
    old = earlier(shop, TAGS, key(0))
    scanned(shop, tags([INSTANCE]), controls=[TAGS])
    old.refresh_from_db()
    assert (old.state, old.control_version) == ("open", 2)


def test_findings_of_this_version_end_as_before(shop: Account) -> None:
    scanned(shop, tags([INSTANCE], [INSTANCE]), controls=[TAGS])
    scanned(shop, tags([]), controls=[TAGS], at=MONDAY + DAY)
    ends = dict(Finding.objects.filter(control=TAGS).values_list("resource", "resolution"))
    assert ends == {key(0): "fixed", key(1): "gone"}


@pytest.mark.parametrize("event", Event)
def test_only_proved_ends_are_superseded(event: Event) -> None:
    ends = {Event.FIX, Event.VANISH, Event.LAPSE}
    assert supersede_if_regrouped(event, judged_by=1, regrouped=2) is (Event.SUPERSEDE if event in ends else event)
    assert supersede_if_regrouped(event, judged_by=2, regrouped=2) is event


def test_names_in_reasons_are_whole_words(shop: Account) -> None:
    from scans.pipeline.successors import link_regrouped

    old = inventory.drawn_finding(shop, "SSM-AC-001", f"arn:aws:iam::{ONE}:role/app", region=GLOBAL)
    rows = [
        inventory.drawn_finding(shop, "SSM-AC-001", f"arn:aws:iam::aws:policy/P{n}", region=GLOBAL, reason=reason)
        for n, reason in enumerate(
            ("Attached to role/app, user/x.", "Attached to role/app-2.", "Attached to role/apps.")
        )
    ]
    link_regrouped([old], rows)
    assert old.superseded_by == rows[0]
    assert old.superseded_by.fingerprint == compute_fingerprint("SSM-AC-001", ONE, GLOBAL, rows[0].resource)
