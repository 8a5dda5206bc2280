"""A refused call that left an outcome unknown is told with the scan, though no evidence says so."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.aws.gaps import NOT_COLLECTED, Gap, GapKind
from governance.core.policy import SYSTEM
from scans.domain.control import Outcome, Verdict
from scans.domain.engine import JudgedOutcome, make_unread_outcome
from scans.domain.evidence import Context, Evidence, encode_evidence
from scans.domain.unread import add_blocking_gaps, list_blocking_gaps, list_foreign_gaps
from scans.management.scan_report import list_unread_accounts
from scans.models import Finding, Scan
from scans.pipeline import account_reader, completion
from scans.pipeline.start import start_scan
from scans.queries.scans import gaps_of
from tests.scans.orders import company, in_place_of_aws, read_all, volumes
from tests.scans.pipeline.test_reconcile import CONTROL
from tests.scans.stored import REGION, evidence

HEAD = Gap(GapKind.DENIED, "s3.HeadBucket", "s3:ListBucket", "global", "403")
THEIRS = Gap(GapKind.DENIED, "s3.GetBucketPolicy", "s3:GetBucketPolicy", REGION, "AccessDenied")
NOBODY_ASKED = Gap(GapKind.NOT_READ, "s3.ListBuckets", "s3:ListAllMyBuckets", "global", NOT_COLLECTED)
FEATURES = Gap(
    GapKind.DENIED, "iam.ListOrganizationsFeatures", "iam:ListOrganizationsFeatures", "global", "AccessDenied"
)
FORBIDDEN = "arn:aws:s3:::partner"


def judged(outcome: Outcome) -> JudgedOutcome:
    return JudgedOutcome(CONTROL, "111122223333", "global", "a", "example.thing", outcome)


def test_only_refusals_behind_unknowns_block() -> None:
    items = [
        judged(make_unread_outcome((HEAD, NOBODY_ASKED))), judged(make_unread_outcome((HEAD,))), judged(Outcome(Verdict.FAIL, "x", (THEIRS,))),
    ]  # fmt: skip
    assert list_blocking_gaps(items) == [HEAD]
    assert list_blocking_gaps([judged(make_unread_outcome((HEAD, THEIRS)))], frozenset({THEIRS})) == [HEAD]


def test_gaps_of_other_accounts_are_listed() -> None:
    shared = Evidence("shared_bucket", REGION, types=("s3.bucket",), gaps={"s3.account": [THEIRS]})
    buckets = {"logs": {"account": "444455556666", "evidence": encode_evidence(shared)}}
    assert list_foreign_gaps(Context(shared_buckets=buckets, root_managed=True)) == {THEIRS}
    trails = Evidence("others", "global", gaps={"cloudtrail.trail": [THEIRS]})
    assert list_foreign_gaps(Context(others={"999900001111": (trails,)})) == {THEIRS}
    assert list_foreign_gaps(Context(shared_buckets=buckets, root_managed=FEATURES)) == {THEIRS, FEATURES}


def test_each_gap_is_reported_once() -> None:
    assert add_blocking_gaps([HEAD.as_dict()], [HEAD, THEIRS]) == [HEAD.as_dict(), THEIRS.as_dict()]


def to_a_bucket(plan: account_reader.CollectionPlan) -> account_reader.CollectionResult:
    """The account's settings name a bucket at which S3 refuses to let it look."""
    read = volumes(plan)
    inventory, buckets = evidence("s3_account", "global"), evidence("s3_buckets", "global")
    inventory.add("s3.inventory", "arn:aws:s3:::*", buckets={})
    if plan.account == "111122223333":
        buckets.add(
            "s3.destination", FORBIDDEN, name="partner", kinds=["01"], fields=["command"], own=False, head="forbidden"
        )
    read.evidences |= {("global", "s3_account"): inventory, ("global", "s3_buckets"): buckets}
    return read


@pytest.mark.django_db
def test_refused_bucket_look_makes_scan_partial(monkeypatch: Any) -> None:
    in_place_of_aws(monkeypatch, to_a_bucket)
    organization = company()
    scan = start_scan(actor=SYSTEM, organization=organization, controls=["SSM-S3-005"])
    read_all(scan)
    completion.advance_scan(scan.pk)
    scan = Scan.objects.get(pk=scan.pk)
    assert (scan.state, scan.totals["gaps"]) == ("partial", 1)
    assert list_unread_accounts(scan) == [
        (
            "Gap: management (111122223333) — s3.HeadBucket was denied (403; needs s3:ListBucket) in global. Scan the account "
            "that owns the bucket, too, or ask its owner to allow s3:ListBucket; if the bucket belongs to this account, allow "
            "the action in the scan role."
        )
    ]
    (group,) = gaps_of(scan, organization.accounts.all())
    assert (group.api, list(group.accounts)) == ("s3.HeadBucket", ["111122223333"])


def without_root_credentials(plan: account_reader.CollectionPlan) -> account_reader.CollectionResult:
    """Nobody may ask the management account whether it manages those of the others."""
    read = volumes(plan)
    iam = evidence("iam", "global")
    here = plan.account == plan.context.management_account
    iam.add(
        "iam.root", f"arn:aws:iam::{plan.account}:root", mfa_enabled=here, credentials_present=here
    )  # fmt: skip
    if here:
        iam.add("iam.organization", "arn:aws:organizations::111122223333:organization/o-1", features=FEATURES)
        read.gaps.append(FEATURES)
    read.evidences[("global", "iam")] = iam
    return read


@pytest.mark.django_db
def test_management_refusal_is_a_gap_there_alone(monkeypatch: Any) -> None:
    in_place_of_aws(monkeypatch, without_root_credentials)
    organization = company()
    scan = start_scan(actor=SYSTEM, organization=organization, controls=["SSM-ID-001"])
    read_all(scan)
    completion.advance_scan(scan.pk)
    unknown = Finding.objects.filter(control="SSM-ID-001", verdict="unknown")
    assert set(unknown.values_list("account__name", flat=True)) == {"payments", "sandbox"}
    (group,) = gaps_of(Scan.objects.get(pk=scan.pk), organization.accounts.all())
    assert (group.api, list(group.accounts)) == (FEATURES.api, ["111122223333"])
