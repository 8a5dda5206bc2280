from __future__ import annotations

import json
from typing import Any

import pytest

from accounts.aws.gaps import Gap, GapKind
from scans.collectors.s3_buckets import COLLECTOR, collect
from scans.domain.collector import EarlierEvidence
from scans.domain.evidence import GLOBAL, Resource, serialize_evidence
from tests.scans.collectors.fake_reader import FakeReader
from tests.scans.collectors.looking import DENIED, a, all_of, kinds, one_of, seen

ALL = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
HALF = ALL | {"BlockPublicAcls": False}
POLICY = {"Version": "2012-10-17", "Statement": []}
KMS = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "key"}
OWNED = {"OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}}
LOCKED = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 30}}}
COMMAND = a("ssm.command", "command", references=[{"bucket": "own", "kind": "01", "field": "OutputS3BucketName"}])
STRAY = a("ssm.association", "association", references=[{"bucket": "stray", "kind": "13", "field": "OutputLocation"}])


def inventory(buckets: Any, block: Any = ALL) -> tuple[Resource, Resource]:
    return (
        a("s3.inventory", "inventory", GLOBAL, buckets=buckets),
        a("s3.account", "account", GLOBAL, public_access_block=block),
    )


def s3() -> FakeReader:
    reader = FakeReader(COLLECTOR)
    rules = [{"ApplyServerSideEncryptionByDefault": KMS, "BucketKeyEnabled": True}]
    reader.answer("s3", "GetBucketEncryption", {"ServerSideEncryptionConfiguration": {"Rules": rules}})
    reader.answer("s3", "GetBucketPolicy", {"Policy": json.dumps(POLICY)})
    reader.answer("s3", "GetPublicAccessBlock", {"PublicAccessBlockConfiguration": ALL})
    reader.answer("s3", "GetBucketPolicyStatus", {"PolicyStatus": {"IsPublic": True}})
    reader.answer("s3", "GetBucketLogging", {})
    reader.answer("s3", "GetBucketVersioning", {"Status": "Enabled"})
    reader.answer("s3", "GetBucketOwnershipControls", OWNED)
    reader.answer("s3", "GetObjectLockConfiguration", {"ObjectLockConfiguration": LOCKED})
    reader.answer("s3control", "ListAccessPoints", {"AccessPointList": []})
    return reader.answer("s3", "HeadBucket", {})


def test_an_empty_account_takes_no_call() -> None:
    reader = s3()
    evidence = collect(reader, seen(*inventory({"unused": "eu-west-1"})))
    assert reader.count() == 0
    assert not evidence.resources
    assert not evidence.gaps


def test_own_bucket_under_full_block_takes_six_calls() -> None:
    reader = s3()
    earlier = seen(COMMAND, *inventory({"own": "eu-central-1"}))
    evidence = collect(reader, earlier)
    (bucket,) = [r for r in evidence.resources if r.type == "s3.bucket"]
    assert (bucket.arn, bucket.region) == ("arn:aws:s3:::own", "eu-central-1")
    assert bucket.facts == {
        "name": "own",
        "kinds": ["01"],
        "encryption": {"algorithm": "aws:kms", "key": "key", "bucket_key": True},
        "policy": POLICY,
        "public_access_block": None,
        "policy_public": False,
        "access_log": None,
        "versioning": "Enabled",
        "ownership": "BucketOwnerEnforced",
    }
    assert {made.region for made in reader.made} == {"eu-central-1"}
    assert reader.count() == 6
    (destination,) = [r for r in evidence.resources if r.type == "s3.destination"]
    assert destination.region == GLOBAL
    assert destination.facts == {
        "name": "own",
        "kinds": ["01"],
        "fields": ["command OutputS3BucketName"],
        "own": True,
        "head": "exists",
    }
    assert serialize_evidence(evidence) == serialize_evidence(collect(reader, earlier))


@pytest.mark.parametrize("block", [None, HALF, DENIED])
def test_without_a_complete_block_the_bucket_takes_eight(block: Any) -> None:
    reader = s3()
    facts = one_of(collect(reader, seen(COMMAND, *inventory({"own": "eu-west-1"}, block))), "s3.bucket")
    assert (facts["public_access_block"], facts["policy_public"]) == (ALL, True)
    assert reader.count() == 8


def test_absent_bucket_settings_are_read_as_absent() -> None:
    reader = s3()
    for operation, code in {
        "GetBucketEncryption": "ServerSideEncryptionConfigurationNotFoundError",
        "GetBucketPolicy": "NoSuchBucketPolicy",
        "GetPublicAccessBlock": "NoSuchPublicAccessBlockConfiguration",
        "GetBucketPolicyStatus": "NoSuchBucketPolicy",
        "GetBucketOwnershipControls": "OwnershipControlsNotFoundError",
        "GetObjectLockConfiguration": "ObjectLockConfigurationNotFoundError",
    }.items():
        reader.refuse("s3", operation, code, kind=GapKind.REJECTED, status=404)
    facts = one_of(collect(reader, seen(TRAIL, *inventory({"own": "eu-west-1"}, None))), "s3.bucket")
    assert facts["encryption"] == {"algorithm": "AES256", "key": None, "bucket_key": False}
    assert facts["policy"] is facts["public_access_block"] is facts["policy_public"] is None
    assert (facts["ownership"], facts["object_lock"]) == ("ObjectWriter", {"enabled": False, "mode": None})


@pytest.mark.parametrize(
    ("operation", "fact"),
    [
        ("GetBucketEncryption", "encryption"),
        ("GetBucketPolicy", "policy"),
        ("GetPublicAccessBlock", "public_access_block"),
        ("GetBucketPolicyStatus", "policy_public"),
        ("GetBucketOwnershipControls", "ownership"),
    ],
)
def test_denied_or_malformed_bucket_detail_is_a_gap(operation: str, fact: str) -> None:
    earlier = seen(COMMAND, *inventory({"own": "eu-west-1"}, None))
    for reader, kind in (
        (s3().refuse("s3", operation, "AccessDenied", status=403), GapKind.DENIED),
        (s3().answer("s3", operation, {}), GapKind.MALFORMED),
    ):
        facts = one_of(collect(reader, earlier), "s3.bucket")
        assert {name: v.kind for name, v in facts.items() if isinstance(v, Gap)} == {fact: kind}


@pytest.mark.parametrize(
    ("code", "status", "head"),
    [("404", 404, "not_found"), ("NoSuchBucket", 404, "not_found"), ("403", 403, "forbidden"), ("301", 301, "exists")],
)
def test_foreign_bucket_head_answer_is_recorded(code: str, status: int, head: str) -> None:
    reader = s3().refuse("s3", "HeadBucket", code, status=status)
    evidence = collect(reader, seen(STRAY, *inventory({})))
    facts = one_of(evidence, "s3.destination")
    assert (facts["head"], facts["own"]) == (head, False)
    assert reader.count() == 1
    assert not all_of(evidence, "s3.bucket")


def test_a_foreign_bucket_that_can_not_be_asked() -> None:
    reader = s3().refuse("s3", "HeadBucket", "SlowDown", kind=GapKind.THROTTLED, status=503)
    assert one_of(collect(reader, seen(STRAY, *inventory({}))), "s3.destination")["head"].kind is GapKind.THROTTLED


def test_own_bucket_deleted_meanwhile_is_dangling() -> None:
    reader = s3().refuse("s3", "GetBucketPolicy", "NoSuchBucket", kind=GapKind.REJECTED, status=404)
    reader.refuse("s3", "HeadBucket", "404", kind=GapKind.REJECTED, status=404)
    evidence = collect(reader, seen(COMMAND, *inventory({"own": "eu-west-1"})))
    assert not all_of(evidence, "s3.bucket")
    facts = one_of(evidence, "s3.destination")
    assert (facts["own"], facts["head"]) == (False, "not_found")
    assert not evidence.gaps


@pytest.mark.parametrize(
    ("location", "region"), [(None, "us-east-1"), ("EU", "eu-west-1"), ("eu-central-1", "eu-central-1")]
)
def test_a_region_that_the_list_left_out(location: str | None, region: str) -> None:
    reader = s3().answer("s3", "GetBucketLocation", {"LocationConstraint": location})
    evidence = collect(reader, seen(COMMAND, *inventory({"own": None})))
    assert [r.region for r in evidence.resources if r.type == "s3.bucket"] == [region]


def test_a_region_that_can_not_be_read() -> None:
    reader = s3().refuse("s3", "GetBucketLocation", "AccessDenied", status=403)
    evidence = collect(reader, seen(COMMAND, *inventory({"own": None})))
    assert kinds(evidence, "s3.bucket") == ["denied"]
    assert one_of(evidence, "s3.destination")["own"] is True
    reader = s3().answer("s3", "GetBucketLocation", {"LocationConstraint": 1})
    assert kinds(collect(reader, seen(COMMAND, *inventory({"own": None}))), "s3.bucket") == ["malformed"]


def test_buckets_that_other_accounts_point_at() -> None:
    inbound = {"shared": ("07",), "own": ("12",), "arn:aws:kms:eu-west-1:111122223333:key/1": ("key",)}
    earlier = seen(COMMAND, *inventory({"own": "eu-west-1", "shared": "eu-west-1"}), inbound=inbound)
    evidence = collect(s3(), earlier)
    assert {facts["name"]: facts["kinds"] for facts in all_of(evidence, "s3.bucket").values()} == {
        "own": ["01", "12"],
        "shared": ["07"],
    }
    assert one_of(evidence, "s3.destination")["kinds"] == ["01"]
    assert not collect(s3(), seen(*inventory({}), inbound={"gone": ("07",)})).resources


def test_unread_inventory_leaves_bucket_owner_unknown() -> None:
    evidence = collect(s3(), seen(COMMAND, *inventory(DENIED)))
    assert evidence.gaps == {"s3.bucket": [DENIED], "s3.access_point": [DENIED]}
    facts = one_of(evidence, "s3.destination")
    assert (facts["own"], facts["head"]) == (DENIED, "exists")
    assert kinds(collect(s3(), seen(COMMAND)), "s3.bucket") == ["not_read"]


@pytest.mark.parametrize(
    "earlier",
    [
        seen(*inventory({}), gaps={"ssm.command": [DENIED]}),
        seen(*inventory({}), a("ssm.document", "document", references=DENIED)),
        seen(*inventory({}), gaps={"cloudtrail.trail": [DENIED]}),
    ],
)
def test_settings_that_were_not_read_may_name_more(earlier: EarlierEvidence) -> None:
    assert collect(s3(), earlier).gaps == {
        "s3.bucket": [DENIED],
        "s3.access_point": [DENIED],
        "s3.destination": [DENIED],
        "s3.unplaced_destination": [DENIED],
    }


def test_settings_whose_bucket_is_unknown() -> None:
    """B2 and B4: such a setting is a destination that can't be placed, never the absence of one."""
    left = [{"unplaced": "it holds {{B}}, which only a run resolves", "kind": "01", "field": "Output"}]
    earlier = seen(
        *inventory({}),
        a("ssm.document", "book", references=left),
        a("ssm.document", "lost", references=[], attachment_sources=[]),
        a("ssm.document", "refused", references=[], attachment_sources=DENIED),
        a("ssm.document", "known", references=[], attachment_sources=["own"]),
        a("ssm.document", "plain", references=[]),
    )
    found = {r.arn: r.facts for r in collect(s3(), earlier).resources if r.type == "s3.unplaced_destination"}
    assert set(found) == {"book", "lost", "refused"}
    assert found["book"] == {
        "kinds": {"01": ["Output: it holds {{B}}, which only a run resolves"]},
        "attachments": None,
    }
    assert list(found["lost"]["kinds"]) == ["05"]
    assert found["refused"] == {"kinds": {}, "attachments": DENIED}


def test_only_the_owner_of_a_trail_answers_for_its_bucket() -> None:
    shadow = a("cloudtrail.trail", "arn:aws:cloudtrail:eu-west-1:999999999999:trail/o", GLOBAL, bucket="own")
    trail = a("cloudtrail.trail", "arn:aws:cloudtrail:eu-west-1:111122223333:trail/t", GLOBAL, bucket="own")
    assert not collect(s3(), seen(shadow, *inventory({"own": "eu-west-1"}))).resources
    assert one_of(collect(s3(), seen(trail, *inventory({"own": "eu-west-1"}))), "s3.bucket")["kinds"] == ["07"]


def test_packages_of_every_region_are_listed_with_their_source() -> None:
    known = a("ssm.document", "agent", name="agent", document_type="Package", package_source=["own"], references=[])
    lost = a(
        "ssm.document", "lost", "us-east-1", name="lost", document_type="Package", package_source=[], references=[]
    )
    other = a("ssm.document", "doc", name="doc", document_type="Command", references=[])
    evidence = collect(s3(), seen(known, lost, other, *inventory({})))
    assert all_of(evidence, "ssm.package") == {
        "agent": {"name": "agent", "source": ["own"]},
        "lost": {"name": "lost", "source": []},
    }
    assert {r.region for r in evidence.resources} == {GLOBAL}


def test_documents_that_were_not_read_may_be_packages() -> None:
    unsure = a("ssm.document", "doc", name="doc", document_type=DENIED, references=[])
    assert collect(s3(), seen(unsure, *inventory({}))).gaps == {"ssm.package": [DENIED]}
    refused = collect(s3(), seen(*inventory({}), gaps={"ssm.document": [DENIED]}))
    assert refused.gaps["ssm.package"] == [DENIED]


TRAIL = a("cloudtrail.trail", "arn:aws:cloudtrail:eu-west-1:111122223333:trail/t", GLOBAL, bucket="own")


@pytest.mark.parametrize("setting", [TRAIL, COMMAND])
@pytest.mark.parametrize(("answer", "expected"), [({}, None), ({"LoggingEnabled": {"TargetBucket": "logs"}}, "logs")])
def test_access_log_of_every_bucket_is_read(answer: dict[str, Any], expected: str | None, setting: Resource) -> None:
    reader = s3().answer("s3", "GetBucketLogging", answer)
    facts = one_of(collect(reader, seen(setting, *inventory({"own": "eu-west-1"}))), "s3.bucket")
    assert facts["access_log"] == expected


def test_denied_or_malformed_access_log_is_a_gap() -> None:
    earlier = seen(TRAIL, *inventory({"own": "eu-west-1"}))
    denied = s3().refuse("s3", "GetBucketLogging", "AccessDenied", status=403)
    assert one_of(collect(denied, earlier), "s3.bucket")["access_log"].kind is GapKind.DENIED
    strange = s3().answer("s3", "GetBucketLogging", {"LoggingEnabled": {}})
    assert one_of(collect(strange, earlier), "s3.bucket")["access_log"].kind is GapKind.MALFORMED


SESSIONS = a("ssm.session_document", "sessions", session={"s3_bucket": "own"})


@pytest.mark.parametrize(
    ("operation", "fact"), [("GetBucketVersioning", "versioning"), ("GetObjectLockConfiguration", "object_lock")]
)
def test_denied_setting_of_a_log_bucket_is_a_gap(operation: str, fact: str) -> None:
    denied = s3().refuse("s3", operation, "AccessDenied", status=403)
    facts = one_of(collect(denied, seen(TRAIL, *inventory({"own": "eu-west-1"}))), "s3.bucket")
    assert {name: v.kind for name, v in facts.items() if isinstance(v, Gap)} == {fact: GapKind.DENIED}


@pytest.mark.parametrize(("setting", "asked"), [(TRAIL, 1), (SESSIONS, 1), (COMMAND, 0)])
def test_object_lock_of_log_buckets_only_is_asked(setting: Resource, asked: int) -> None:
    reader = s3()
    facts = one_of(collect(reader, seen(setting, *inventory({"own": "eu-west-1"}))), "s3.bucket")
    assert facts.get("object_lock") == ({"enabled": True, "mode": "GOVERNANCE"} if asked else None)
    assert reader.count("s3", "GetObjectLockConfiguration") == asked
