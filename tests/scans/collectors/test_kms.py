from __future__ import annotations

import json
from typing import Any

import pytest

from accounts.aws.gaps import Gap, GapKind
from scans.collectors.kms import COLLECTOR, collect
from scans.domain.collector import EarlierEvidence
from scans.domain.evidence import GLOBAL, Evidence, Resource, serialize_evidence
from tests.scans.collectors.fake_reader import FakeReader
from tests.scans.collectors.looking import DENIED, a, all_of, kinds, one_of, seen

HOME = "arn:aws:kms:eu-west-1:111122223333:"
ID, OTHER = "1234abcd-12ab-34cd-56ef-1234567890ab", "9999abcd-12ab-34cd-56ef-1234567890ab"
KEY, OTHER_KEY = f"{HOME}key/{ID}", f"{HOME}key/{OTHER}"
FOREIGN = f"arn:aws:kms:eu-west-1:999999999999:key/{ID}"
POLICY = {"Version": "2012-10-17", "Statement": []}
ALIASES = [
    {"AliasName": "alias/data", "TargetKeyId": ID},
    {"AliasName": "alias/aws/ssm", "TargetKeyId": OTHER},
    {"AliasName": "alias/aws/ebs"},
]


def parameter(key: str | None, name: str = "one") -> Resource:
    return a("ssm.parameter", f"parameter/{name}", key_id=key)


def key(arn: str = KEY, **more: Any) -> dict[str, Any]:
    base = {"Arn": arn, "KeyId": ID, "KeyManager": "CUSTOMER", "KeyState": "Enabled", "KeySpec": "SYMMETRIC_DEFAULT"}
    base["KeyUsage"] = "ENCRYPT_DECRYPT"
    return {"KeyMetadata": {**base, "Origin": "AWS_KMS", "Description": "", "MultiRegion": False, **more}}


def region() -> FakeReader:
    reader = FakeReader(COLLECTOR)
    reader.answer("kms", "ListAliases", {"Aliases": ALIASES})
    reader.refuse("kms", "DescribeKey", "NotFoundException", kind=GapKind.REJECTED)
    reader.answer("kms", "DescribeKey", key(), when={"KeyId": KEY})
    reader.answer("kms", "DescribeKey", key(OTHER_KEY, KeyManager="AWS"), when={"KeyId": OTHER_KEY})
    reader.answer("kms", "GetKeyRotationStatus", {"KeyRotationEnabled": True})
    return reader.answer("kms", "GetKeyPolicy", {"Policy": json.dumps(POLICY)})


def reference(evidence: Evidence, text: str) -> dict[str, Any]:
    return all_of(evidence, "kms.reference")[text]


def test_an_empty_region_takes_no_call() -> None:
    reader = region()
    evidence = collect(reader, seen(parameter(None)))
    assert reader.count() == 0
    assert not evidence.resources
    assert not evidence.gaps


def test_a_customer_key_by_all_its_names_is_described_once() -> None:
    reader = region()
    texts = (KEY, ID, "alias/data", f"{HOME}alias/data")
    earlier = seen(*(parameter(text, f"p{n}") for n, text in enumerate(texts)))
    evidence = collect(reader, earlier)
    for number, text in enumerate(texts):
        assert reference(evidence, text) == {
            "key": KEY,
            "state": "Enabled",
            "manager": "CUSTOMER",
            "usage": "ENCRYPT_DECRYPT",
            "spec": "SYMMETRIC_DEFAULT",
            "aws_alias": None,
            "used_by": [f"parameter/p{number}"],
        }
    assert all_of(evidence, "kms.key") == {
        KEY: {
            "manager": "CUSTOMER",
            "state": "Enabled",
            "spec": "SYMMETRIC_DEFAULT",
            "usage": "ENCRYPT_DECRYPT",
            "origin": "AWS_KMS",
            "multi_region_replica": False,
            "primary": None,
            "rotation": True,
            "policy": POLICY,
            "hits": [],
            "url_credentials": [],
            "used_by": ["parameter/p0", "parameter/p1", "parameter/p2", "parameter/p3"],
            "own": True,
        }
    }
    assert reader.count() == 1 + 1 + 2
    assert serialize_evidence(evidence) == serialize_evidence(collect(reader, earlier))


def test_a_key_of_aws_is_known_by_its_alias_and_by_its_id() -> None:
    reader = region()
    evidence = collect(reader, seen(parameter("alias/aws/ssm"), parameter(OTHER, "two")))
    for text in ("alias/aws/ssm", OTHER):
        assert reference(evidence, text)["aws_alias"] == "alias/aws/ssm"
    facts = one_of(evidence, "kms.key")
    assert facts["rotation"] is facts["policy"] is None
    assert reader.count() == 2


@pytest.mark.parametrize("text", ["alias/aws/ebs", "alias/aws/unlisted", f"{HOME}alias/aws/unlisted"])
def test_reserved_alias_exists_without_being_listed(text: str) -> None:
    reader = region()
    facts = reference(collect(reader, seen(parameter(text))), text)
    assert (facts["key"], facts["state"], facts["manager"]) == (None, "Enabled", "AWS")
    assert facts["aws_alias"] == text.removeprefix(HOME)
    assert reader.count("kms", "DescribeKey") == 0


def test_refused_alias_list_does_not_hide_reserved_alias() -> None:
    reader = region().refuse("kms", "ListAliases")
    facts = reference(collect(reader, seen(parameter("alias/aws/unlisted"))), "alias/aws/unlisted")
    assert (facts["state"], facts["manager"], facts["aws_alias"]) == ("Enabled", "AWS", "alias/aws/unlisted")


def test_aws_alias_of_another_account_is_looked_up_normally() -> None:
    foreign = "arn:aws:kms:eu-west-1:999999999999:alias/aws/ssm"
    facts = reference(collect(region(), seen(parameter(foreign))), foreign)
    assert facts["state"] == "NotFound"


@pytest.mark.parametrize("text", ["alias/nothing", f"{HOME}key/gone", "gone"])
def test_a_key_that_does_not_exist(text: str) -> None:
    evidence = collect(region(), seen(parameter(text)))
    facts = dict.fromkeys(("key", "manager", "usage", "spec", "aws_alias"))
    facts |= {"state": "NotFound", "used_by": ["parameter/one"]}
    assert reference(evidence, text) == facts
    assert not all_of(evidence, "kms.key")
    assert not evidence.gaps


def test_key_deleted_after_description_is_not_found() -> None:
    reader = region().refuse("kms", "GetKeyPolicy", "NotFoundException", kind=GapKind.REJECTED)
    evidence = collect(reader, seen(parameter(KEY)))
    assert reference(evidence, KEY)["state"] == "NotFound"
    assert not all_of(evidence, "kms.key")


@pytest.mark.parametrize(
    ("more", "calls"),
    [
        ({"KeyState": "Disabled"}, {"GetKeyPolicy"}),
        ({"KeySpec": "RSA_2048"}, {"GetKeyPolicy"}),
        ({"Origin": "EXTERNAL"}, {"GetKeyPolicy"}),
        ({"MultiRegionConfiguration": {"MultiRegionKeyType": "PRIMARY"}}, {"GetKeyPolicy", "GetKeyRotationStatus"}),
    ],
)
def test_rotation_is_asked_only_of_keys_that_can_rotate(more: dict[str, Any], calls: set[str]) -> None:
    reader = region().answer("kms", "DescribeKey", key(**more), when={"KeyId": KEY})
    collect(reader, seen(parameter(KEY)))
    assert {made.operation for made in reader.made} == {"ListAliases", "DescribeKey", *calls}


PRIMARY = KEY.replace("eu-west-1", "us-east-1")
REPLICA = {"MultiRegionConfiguration": {"MultiRegionKeyType": "REPLICA", "PrimaryKey": {"Arn": PRIMARY}}}


def test_a_replica_rotates_as_its_primary_in_another_region_does() -> None:
    reader = region().answer("kms", "DescribeKey", key(**REPLICA), when={"KeyId": KEY})
    reader.answer("kms", "GetKeyRotationStatus", {"KeyRotationEnabled": False}, region="us-east-1")
    facts = one_of(collect(reader, seen(parameter(KEY))), "kms.key")
    assert (facts["multi_region_replica"], facts["primary"], facts["rotation"]) == (True, PRIMARY, False)
    assert [made.params["KeyId"] for made in reader.asked("kms", "GetKeyRotationStatus")] == [PRIMARY]


@pytest.mark.parametrize(
    ("code", "kind"), [("AccessDeniedException", GapKind.DENIED), ("NotFoundException", GapKind.REJECTED)]
)
def test_unread_primary_hides_only_its_replicas_rotation(code: str, kind: GapKind) -> None:
    reader = region().answer("kms", "DescribeKey", key(**REPLICA), when={"KeyId": KEY})
    reader.refuse("kms", "GetKeyRotationStatus", code, kind=kind, region="us-east-1")
    facts = one_of(collect(reader, seen(parameter(KEY))), "kms.key")
    assert {name: v.region for name, v in facts.items() if isinstance(v, Gap)} == {"rotation": "us-east-1"}


@pytest.mark.parametrize("more", [{"KeyState": "Disabled"}, {"Origin": "EXTERNAL"}])
def test_primary_of_unrotatable_replica_is_not_asked(more: dict[str, Any]) -> None:
    reader = region().answer("kms", "DescribeKey", key(**REPLICA, **more), when={"KeyId": KEY})
    collect(reader, seen(parameter(KEY)))
    assert not reader.count("kms", "GetKeyRotationStatus")


def test_a_foreign_key_that_can_be_described() -> None:
    reader = region().answer("kms", "DescribeKey", key(FOREIGN), when={"KeyId": FOREIGN})
    facts = one_of(collect(reader, seen(parameter(FOREIGN))), "kms.key")
    assert (facts["own"], facts["rotation"], facts["policy"]) == (False, None, None)
    assert reader.count() == 2


def test_refused_foreign_key_is_a_gap_of_that_key() -> None:
    reader = region().refuse("kms", "DescribeKey", when={"KeyId": FOREIGN})
    evidence = collect(reader, seen(parameter(FOREIGN)))
    gap = reader.gap("kms", "DescribeKey")
    facts = reference(evidence, FOREIGN)
    assert facts["key"] == facts["state"] == facts["manager"] == gap
    assert not evidence.gaps


def test_denied_own_key_is_a_gap() -> None:
    reader = region().refuse("kms", "DescribeKey", when={"KeyId": KEY})
    evidence = collect(reader, seen(parameter("alias/data")))
    gap = reader.gap("kms", "DescribeKey")
    assert reference(evidence, "alias/data")["state"] == gap
    assert evidence.gaps == {"kms.key": [gap]}


@pytest.mark.parametrize(("operation", "fact"), [("GetKeyRotationStatus", "rotation"), ("GetKeyPolicy", "policy")])
def test_denied_or_malformed_detail_is_a_gap(operation: str, fact: str) -> None:
    for reader, kind in (
        (region().refuse("kms", operation), GapKind.DENIED),
        (region().answer("kms", operation, {}), GapKind.MALFORMED),
    ):
        facts = one_of(collect(reader, seen(parameter(KEY))), "kms.key")
        assert {name: v.kind for name, v in facts.items() if isinstance(v, Gap)} == {fact: kind}


def test_denied_alias_list_leaves_aliases_unknown() -> None:
    reader = region().refuse("kms", "ListAliases")
    reader.answer("kms", "DescribeKey", key(), when={"KeyId": "alias/data"})
    evidence = collect(reader, seen(parameter("alias/data"), parameter(OTHER, "two"), parameter(KEY, "three")))
    assert reference(evidence, "alias/data") | {"used_by": []} == reference(evidence, KEY) | {"used_by": []}
    assert reference(evidence, KEY)["aws_alias"] is None  # a customer's key has none
    assert reference(evidence, OTHER)["aws_alias"] == reader.gap("kms", "ListAliases")
    assert one_of_key(evidence)["used_by"] == ["parameter/one", "parameter/three"]


def one_of_key(evidence: Evidence) -> dict[str, Any]:
    return all_of(evidence, "kms.key")[KEY]


@pytest.mark.parametrize("answer", [{}, {"KeyMetadata": "x"}, {"KeyMetadata": {"Arn": KEY}}])
def test_a_malformed_key(answer: Any) -> None:
    evidence = collect(region().answer("kms", "DescribeKey", answer, when={"KeyId": KEY}), seen(parameter(KEY)))
    assert reference(evidence, KEY)["state"].kind is GapKind.MALFORMED
    assert kinds(evidence, "kms.key") == ["malformed"]


@pytest.mark.parametrize("answer", [{}, {"Aliases": ["x"]}])
def test_malformed_alias_list_is_a_gap(answer: Any) -> None:
    evidence = collect(region().answer("kms", "ListAliases", answer), seen(parameter(OTHER)))
    assert reference(evidence, OTHER)["aws_alias"].kind is GapKind.MALFORMED


def test_key_in_another_region_is_described_there() -> None:
    away = KEY.replace("eu-west-1", "eu-central-1")
    reader = region().answer("kms", "DescribeKey", key(away), when={"KeyId": away}, region="eu-central-1")
    evidence = collect(reader, seen(parameter(away)))
    assert reference(evidence, away)["state"] == "Enabled"
    assert not all_of(evidence, "kms.key")
    assert reader.count() == 2


def test_global_buckets_and_trails_count_in_key_region() -> None:
    trail = "arn:aws:cloudtrail:{}:111122223333:trail/t"
    here = a("cloudtrail.trail", trail.format("eu-west-1"), GLOBAL, home_region="eu-west-1", kms_key=KEY)
    away = a("cloudtrail.trail", trail.format("us-east-1"), GLOBAL, home_region="us-east-1", kms_key="us")
    bucket = Evidence("s3_buckets", GLOBAL)
    bucket.add("s3.bucket", "arn:aws:s3:::b", "eu-west-1", encryption={"algorithm": "aws:kms", "key": "alias/data"})
    bucket.add("s3.bucket", "arn:aws:s3:::c", "us-east-1", encryption={"algorithm": "aws:kms", "key": "alias/us"})
    earlier = EarlierEvidence((*seen(here, away).evidences, bucket))
    evidence = collect(region(), earlier)
    assert set(all_of(evidence, "kms.reference")) == {KEY, "alias/data"}
    assert one_of(evidence, "kms.key")["used_by"] == [
        "arn:aws:cloudtrail:eu-west-1:111122223333:trail/t",
        "arn:aws:s3:::b",
    ]


@pytest.mark.parametrize(
    "earlier", [seen(gaps={"ssm.parameter": [DENIED]}), seen(a("logs.group", "group", kms_key=DENIED))]
)
def test_settings_that_were_not_read_may_name_more(earlier: EarlierEvidence) -> None:
    assert collect(region(), earlier).gaps == {"kms.reference": [DENIED], "kms.key": [DENIED]}


def test_personal_data_in_description_is_reported_hidden() -> None:
    reader = region().answer("kms", "DescribeKey", key(Description="ask jane.doe@example.com"), when={"KeyId": KEY})
    evidence = collect(reader, seen(parameter(KEY)))
    assert [hit["field"] for hit in one_of(evidence, "kms.key")["hits"]] == ["description"]
    assert b"jane" not in serialize_evidence(evidence)


def test_url_password_in_description_is_located_not_shown() -> None:
    text = "see https://deploy:" + "Xk29vTq8LmZr4w@files.legacy.internal/app"
    reader = region().answer("kms", "DescribeKey", key(Description=text), when={"KeyId": KEY})
    evidence = collect(reader, seen(parameter(KEY)))
    assert one_of(evidence, "kms.key")["url_credentials"] == ["description"]
    assert b"Xk29" not in serialize_evidence(evidence)
