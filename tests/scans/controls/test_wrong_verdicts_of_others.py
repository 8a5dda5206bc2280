"""Wrong verdicts that other tools give, each by its name: from AWS's answer, through the collector, to the verdict."""

from __future__ import annotations

import json
from types import ModuleType
from typing import Any

import pytest

from scans import registry
from scans.collectors import logs, s3_account, s3_buckets, ssm_documents, ssm_nodes, ssm_parameters, ssm_settings
from scans.controls import (
    ssm_dc_001,
    ssm_dc_002,
    ssm_ff_002,
    ssm_ff_003,
    ssm_lg_001,
    ssm_nt_001,
    ssm_s3_001,
    ssm_s3_002,
    ssm_s3_004,
    ssm_vp_001,
)
from scans.domain.collector import EarlierEvidence
from scans.domain.control import Outcome, Verdict
from scans.domain.engine import judge_control
from scans.domain.evidence import GLOBAL, Context, Evidence, World
from scans.domain.fingerprint import compute_fingerprint
from scans.domain.lifecycle import Event, event_for
from tests.scans.collectors.fake_reader import FakeReader
from tests.scans.controls.region import ACCOUNT, REGION, evidence_for, judged

BASE = f"arn:aws:ssm:{REGION}:{ACCOUNT}:document/"
CONTEXT = Context(account=ACCOUNT, accounts=frozenset({ACCOUNT}), management_account="999999999999")
BLOCK = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)


def verdicts(module: ModuleType, *evidences: Evidence, region: str = REGION) -> dict[str, Outcome]:
    """Resource (or place) -> outcome, from what was collected."""
    known = {type for evidence in evidences for type in evidence.types}
    others = {*module.CONTROL.facts, *module.CONTROL.related} - known
    rest = [Evidence("rest", place, types=tuple(others)) for place in (REGION, GLOBAL)]
    found = judge_control(module.CONTROL, module.evaluate, World([*evidences, *rest]), CONTEXT, region)
    return {each.resource: each.outcome for each in found}


def collected(module: ModuleType, reader: FakeReader, *earlier: Evidence) -> Evidence:
    evidence: Evidence = module.collect(reader, EarlierEvidence(earlier, context=CONTEXT))
    evidence.types = module.COLLECTOR.types
    return evidence


# Prowler, vpc_endpoint_for_ec2_enabled: "ec2" in service_name


@pytest.mark.parametrize("others", [("ec2",), ("ec2", "ssm-contacts"), ("ec2messages-contacts",)])
def test_prowler_similar_endpoint_name_does_not_pass(others: tuple[str, ...]) -> None:
    evidence = evidence_for(ssm_vp_001)
    vpc = f"arn:aws:ec2:{REGION}:{ACCOUNT}:vpc/vpc-1"
    evidence.add("ec2.vpc", vpc, id="vpc-1", has_nodes=True, owner=ACCOUNT, agents=["3.2.0.0"])
    evidence.add("ec2.vpc_paths", vpc, routes=[], zones=[])
    evidence.add("ec2.endpoint_service", vpc.replace("vpc/vpc-1", "vpc-endpoint-service/ec2messages"), id="ec2messages")
    for service in ("ssm", "ssmmessages", *others):
        evidence.add("ec2.vpc_endpoint", service, service=service, state="available", vpc="vpc-1")
    outcome = judged(ssm_vp_001, evidence)[vpc]
    assert (outcome.verdict, "ec2messages" in outcome.reason) == (Verdict.FAIL, True)


# Prowler, ssm_document_secrets and _describe_document_permission


def documents(*names: str) -> FakeReader:
    reader = FakeReader(ssm_documents.COLLECTOR)
    listed = [{"Name": name, "DocumentType": "Command"} for name in names]
    reader.answer("ssm", "ListDocuments", {"DocumentIdentifiers": listed})
    body = json.dumps({"schemaVersion": "2.2", "mainSteps": []})
    reader.answer("ssm", "GetDocument", {"Content": body, "DocumentFormat": "JSON", "DocumentVersion": "1"})
    reader.answer("ssm", "ListDocumentVersions", {"DocumentVersions": [{"DocumentVersion": "1"}]})
    return reader.answer("ssm", "DescribeDocumentPermission", {"AccountIds": []})


@pytest.mark.parametrize("module", [ssm_ff_002, ssm_ff_003])
def test_prowler_a_denied_document_is_not_a_clean_document(module: ModuleType) -> None:
    reader = documents("a", "b").refuse("ssm", "GetDocument", when={"Name": "a"})
    found = verdicts(module, collected(ssm_documents, reader))
    assert (found[BASE + "a"].verdict, found[BASE + "b"].verdict) == (Verdict.UNKNOWN, Verdict.PASS)
    assert found[BASE + "a"].gaps == (reader.gap("ssm", "GetDocument"),)


@pytest.mark.parametrize("content", ["{", "- [", "{}}", ""])
@pytest.mark.parametrize("module", [ssm_ff_002, ssm_ff_003])
def test_prowler_an_unparsable_document_is_not_a_clean_document(module: ModuleType, content: str) -> None:
    reader = documents("a").answer("ssm", "GetDocument", {"Content": content, "DocumentFormat": "JSON"})
    assert verdicts(module, collected(ssm_documents, reader))[BASE + "a"].verdict is Verdict.UNKNOWN


def test_prowler_refused_permission_affects_one_document() -> None:
    reader = documents("a", "b", "c", "d")
    reader.refuse("ssm", "DescribeDocumentPermission", when={"Name": "b"})
    reader.answer("ssm", "DescribeDocumentPermission", {"AccountIds": ["All"]}, when={"Name": "c"})
    found = verdicts(ssm_dc_002, collected(ssm_documents, reader))
    expected = {"a": Verdict.PASS, "b": Verdict.UNKNOWN, "c": Verdict.FAIL, "d": Verdict.PASS}
    assert {name: found[BASE + name].verdict for name in "abcd"} == expected


# Prowler #12872 (S3) and #1481


def buckets(reader: FakeReader, block: Any = None) -> tuple[Evidence, Evidence]:
    account = FakeReader(s3_account.COLLECTOR).answer(
        "s3", "ListBuckets", {"Buckets": [{"Name": "own", "BucketRegion": REGION}]}
    )
    account.answer("s3control", "GetPublicAccessBlock", {"PublicAccessBlockConfiguration": block or {}})
    command = Evidence("ssm_commands", REGION)
    command.add("ssm.command", "command", references=[{"bucket": "own", "kind": "01", "field": "f"}])
    owner = collected(s3_account, account)
    return collected(s3_buckets, reader, command, owner), owner


def bucket_reader(policy: dict[str, Any] | None = None) -> FakeReader:
    reader = FakeReader(s3_buckets.COLLECTOR)
    rules = [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False}]
    reader.answer("s3", "GetBucketEncryption", {"ServerSideEncryptionConfiguration": {"Rules": rules}})
    reader.answer("s3", "GetBucketPolicy", {"Policy": json.dumps(policy or {"Statement": []})})
    reader.answer("s3", "GetPublicAccessBlock", {"PublicAccessBlockConfiguration": BLOCK})
    owned = {"OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}}
    reader.answer("s3", "GetBucketOwnershipControls", owned)
    reader.answer("s3", "GetBucketLogging", {}).answer("s3", "GetBucketVersioning", {})
    reader.answer("s3", "GetObjectLockConfiguration", {"ObjectLockConfiguration": {}})
    reader.answer("s3control", "ListAccessPoints", {"AccessPointList": []})
    return reader.answer("s3", "GetBucketPolicyStatus", {"PolicyStatus": {"IsPublic": False}})


@pytest.mark.parametrize(
    ("operation", "module"),
    [
        ("GetBucketEncryption", ssm_s3_001),
        ("GetBucketPolicy", ssm_s3_002),
        ("GetPublicAccessBlock", ssm_s3_004),
        ("GetBucketPolicyStatus", ssm_s3_004),
    ],
)
@pytest.mark.parametrize("status", [403, 503])
def test_prowler_12872_refused_bucket_read_is_unknown(operation: str, module: ModuleType, status: int) -> None:
    reader = bucket_reader().refuse("s3", operation, "AccessDenied", status=status)
    outcome = verdicts(module, *buckets(reader))["arn:aws:s3:::own"]
    assert outcome.verdict is Verdict.UNKNOWN
    assert [gap.api for gap in outcome.gaps] == [f"s3.{operation}"]


def test_prowler_1481_a_policy_that_denies_http_is_not_flagged() -> None:
    arns = ["arn:aws:s3:::own", "arn:aws:s3:::own/*"]
    deny = {
        "Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "s3:*", "Resource": arns,
        "Condition": {"Bool": {"aws:SecureTransport": False}},
    }  # fmt: skip
    reader = bucket_reader({"Version": "2012-10-17", "Statement": deny})
    assert verdicts(ssm_s3_002, *buckets(reader))["arn:aws:s3:::own"].verdict is Verdict.PASS


# Steampipe SSM.7


@pytest.mark.parametrize(("value", "verdict"), [("Enable", Verdict.FAIL), ("Disable", Verdict.PASS)])
def test_steampipe_ssm_7_public_sharing_that_is_enabled_fails(value: str, verdict: Verdict) -> None:
    reader = FakeReader(ssm_settings.COLLECTOR).answer(
        "ssm", "GetServiceSetting", {"ServiceSetting": {"SettingValue": value}}
    )
    [outcome] = verdicts(ssm_dc_001, collected(ssm_settings, reader)).values()
    assert outcome.verdict is verdict


# Cartography: absence read as health


def test_cartography_refused_list_removes_nothing() -> None:
    reader = FakeReader(ssm_parameters.COLLECTOR).refuse("ssm", "DescribeParameters")
    evidence = collected(ssm_parameters, reader)
    world = World([evidence])
    assert world.enumeration_gaps("ssm.parameter", REGION) == [reader.gap("ssm", "DescribeParameters")]
    assert event_for("open", None, covered=not world.enumeration_gaps("ssm.parameter", REGION)) is None


def test_cartography_truncated_list_is_incomplete() -> None:
    page = {"Parameters": [{"Name": "a", "Type": "String", "Version": 1}], "NextToken": "more"}
    reader = FakeReader(ssm_parameters.COLLECTOR).refuse(
        "ssm", "DescribeParameters", "ThrottlingException", after=[page]
    )
    evidence = collected(ssm_parameters, reader)
    assert len(evidence.resources) == 1
    assert evidence.gaps["ssm.parameter"]
    whole = FakeReader(ssm_parameters.COLLECTOR).answer("ssm", "DescribeParameters", {"Parameters": []})
    assert not collected(ssm_parameters, whole).gaps
    assert event_for("open", None, covered=True) is Event.VANISH


# Terminated instances: prowler #2059


@pytest.mark.parametrize("state", ["terminated", "shutting-down"])
def test_prowler_2059_an_instance_that_is_gone_is_not_flagged(state: str) -> None:
    reader = FakeReader(ssm_nodes.COLLECTOR)
    reader.answer("ssm", "DescribeInstanceInformation", {"InstanceInformationList": [{"InstanceId": "i-0a"}]})
    instance = {"InstanceId": "i-0a", "InstanceType": "t3.nano", "VpcId": "vpc-1", "State": {"Name": state}}
    reader.answer("ec2", "DescribeInstances", {"Reservations": [{"Instances": [instance]}]})
    types = [{"InstanceType": "t3.nano", "NetworkInfo": {"EncryptionInTransitSupported": False}}]
    reader.answer("ec2", "DescribeInstanceTypes", {"InstanceTypes": types})
    [(place, outcome)] = verdicts(ssm_nt_001, collected(ssm_nodes, reader)).items()
    assert (place, outcome.verdict) == (f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/*", Verdict.NOT_APPLICABLE)


# checkov #744


def test_checkov_744_log_group_is_not_called_unencrypted() -> None:
    reader = FakeReader(logs.COLLECTOR).answer("logs", "DescribeLogGroups", {"logGroups": []})
    groups = [{"logGroupName": "/aws/ssm/AWS-RunShellScript"}]
    reader.answer("logs", "DescribeLogGroups", {"logGroups": groups}, when={"logGroupNamePrefix": "/aws/ssm/"})
    reader.answer("logs", "DescribeResourcePolicies", {"resourcePolicies": []})
    [outcome] = verdicts(ssm_lg_001, collected(logs, reader)).values()
    assert outcome.verdict is Verdict.FAIL
    assert "unencrypted" not in outcome.reason
    assert "customer key" in outcome.reason


# Identities: prowler #6138, #7050, PR#9246


def test_prowler_6138_7050_same_names_stay_two_findings() -> None:
    ours = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/db"
    same_name = [
        ours,
        ours.replace(REGION, "us-east-1"),
        ours.replace(ACCOUNT, "444455556666"),
        ours.replace("db", "x/db"),
    ]
    found = {compute_fingerprint("SSM-PS-001", arn.split(":")[4], arn.split(":")[3], arn) for arn in same_name}
    assert len(found) == len(same_name)


def test_prowler_pr_9246_a_long_identity_is_kept_whole() -> None:
    arns = [f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/" + "x" * 2000 + end for end in ("a", "b")]
    assert len({compute_fingerprint("SSM-PS-001", ACCOUNT, REGION, arn) for arn in arns}) == 2
    from scans.models import Finding

    assert (Finding._meta.get_field("resource").max_length or 10**6) >= max(map(len, arns))


# What nobody else looks at

NOBODY_LOOKS_AT = {
    "FIPS use at run time": ("SSM-NT-002",),
    "personal data in tags": ("SSM-FF-004",),
    "personal data in free text": ("SSM-FF-002",),
    "credentials in URLs": ("SSM-FF-003",),
    "values in String parameters": ("SSM-PS-002",),
    "the buckets of every kind of data": tuple(f"SSM-DS-001.{n:02}" for n in range(1, 15)),
    "associations' and data syncs' output": ("SSM-DS-001.13", "SSM-DS-001.12"),
    "a Session document's KMS key": ("SSM-SM-001",),
    "log groups of executeScript and of the agent": ("SSM-LG-002", "SSM-LG-004"),
    "transit encryption of instance types": ("SSM-NT-001",),
    "endpoints of ssmmessages and ec2messages": ("SSM-VP-001",),
}


@pytest.mark.parametrize("what", NOBODY_LOOKS_AT)
def test_checks_missing_elsewhere_have_controls_here(what: str) -> None:
    assert set(NOBODY_LOOKS_AT[what]) <= set(registry.controls())
