"""What one account's settings point at and another account owns."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from accounts.aws.gaps import Gap
from accounts.models import Account, Organization
from scans.domain.control import GAP
from scans.domain.evidence import GLOBAL, Context, Evidence
from scans.models import EvidenceHead
from scans.pipeline import cross_account
from scans.storage import blobs

pytestmark = pytest.mark.django_db

ARN = "arn:aws:s3:::central"


@pytest.fixture
def organization() -> Organization:
    made = Organization.objects.create(org_id="o-1", partition="aws", management_account_id="111122223333")
    for id in ("111122223333", "444455556666"):
        Account.objects.create(organization=made, account_id=id, name=id)
    return made


def keep(account: str, *evidences: Evidence) -> None:
    owner = Account.objects.get(account_id=account)
    _, manifest = blobs.store_evidence({(e.region, e.collector): e for e in evidences})
    for region, by_name in manifest.items():
        for name, digest in by_name.items():
            EvidenceHead.objects.create(
                account=owner, region=region, collector=name, digest=digest, changed_at=timezone.now()
            )


def buckets(**facts: Any) -> Evidence:
    evidence = Evidence(
        "s3_buckets", GLOBAL, types=("s3.bucket", "s3.destination", "s3.unplaced_destination", "ssm.package")
    )
    evidence.add("s3.bucket", ARN, region="eu-west-1", **{"name": "central", "encryption": None, **facts})
    evidence.add("s3.bucket", "arn:aws:s3:::private", region="eu-west-1", name="private")
    return evidence


def points_at(*names: str) -> Evidence:
    evidence = Evidence(
        "s3_buckets", GLOBAL, types=("s3.bucket", "s3.destination", "s3.unplaced_destination", "ssm.package")
    )
    for name in names:
        evidence.add("s3.destination", f"arn:aws:s3:::{name}", name=name, kinds=["07"], own=False, head="forbidden")
    return evidence


def inventory(*names: str) -> Evidence:
    evidence = Evidence("s3_account", GLOBAL, types=("s3.inventory", "s3.account"))
    evidence.add("s3.inventory", "inventory", buckets=dict.fromkeys(names, "eu-west-1"))
    evidence.add("s3.account", "account", public_access_block=None)
    return evidence


def features(told: Any) -> Evidence:
    evidence = Evidence("iam", GLOBAL, types=("iam.organization",))
    evidence.add("iam.organization", "arn:aws:organizations::111122223333:organization/o-1", features=told)
    return evidence


@pytest.mark.parametrize(
    ("told", "managed"),
    [(["RootCredentialsManagement", "RootSessions"], True), (["RootSessions"], False), ([], False), (GAP, GAP)],
)
def test_management_account_tells_root_management(organization: Organization, told: Any, managed: bool | Gap) -> None:
    assert cross_account.read_root_management(organization) is None
    keep("444455556666", features(["RootCredentialsManagement"]))
    assert cross_account.read_root_management(organization) is None
    keep("111122223333", features(told))
    assert cross_account.read_root_management(organization) == managed
    kept = blobs.store_context(Context(organization="o-1", root_managed=managed))
    assert blobs.load_context(kept, account="1", as_of="").root_managed == managed


def test_only_buckets_used_by_others_are_shared(organization: Organization) -> None:
    keep("444455556666", buckets(), inventory("central", "private"))
    keep("111122223333", points_at("central", "elsewhere"), inventory())
    owners, unread = cross_account.map_bucket_owners(organization)
    shared = cross_account.describe_shared_buckets(organization, owners)
    assert list(shared) == ["central"]
    assert shared["central"]["account"] == "444455556666"
    assert unread == set()


def test_own_bucket_references_share_nothing(organization: Organization) -> None:
    evidence = buckets()
    evidence.add("s3.destination", ARN, name="central", kinds=["07"], own=True, head="exists")
    keep("444455556666", evidence, inventory("central"))
    owners, _ = cross_account.map_bucket_owners(organization)
    assert cross_account.describe_shared_buckets(organization, owners) == {}


def test_stored_context_loads_unchanged(organization: Organization) -> None:
    keep("444455556666", buckets(), inventory("central"))
    keep("111122223333", points_at("central"), inventory())
    owners, _ = cross_account.map_bucket_owners(organization)
    shared = cross_account.describe_shared_buckets(organization, owners)
    digest = blobs.store_context(Context(organization="o-1", bucket_owners=owners, shared_buckets=shared))
    assert blobs.load_context(digest, account="1", as_of="").shared_buckets == shared


def test_a_context_from_before_buckets_were_shared_still_loads(organization: Organization) -> None:
    old = {
        "partition": "aws", "organization": "o-1", "management_account": "1", "accounts": [], "bucket_owners": None,
        "unread_accounts": [], "policy": {},
    }  # fmt: skip
    context = blobs.load_context(blobs.store_json(old), account="1", as_of="")
    assert context.shared_buckets == {}
    assert context.root_managed is None
