"""G3: every collector over recordings of what AWS answered, and the facts of some that are understood well."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings

from accounts.aws.gaps import Gap, GapKind
from scans.domain.evidence import Resource, parse_evidence, serialize_evidence
from tests.contract.shapes import MODES, Maker
from tests.contract.test_every_collector import tripped
from tests.contract.wire import Wire, judge, wired
from tests.recorded.flights import FILE, Flight, load
from tests.support.examples import examples

OWNER = "644160558196"
KEYS = f"arn:aws:kms:us-east-1:{OWNER}:key"


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    with wired(Maker("", MODES["nothing"]).answer) as made:
        yield made


def chosen() -> list[str]:
    """A few flights of each operation; `make test-long` takes all."""
    if settings.default.max_examples > 100:
        return list(load())
    seen: dict[str, int] = {}
    found = []
    for name, recorded in load().items():
        if any(seen.get(api, 0) < examples(2) for api in recorded):
            found.append(name)
            for api in recorded:
                seen[api] = seen.get(api, 0) + 1
    return found


@pytest.mark.slow
@pytest.mark.exhaustive
def test_every_recording_is_read_and_judged(wire: Wire) -> None:
    for name in chosen():
        wire.answer = Flight(name, load()[name]).answer
        evidences = wire.read()
        for evidence in evidences.values():
            data = serialize_evidence(evidence)
            assert serialize_evidence(parse_evidence(data)) == data, name
        assert [(item.control.id, tripped(item)) for item in judge(evidences) if tripped(item)] == [], name


def test_recordings_are_small_and_have_their_notice() -> None:
    assert FILE.stat().st_size < 300_000
    notice = FILE.with_name("NOTICE").read_text(encoding="utf-8")
    assert {name.split()[0] for name in load()} == {"cloud-custodian", "localstack"}
    for owner in ("The Cloud Custodian Authors", "LocalStack contributors", "Apache License, Version 2.0"):
        assert owner in notice


def read(wire: Wire, flight: str, type: str, **more: dict[str, Any]) -> list[Resource]:
    """The resources of this type, where AWS answered what was recorded, `more`, and otherwise nothing."""
    scripted = {api.replace("_", ".", 1): [{"answer": answer, "status": 200}] for api, answer in more.items()}
    recorded = {**load()[f"cloud-custodian {flight}"], **scripted}
    wire.answer = Flight(flight, recorded, Maker("", MODES["nothing"], watching=False)).answer
    return [found for evidence in wire.read().values() for found in evidence.resources if found.type == type]


def one(wire: Wire, flight: str, type: str, **more: dict[str, Any]) -> dict[str, Any]:
    (found,) = read(wire, flight, type, **more)
    return found.facts


def naming_key(arn: str) -> dict[str, Any]:
    return {"Parameters": [{"Name": "p", "Type": "SecureString", "KeyId": arn}]}


def syncing_to(bucket: str) -> dict[str, Any]:
    return {
        "ResourceDataSyncItems": [
            {"SyncName": "s", "S3Destination": {"BucketName": bucket, "SyncFormat": "JsonSerDe", "Region": "us-east-1"}}
        ]
    }


def test_a_trail_of_all_regions_that_logs(wire: Wire) -> None:
    trail = one(wire, "test_account_trail", "cloudtrail.trail")
    assert (trail["multi_region"], trail["logging"], trail["validation"]) == (True, True, True)
    assert (trail["bucket"], trail["kms_key"]) == (
        "custodian-skunk-trails", f"{KEYS}/36812ccf-daaf-49b1-a24b-0eef254ffe41",
    )  # fmt: skip


def test_advanced_selectors_of_a_trail(wire: Wire) -> None:
    trail = one(wire, "test_cloudtrail_success_management_advanced_events_included", "cloudtrail.trail")
    assert trail["selectors"] == []
    assert {"Field": "eventCategory", "Equals": ["Management"]} in trail["advanced_selectors"][0]["FieldSelectors"]


def test_root_device_is_known_by_its_user_whatever_its_name(wire: Wire) -> None:
    """A3. One of these devices is named for the root user and belongs to another."""
    devices = load()["cloud-custodian test_account_virtual_mfa"]["iam.ListVirtualMFADevices"][0]["answer"]
    holders = {
        device["SerialNumber"].rpartition("/")[2]: device.get("User", {}).get("Arn", "")
        for device in devices["VirtualMFADevices"]
    }
    assert holders["test_mfa_device2"] == f"arn:aws:iam::{OWNER}:root"
    assert not holders["root-account-mfa-device"].endswith(":root")


def test_root_user_has_a_device_and_no_key(wire: Wire) -> None:
    root = one(wire, "test_account_root_mfa", "iam.root")
    assert (root["mfa_enabled"], root["access_keys"]) == (True, 0)


def test_report_that_was_asked_for_until_it_was_ready(wire: Wire) -> None:
    """IAM refused it three times, since it was being made."""
    statuses = [
        a["status"]
        for a in load()["cloud-custodian test_iam_user_unused_keys_report_in_progress"]["iam.GetCredentialReport"]
    ]
    assert statuses[0] >= 400
    users = read(wire, "test_iam_user_unused_keys_report_in_progress", "iam.user")
    assert len(users) == 7
    assert {user.facts["password_enabled"] for user in users} == {True, False}


def test_users_of_a_report(wire: Wire) -> None:
    users = {user.facts["name"]: user.facts for user in read(wire, "test_account_credential_report", "iam.user")}
    assert len(users) == 20
    assert users["user-2"]["mfa_active"] is False
    assert [key["active"] for key in users["user-2"]["keys"]] == [True, True]
    assert users["user-5"]["keys"] == []


def test_documents_and_with_whom_they_are_shared(wire: Wire) -> None:
    documents = {item.facts["name"]: item.facts for item in read(wire, "test_get_ssm_documents", "ssm.document")}
    assert documents["Test-Document-1"]["shared_with"] == ["xxxxxxxxxxxx", "yyyyyyyyyyyy"]
    assert {facts["document_type"] for facts in documents.values()} == {"Command"}


def test_session_preferences(wire: Wire) -> None:
    documents = {item.facts["name"]: item.facts for item in read(wire, "test_ssm_document_content", "ssm.document")}
    session = documents["SSM-SessionManagerRunShell"]["session"]
    assert (session["s3_bucket"], session["log_group"], session["kms_key"]) == (None, None, None)
    assert documents["Test-Document-1"]["session"] is None


def test_data_syncs_with_and_without_a_key(wire: Wire) -> None:
    syncs = {item.facts["name"]: item.facts for item in read(wire, "test_data_sync_kms_filter", "ssm.data_sync")}
    assert {name: facts["kms_key"] for name, facts in syncs.items()} == {
        "invsync": None, "test-data-sync": None, "test-data-sync-2": f"{KEYS}/7d9388c0-8c78-4acb-ad3c-b9d1764522b2",
    }  # fmt: skip
    assert syncs["invsync"]["references"][0]["bucket"] == "c7n-ssm"


def test_parameters_of_both_kinds(wire: Wire) -> None:
    found = {item.facts["name"]: item.facts for item in read(wire, "test_ssm_parameter_not_secure", "ssm.parameter")}
    assert (found["test-name"]["type"], found["test-name"]["key_id"]) == ("String", None)
    assert (found["secure-test-name"]["type"], found["secure-test-name"]["key_id"]) == ("SecureString", "alias/aws/ssm")


@pytest.mark.parametrize(
    ("flight", "status"), [("test_account_check_macie", "ENABLED"), ("test_account_check_macie_disabled", "DISABLED")]
)
def test_macie_that_is_off_refuses(wire: Wire, flight: str, status: str) -> None:
    assert one(wire, flight, "macie2.session")["status"] == status


@pytest.mark.parametrize(
    ("flight", "enabled"), [("test_account_ebs_encrypt", False), ("test_account_disable_ebs_encrypt", True)]
)
def test_encryption_of_new_volumes(wire: Wire, flight: str, enabled: bool) -> None:
    assert one(wire, flight, "ec2.ebs_default")["enabled"] is enabled


def test_a_node_that_is_no_instance_of_ec2(wire: Wire) -> None:
    assert one(wire, "test_ssm_get_managed_instances", "ssm.node")["hybrid"] is True


def test_key_from_before_specs_has_an_unknown_spec(wire: Wire) -> None:
    """In 2016 KMS answered no KeySpec: optional members are left out, and none may be made up."""
    arn = f"{KEYS}/7e9d3a66-b4f3-47ff-98f7-4a6087b45405"
    key = one(wire, "test_cross_account_kms", "kms.reference", ssm_DescribeParameters=naming_key(arn))
    assert (key["key"], key["manager"], key["state"], key["usage"]) == (arn, "CUSTOMER", "Enabled", "ENCRYPT_DECRYPT")
    assert isinstance(key["spec"], Gap)


def test_a_newer_key_has_its_spec(wire: Wire) -> None:
    arn = f"arn:aws:kms:af-south-1:{OWNER}:key/598c62cd-5123-43e2-a519-60b3b89ad6ab"
    flight = "test_cross_account_kms_condition_keys_1"
    assert one(wire, flight, "kms.reference", ssm_DescribeParameters=naming_key(arn))["spec"] == "SYMMETRIC_DEFAULT"


def test_a_bucket_without_a_block_of_its_own(wire: Wire) -> None:
    """S3 says by an error that there is none, which is an answer."""
    name = "644160558196-us-east-1-s3-logs"
    (bucket,) = read(
        wire, "test_s3_check_public_block", "s3.bucket", ssm_ListResourceDataSync=syncing_to(name),
        s3_GetBucketLocation={"LocationConstraint": "us-east-2"},
    )  # fmt: skip
    assert bucket.facts["public_access_block"] is None
    assert bucket.region == "us-east-2"


def test_a_bucket_whose_block_may_not_be_read(wire: Wire) -> None:
    recorded = load()["cloud-custodian test_s3_check_public_block"]["s3.GetPublicAccessBlock"]
    (denied,) = [one for one in recorded if one["status"] == 403]
    flight = Flight("denied", {
        "s3.GetPublicAccessBlock": [denied],
        "s3.ListBuckets": load()["cloud-custodian test_s3_check_public_block"]["s3.ListBuckets"],
        "ssm.ListResourceDataSync": [{"answer": syncing_to("my-locked-down-bucket"), "status": 200}],
    }, Maker("", MODES["nothing"], watching=False))  # fmt: skip
    wire.answer = flight.answer
    (bucket,) = [r for evidence in wire.read().values() for r in evidence.resources if r.type == "s3.bucket"]
    assert bucket.facts["public_access_block"].kind is GapKind.DENIED
