"""Findings, history and cells follow what was judged, and only what changed is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from accounts.aws.gaps import Gap, GapKind
from accounts.models import Account, Organization
from scans.domain.control import (
    Control,
    ControlScope,
    Outcome,
    Remediation,
    Severity,
    Verdict,
    failed,
    not_applicable,
    passed,
)
from scans.domain.engine import JudgedOutcome, make_unread_outcome
from scans.domain.evidence import Evidence, World
from scans.models import Finding, FindingEvent, PostureCell, Scan
from scans.pipeline.reconcile import reconcile_findings

pytestmark = pytest.mark.django_db

REGION = "eu-west-1"
GAP = Gap(GapKind.DENIED, "ssm.DescribeParameters", "ssm:DescribeParameters", REGION, "AccessDeniedException")
CONTROL = Control(
    id="SSM-XX-001", file="ssm_xx_001", title="t", severity=Severity.HIGH, scope=ControlScope.REGION,
    facts={"example.thing": ("size",)}, container="arn:{p}:example:{r}:{a}:thing/*",
    remediation=Remediation("fix", "aws fix"), statements=("S1",), quote="q",
)  # fmt: skip
PLACE = "arn:aws:example:eu-west-1:111122223333:thing/*"


@pytest.fixture
def account() -> Account:
    organization = Organization.objects.create(org_id="o-1", partition="aws", management_account_id="999900001111")
    return Account.objects.create(organization=organization, account_id="111122223333", name="payments")


def scan_gives(account: Account, outcomes: dict[str, Outcome], *, size: int = 1, regions: Sequence[str] = ()) -> None:
    asked = {"regions": list(regions)}
    scan = Scan.objects.create(organization=account.organization, started_by="test", asked=asked)
    evidence = Evidence("example", REGION, types=("example.thing",))
    for arn in outcomes:
        evidence.add("example.thing", arn, size=size)
    judged: Sequence[JudgedOutcome] = [
        JudgedOutcome(
            CONTROL,
            account.account_id,
            REGION,
            arn,
            "" if arn == PLACE else "example.thing",
            outcome,
            about_place=arn == PLACE,
        )
        for arn, outcome in outcomes.items()
    ]
    reconcile_findings(
        scan=scan, account=account, at=datetime.now(UTC), judged=list(judged), judged_places={(CONTROL.id, REGION)},
        world=World([evidence]), digests={(REGION, "example"): "d" * 64},
    )  # fmt: skip


def only() -> Finding:
    return Finding.objects.get()


def kinds() -> list[str]:
    return list(FindingEvent.objects.order_by("id").values_list("kind", flat=True))


def test_a_pass_makes_no_finding_only_a_count(account: Account) -> None:
    scan_gives(account, {"a": passed("fine.")})
    assert not Finding.objects.exists()
    assert PostureCell.objects.get().passed == 1


def test_fail_then_pass_is_fixed_then_fail_is_reopened(account: Account) -> None:
    scan_gives(account, {"a": failed("bad.")})
    assert (only().state, only().evidence, only().facts) == ("open", "d" * 64, {"size": 1})
    scan_gives(account, {"a": passed("fine.")})
    assert (only().state, only().resolution) == ("resolved", "fixed")
    scan_gives(account, {"a": failed("bad.")})
    assert (only().state, only().resolution, only().reopen_count) == ("open", "", 1)
    assert kinds() == ["open", "fix", "reopen"]


def test_refused_read_closes_no_finding(account: Account) -> None:
    scan_gives(account, {"a": failed("bad.")})
    scan_gives(account, {PLACE: make_unread_outcome((GAP,))})
    assert Finding.objects.get(resource="a").state == "open"
    place = Finding.objects.get(resource=PLACE)
    assert (place.state, place.verdict, place.gaps) == ("open", "unknown", [GAP.as_dict()])


def test_missing_from_complete_list_is_resolved_as_gone(account: Account) -> None:
    scan_gives(account, {"a": failed("bad."), "b": failed("bad.")})
    scan_gives(account, {"b": failed("bad.")})
    assert Finding.objects.get(resource="a").resolution == "gone"
    assert Finding.objects.get(resource="b").state == "open"


def test_unknown_after_fixed_does_not_reopen(account: Account) -> None:
    scan_gives(account, {"a": failed("bad.")})
    scan_gives(account, {"a": passed("fine.")})
    scan_gives(account, {"a": make_unread_outcome((GAP,))})
    assert (only().state, only().verdict) == ("resolved", "unknown")


def test_a_control_that_no_longer_applies_lapses(account: Account) -> None:
    scan_gives(account, {"a": failed("bad.")})
    scan_gives(account, {"a": not_applicable("no nodes.")})
    assert (only().state, only().resolution) == ("resolved", "not_applicable")


def test_an_unchanged_scan_writes_no_row(account: Account, django_assert_num_queries: object) -> None:
    scan_gives(account, {"a": failed("bad."), "b": passed("fine.")})
    before = (only().changed_at, FindingEvent.objects.count(), PostureCell.objects.get().changed_at)
    scan_gives(account, {"a": failed("bad."), "b": passed("fine.")})
    assert (only().changed_at, FindingEvent.objects.count(), PostureCell.objects.get().changed_at) == before


def test_a_changed_fact_is_noted_in_the_history(account: Account) -> None:
    scan_gives(account, {"a": failed("bad.")}, size=1)
    scan_gives(account, {"a": failed("bad.")}, size=2)
    assert kinds() == ["open", "note"]
    assert only().facts == {"size": 2}


def test_hostile_names_are_stored_whole(account: Account) -> None:
    arn = "arn:aws:ssm:eu-west-1:111122223333:parameter/<script>\u202e\n" + "x" * 2048
    scan_gives(account, {arn: failed("bad.")})
    assert only().resource == arn


def test_cells_count_each_verdict(account: Account) -> None:
    scan_gives(
        account, {"a": failed("x."), "b": passed("x."), "c": not_applicable("x."), "d": Outcome(Verdict.UNKNOWN, "x.")}
    )
    cell = PostureCell.objects.get()
    assert (cell.passed, cell.failed, cell.unknown, cell.not_applicable) == (1, 1, 1, 1)


def test_unknown_reference_closes_no_finding(account: Account) -> None:
    """SSM-DS-001.02: CloudTrail's record of a package names its bucket. A refused record is no sign that it is gone."""
    naming = replace(
        CONTROL, facts={**CONTROL.facts, "example.package": ("source",)}, names_others=("example.package",)
    )

    def reads(*outcomes: tuple[str, str, Outcome]) -> None:
        reconcile_findings(
            scan=Scan.objects.create(organization=account.organization, started_by="test"), account=account,
            at=datetime.now(UTC), judged_places={(CONTROL.id, REGION)}, world=World([]), digests={},
            judged=[JudgedOutcome(naming, account.account_id, REGION, arn, type, out) for arn, type, out in outcomes],
        )  # fmt: skip

    reads(("bucket", "example.thing", failed("open to all.")))
    reads(("package", "example.package", make_unread_outcome((GAP,))))
    assert Finding.objects.get(resource="bucket").state == "open"
    reads(("other", "example.thing", passed("fine.")))
    assert Finding.objects.get(resource="bucket").resolution == "gone"
