"""Findings about an account's regions. C13: defaults that fail in many regions are one. C4: denied regions are one."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.aws.gaps import REGION_DENIED, Gap, GapKind
from accounts.models import Account
from scans.domain.evidence import GLOBAL, Evidence
from scans.domain.region_access import ACCESS_TYPE
from scans.models import AccountTotal, Finding, FindingEvent, PostureCell
from scans.queries import fix_preview
from scans.queries.detail import fix_of
from scans.registry import controls
from scans.timemachine import as_of, outcomes
from scans.timemachine.rejudge import rejudge_account
from tests.scans.stored import DAY, MONDAY, ONE, OTHER, REGION, account, evidence, scanned, volumes

pytestmark = pytest.mark.django_db
EB, RD = "SSM-EB-001", "SSM-RD-001"
WHOLE = f"arn:aws:ec2::{ONE}:ebs-encryption-by-default"
REFUSED = Gap(GapKind.DENIED_BY_SCP, "ec2.X", "ec2:GetEbsEncryptionByDefault", REGION, "UnauthorizedOperation")
DENIED_HERE = Gap(GapKind.DENIED, "ec2.X", "ec2:GetEbsEncryptionByDefault", REGION, "UnauthorizedOperation")


@pytest.fixture
def shop() -> Account:
    return account(regions={REGION: "ENABLED", OTHER: "ENABLED"})


def access(region: str, *, denied: bool = False) -> Evidence:
    made = evidence("region_access", region)
    gap = Gap(GapKind.DENIED_BY_SCP, "scan.Region", "", region, REGION_DENIED)
    made.add(ACCESS_TYPE, f"arn:aws:account::{ONE}:region/{region}", access=gap if denied else "read", refused=[])
    return made


def scan(shop: Account, here: object, there: object, **more: Any) -> Any:
    evidences = [volumes(region, enabled=on) for region, on in ((REGION, here), (OTHER, there)) if on is not None]
    denied = more.pop("denied", ())
    reads = [access(region, denied=region in denied) for region in (REGION, OTHER)] if denied is not None else []
    return scanned(shop, *evidences, *reads, controls=[EB, RD], **more)


def open_findings(control: str = EB) -> list[Finding]:
    return list(Finding.objects.filter(control=control, state="open").order_by("region"))


def only(control: str = EB) -> Finding:
    [found] = open_findings(control)
    return found


def test_failing_regions_are_one_finding_that_lists_them(shop: Account) -> None:
    target = scan(shop, False, False)
    found = only()
    assert (found.region, found.resource, found.verdict) == (GLOBAL, WHOLE, "fail")
    assert found.reason.startswith(f"In 2 of 2 regions: {REGION}, {OTHER}.")
    assert found.facts == {REGION: {"enabled": False}, OTHER: {"enabled": False}}
    assert found.evidence
    rows = [row for row in outcomes.iterate_outcomes(target.scan) if row["control"] == EB]
    assert [(row["region"], row["resource"], row["verdict"]) for row in rows] == [(GLOBAL, WHOLE, "fail")]
    assert AccountTotal.objects.get(account=shop, control=EB).failed == 1


def test_passing_regions_keep_their_own_outcome(shop: Account) -> None:
    target = scan(shop, False, True)
    assert only().reason.startswith(f"In 1 of 2 regions: {REGION}.")
    rows = {(r["region"], r["verdict"]) for r in outcomes.iterate_outcomes(target.scan) if r["control"] == EB}
    assert rows == {(GLOBAL, "fail"), (OTHER, "pass")}
    total = AccountTotal.objects.get(account=shop, control=EB)
    assert (total.passed, total.failed) == (1, 1)


def test_change_of_a_region_is_noted_and_the_last_fix_closes(shop: Account) -> None:
    scan(shop, False, False)
    scan(shop, True, False, at=MONDAY + DAY)
    assert only().reason.startswith(f"In 1 of 2 regions: {OTHER}.")
    scan(shop, True, True, at=MONDAY + 2 * DAY)
    found = Finding.objects.get(control=EB)
    assert (found.state, found.resolution) == ("resolved", "fixed")
    kinds = list(FindingEvent.objects.filter(finding=found).order_by("id").values_list("kind", flat=True))
    assert kinds == ["open", "note", "fix"]
    assert PostureCell.objects.get(account=shop, control=EB, region=GLOBAL).failed == 0
    scan(shop, False, True, at=MONDAY + 3 * DAY)
    assert (only().pk, only().reopen_count) == (found.pk, 1)


def test_region_that_was_not_read_keeps_the_finding_open(shop: Account) -> None:
    scan(shop, True, False)
    scan(shop, DENIED_HERE, True, at=MONDAY + DAY)
    assert [(f.region, f.verdict) for f in open_findings()] == [(REGION, "unknown"), (GLOBAL, "fail")]


def test_scan_of_one_region_neither_closes_nor_forgets(shop: Account) -> None:
    scan(shop, False, False)
    scan(shop, True, None, regions=[REGION], at=MONDAY + DAY, denied=None)
    assert only().facts.keys() == {REGION, OTHER}, "a scan of one region that passes changes nothing"
    scan(shop, False, None, regions=[REGION], at=MONDAY + 2 * DAY, denied=None)
    assert only().facts.keys() == {REGION, OTHER}
    assert "the same before: us-east-1" in only().reason


def test_scan_of_one_region_can_open_the_finding(shop: Account) -> None:
    scan(shop, False, None, regions=[REGION], denied=None)
    assert only().resource == WHOLE


def test_old_findings_of_regions_are_replaced_not_fixed(shop: Account) -> None:
    scan(shop, False, False)
    Finding.objects.filter(control=EB).update(
        fingerprint="0" * 64, region=REGION, resource=f"arn:aws:ec2:{REGION}:{ONE}:ebs-encryption-by-default"
    )
    from scans.domain.fingerprint import compute_fingerprint

    old = Finding.objects.get(control=EB)
    Finding.objects.filter(pk=old.pk).update(fingerprint=compute_fingerprint(EB, ONE, old.region, old.resource))
    scan(shop, False, False, at=MONDAY + DAY)
    old.refresh_from_db()
    assert (old.state, old.resolution) == ("resolved", "superseded")
    assert "one finding about the account" in old.reason
    assert only().resource == WHOLE
    scan(shop, True, True, at=MONDAY + 2 * DAY)
    old.refresh_from_db()
    assert old.resolution == "superseded"


def test_commands_of_the_fix_are_listed_for_each_region(shop: Account) -> None:
    scan(shop, False, False)
    fix = fix_of(only(), controls()[EB])
    for region in (REGION, OTHER):
        assert f"aws ec2 enable-ebs-encryption-by-default --region {region}\n" in fix.cli
    assert fix.code.startswith(f"# In each of these regions: {REGION}, {OTHER}\n")


def test_what_if_fixes_every_failing_region(shop: Account) -> None:
    scan(shop, False, False)
    found = fix_preview.simulate_finding_fix(only())
    assert found.would_pass
    assert {change.region for change in found.changes} == {REGION, OTHER}


def test_replay_takes_each_region_from_its_newest_scan(shop: Account) -> None:
    scan(shop, False, False)
    scan(shop, True, None, regions=[REGION], at=MONDAY + DAY, denied=None)
    layers = as_of.good_targets().filter(account=shop).select_related("scan")
    found = rejudge_account(shop, list(layers))
    assert found is not None
    said = {(i.region, str(i.outcome.verdict)): i.outcome.reason for i in found.judged if i.control.id == EB}
    assert said.keys() == {(GLOBAL, "fail"), (REGION, "pass")}
    assert said[GLOBAL, "fail"].startswith(f"In 1 of 2 regions: {OTHER}.")


def test_denied_regions_are_one_finding(shop: Account) -> None:
    scan(shop, REFUSED, REFUSED, denied=(REGION, OTHER))
    assert open_findings() == []
    found = only(RD)
    assert (found.region, found.verdict) == (GLOBAL, "unknown")
    assert found.reason.startswith(f"In 2 of 2 regions: {REGION}, {OTHER}.")
    assert {gap["region"] for gap in found.gaps} == {REGION, OTHER}


def test_one_denied_region_has_the_finding_itself(shop: Account) -> None:
    scan(shop, REFUSED, True, denied=(REGION,))
    assert only(RD).region == REGION
    scan(shop, REFUSED, REFUSED, denied=(REGION, OTHER), at=MONDAY + DAY)
    assert only(RD).region == GLOBAL
    assert Finding.objects.get(control=RD, region=REGION).resolution == "superseded"
    scan(shop, REFUSED, True, denied=(REGION,), at=MONDAY + 2 * DAY)
    assert only(RD).region == REGION
    scan(shop, True, True, at=MONDAY + 3 * DAY)
    assert open_findings(RD) == []
    assert Finding.objects.get(control=RD, region=REGION).resolution == "fixed"


def test_findings_of_a_region_stay_when_it_is_denied(shop: Account) -> None:
    """They are neither closed as gone nor as fixed: what failed may still be there."""
    scan(shop, False, True)
    before = only()
    scan(shop, REFUSED, True, denied=(REGION,), at=MONDAY + DAY)
    assert (only().pk, only().verdict, only().facts.keys()) == (before.pk, "fail", {REGION})
    scan(shop, REFUSED, False, denied=(REGION,), at=MONDAY + 2 * DAY)
    assert only().facts.keys() == {REGION, OTHER}
    scan(shop, REFUSED, True, denied=(REGION,), at=MONDAY + 3 * DAY)
    assert only().state == "open"
    scan(shop, True, True, at=MONDAY + 4 * DAY)
    assert open_findings() == []


def test_failures_elsewhere_close_while_a_region_is_denied(shop: Account) -> None:
    scan(shop, REFUSED, False, denied=(REGION,))
    assert only().facts.keys() == {OTHER}
    scan(shop, REFUSED, True, denied=(REGION,), at=MONDAY + DAY)
    assert Finding.objects.get(control=EB).resolution == "fixed"


def test_old_unknowns_of_a_denied_region_are_replaced(shop: Account) -> None:
    scan(shop, REFUSED, True, denied=None)
    assert [(f.region, f.verdict) for f in open_findings()] == [(REGION, "unknown")]
    scan(shop, REFUSED, True, denied=(REGION,), at=MONDAY + DAY)
    assert open_findings() == []
    assert Finding.objects.get(control=EB).resolution == "superseded"
    scan(shop, DENIED_HERE, True, at=MONDAY + 2 * DAY)
    assert only().verdict == "unknown", "the region is open again, and the call is refused otherwise"


def test_denied_region_leaves_no_count_but_its_own(shop: Account) -> None:
    scan(shop, True, True)
    scan(shop, REFUSED, True, denied=(REGION,), at=MONDAY + DAY)
    cells = {(c.control, c.region): (c.passed, c.unknown) for c in PostureCell.objects.filter(account=shop)}
    assert cells[EB, REGION] == (0, 0)
    assert (cells[RD, REGION], cells[RD, OTHER]) == ((0, 1), (1, 0))
