"""Reading a region's settings for new volumes, snapshots and instances, and its public snapshots."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.aws.gaps import Gap, GapKind
from scans.collectors.ec2_account import COLLECTOR, collect
from scans.domain.collector import EarlierEvidence
from scans.domain.evidence import serialize_evidence
from tests.scans.collectors.fake_reader import FakeReader
from tests.scans.collectors.looking import all_of, one_of

HOME = "arn:aws:ec2:eu-west-1:111122223333:"
ANSWERS: dict[str, Any] = {
    "GetEbsEncryptionByDefault": {"EbsEncryptionByDefault": True},
    "GetSnapshotBlockPublicAccessState": {"State": "block-all-sharing"},
    "GetInstanceMetadataDefaults": {"AccountLevel": {"HttpTokens": "required"}},
    "DescribeSnapshots": {"Snapshots": [{"SnapshotId": "snap-2"}, {"SnapshotId": "snap-1"}]},
}
FACTS = {
    "GetEbsEncryptionByDefault": ("ec2.ebs_default", "enabled"),
    "GetSnapshotBlockPublicAccessState": ("ec2.snapshot_access", "state"),
    "GetInstanceMetadataDefaults": ("ec2.metadata_defaults", "tokens"),
    "DescribeSnapshots": ("ec2.public_snapshots", "ids"),
}


def region(**changed: Any) -> FakeReader:
    reader = FakeReader(COLLECTOR)
    for operation, answer in {**ANSWERS, **changed}.items():
        reader.answer("ec2", operation, answer)
    return reader


def fact_of(reader: FakeReader, operation: str) -> Any:
    type, name = FACTS[operation]
    return one_of(collect(reader, EarlierEvidence()), type)[name]


def test_four_calls_give_four_settings() -> None:
    reader = region()
    evidence = collect(reader, EarlierEvidence())
    assert {r.arn: r.facts for r in evidence.resources} == {
        f"{HOME}ebs-encryption-by-default": {"enabled": True},
        f"{HOME}snapshot-block-public-access": {"state": "block-all-sharing"},
        f"{HOME}instance-metadata-defaults": {"tokens": "required"},
        f"{HOME}snapshot/*": {"ids": ["snap-1", "snap-2"]},
    }
    assert reader.count() == 4
    params = reader.asked("ec2", "DescribeSnapshots")[0].params
    assert params == {"OwnerIds": ["self"], "RestorableByUserIds": ["all"], "MaxResults": 1000}
    assert serialize_evidence(evidence) == serialize_evidence(collect(reader, EarlierEvidence()))


@pytest.mark.parametrize("operation", FACTS)
def test_denied_read_hides_its_own_fact_only(operation: str) -> None:
    reader = region().refuse("ec2", operation, "UnauthorizedOperation", status=403)
    evidence = collect(reader, EarlierEvidence())
    gaps = {r.type: value for r in evidence.resources for value in r.facts.values() if isinstance(value, Gap)}
    assert gaps == {FACTS[operation][0]: reader.gap("ec2", operation, "UnauthorizedOperation")}
    assert not evidence.gaps


@pytest.mark.parametrize(
    ("operation", "answer"),
    [
        ("GetEbsEncryptionByDefault", {"EbsEncryptionByDefault": "true"}),
        ("GetSnapshotBlockPublicAccessState", {}),
        ("GetInstanceMetadataDefaults", {}),
        ("GetInstanceMetadataDefaults", {"AccountLevel": {"HttpTokens": 1}}),
        ("DescribeSnapshots", {}),
        ("DescribeSnapshots", {"Snapshots": [{}]}),
    ],
)
def test_malformed_answer_is_a_gap(operation: str, answer: dict[str, Any]) -> None:
    assert fact_of(region(**{operation: answer}), operation).kind is GapKind.MALFORMED


def test_account_without_preference_has_no_default() -> None:
    assert fact_of(region(GetInstanceMetadataDefaults={"AccountLevel": {}}), "GetInstanceMetadataDefaults") is None


def test_public_snapshots_before_a_refusal_are_kept() -> None:
    reader = region().refuse("ec2", "DescribeSnapshots", after=[{"Snapshots": [{"SnapshotId": "snap-1"}, {}]}])
    assert fact_of(reader, "DescribeSnapshots") == ["snap-1"]
    assert fact_of(region(DescribeSnapshots={"Snapshots": []}), "DescribeSnapshots") == []
    assert all_of(collect(reader, EarlierEvidence()), "ec2.ebs_default")
