"""What the latest evidence of an account is, after scans of the whole and of a part."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.aws.gaps import Gap, GapKind
from accounts.models import Account, Organization
from governance.core.policy import SYSTEM
from scans.domain.evidence import GLOBAL, Evidence, parse_evidence, serialize_evidence
from scans.domain.partial_scans import REGIONS_LIMITED, complete_from_held, is_partial_evidence
from scans.models import EvidenceHead, Finding, Scan
from scans.pipeline import account_reader, completion, cross_account
from scans.pipeline.start import start_scan
from scans.storage import blobs
from scans.storage.latest import update_latest_evidence
from tests.scans.orders import company, in_place_of_aws, read_all, volumes
from tests.scans.stored import OTHER, REGION, evidence

OTHERS = Gap(GapKind.NOT_READ, "scan.Regions", "", "other regions", REGIONS_LIMITED)
ARN = "arn:aws:s3:::{}"
SENDER, OWNER = "111122223333", "111122223334"


def destinations(*names: str, kind: str = "01", part: bool = False) -> Evidence:
    made = evidence("s3_buckets", GLOBAL)
    for name in names:
        made.add(
            "s3.destination", ARN.format(name), name=name, kinds=[kind], fields=[kind], own=False, head="exists"
        )  # fmt: skip
    if part:
        made.record_gap("s3.destination", OTHERS)
    return made


def denied(region: str) -> Gap:
    return Gap(GapKind.DENIED, "ssm.ListCommands", "ssm:ListCommands", region, "AccessDenied")


def names_of(found: Evidence) -> dict[str, list[str]]:
    return {str(each.facts["name"]): each.facts["kinds"] for each in found.resources}


def test_partial_read_keeps_other_known_references() -> None:
    part, held = destinations("new", "both", kind="07", part=True), destinations("both", "old")
    whole = complete_from_held(part, held, {REGION})
    assert names_of(whole) == {"new": ["07"], "both": ["01", "07"], "old": ["01"]}
    assert whole.gaps == {"s3.destination": [OTHERS]}
    assert serialize_evidence(complete_from_held(part, whole, {REGION})) == serialize_evidence(whole)


def test_partial_read_renews_gaps_in_its_regions_only() -> None:
    part, held = destinations(part=True), destinations()
    for region in (REGION, OTHER):
        held.record_gap("s3.bucket", denied(region))
    assert complete_from_held(part, held, {REGION}).gaps == {"s3.destination": [OTHERS], "s3.bucket": [denied(OTHER)]}


def test_only_requested_omission_makes_a_part() -> None:
    assert is_partial_evidence(destinations(part=True))
    refused = destinations()
    refused.record_gap("s3.destination", denied(REGION))
    assert not is_partial_evidence(refused)


def head(account: Account) -> Evidence:
    digest = EvidenceHead.objects.get(account=account, collector="s3_buckets").digest
    return parse_evidence(blobs.load_contents([digest])[digest])


@pytest.fixture
def organization(db: None) -> Organization:
    return company("sender", "owner")


def keep(account: Account, *evidences: Evidence) -> None:
    held = {(each.region, each.collector): each for each in evidences}
    _, manifest = blobs.store_evidence(held)
    digests = {(region, name): digest for region, by in manifest.items() for name, digest in by.items()}
    update_latest_evidence(account, held, digests, timezone.now())


def test_full_read_replaces_all_earlier_parts(organization: Organization) -> None:
    account = organization.accounts.get(account_id=SENDER)
    keep(account, destinations("first", part=True))
    assert names_of(head(account)) == {"first": ["01"]}
    keep(account, destinations("second", part=True))
    assert set(names_of(head(account))) == {"first", "second"}
    keep(account, destinations("second"))
    assert names_of(head(account)) == {"second": ["01"]}
    assert not head(account).gaps


def test_repeated_part_changes_nothing(organization: Organization) -> None:
    account = organization.accounts.get(account_id=SENDER)
    keep(account, destinations("first"))
    keep(account, destinations("second", part=True))
    before = EvidenceHead.objects.values().get()
    keep(account, destinations("second", part=True))
    assert EvidenceHead.objects.values().get() == before


def test_a_head_that_is_no_longer_kept_is_known_to_be_lost(organization: Organization) -> None:
    account = organization.accounts.get(account_id=SENDER)
    keep(account, destinations("first"))
    EvidenceHead.objects.update(digest="0" * 64, changed_at=timezone.now() - timedelta(days=1))
    keep(account, destinations("second", part=True))
    assert set(names_of(head(account))) == {"second"}
    assert {gap.code for gap in head(account).gaps["s3.destination"]} == {REGIONS_LIMITED, "NotKept"}


def to_a_bucket_from_two_regions(plan: account_reader.CollectionPlan) -> account_reader.CollectionResult:
    """The sender's settings in another region name the owner's bucket, which has no encryption of its own."""
    read = volumes(plan)
    inventory, buckets = evidence("s3_account", GLOBAL), evidence("s3_buckets", GLOBAL)
    inventory.add("s3.inventory", ARN.format("*"), buckets={"logs": REGION} if plan.account == OWNER else {})
    if plan.account == SENDER:
        buckets = destinations(*([] if plan.regions_limited else ["logs"]), part=plan.regions_limited)
    for name in plan.inbound:
        buckets.add("s3.bucket", ARN.format(name), region=REGION, name=name, kinds=["01"], encryption=None)
    read.evidences |= {(GLOBAL, "s3_account"): inventory, (GLOBAL, "s3_buckets"): buckets}
    return read


@pytest.fixture
def scanned(organization: Organization, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Scan]:
    in_place_of_aws(monkeypatch, to_a_bucket_from_two_regions)

    def run(**asked: Any) -> Scan:
        scan = start_scan(actor=SYSTEM, organization=organization, **asked)
        read_all(scan)
        completion.advance_scan(scan.pk)
        read_all(scan)
        completion.advance_scan(scan.pk)
        return scan

    return run


def test_bucket_named_from_omitted_region_is_still_read(
    organization: Organization, scanned: Callable[..., Scan]
) -> None:
    scanned()
    (finding,) = Finding.objects.filter(control="SSM-S3-001", resource=ARN.format("logs"))
    assert (finding.state, finding.verdict) == ("open", "fail")
    scanned(accounts=[SENDER], regions=[REGION])
    assert cross_account.find_inbound_buckets(organization) == {OWNER: {"logs": ["01"]}}
    scanned(accounts=[OWNER])
    finding.refresh_from_db()
    assert (finding.state, finding.verdict) == ("open", "fail")
    assert finding.events.count() == 1
