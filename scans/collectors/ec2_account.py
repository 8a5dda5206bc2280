"""Reads the settings that new volumes, snapshots and instances get in a region, and which snapshots are public."""

from __future__ import annotations

from typing import Any

from accounts.aws.gaps import Gap
from scans.collectors.lib.ssm_calls import build_regional_arn, start_evidence
from scans.collectors.lib.strict_answers import (
    Answer,
    make_malformed_gap,
    read_or_gap,
    require_flag,
    require_mapping,
    require_text,
    text_or_none,
)
from scans.domain.collector import Call, Collector, EarlierEvidence, Reader
from scans.domain.evidence import Evidence

DEFAULT = Call("ec2", "GetEbsEncryptionByDefault", "ec2:GetEbsEncryptionByDefault")
ACCESS = Call("ec2", "GetSnapshotBlockPublicAccessState", "ec2:GetSnapshotBlockPublicAccessState")
METADATA = Call("ec2", "GetInstanceMetadataDefaults", "ec2:GetInstanceMetadataDefaults")
SNAPSHOTS = Call("ec2", "DescribeSnapshots", "ec2:DescribeSnapshots")

COLLECTOR = Collector(
    name="ec2_account",
    scope="region",
    facts={
        "ec2.ebs_default": ("enabled",),
        "ec2.snapshot_access": ("state",),
        "ec2.metadata_defaults": ("tokens",),
        "ec2.public_snapshots": ("ids",),
    },
    calls=(DEFAULT, ACCESS, METADATA, SNAPSHOTS),
)
OWN, EVERYBODY = ["self"], ["all"]


def collect(aws: Reader, _seen: EarlierEvidence) -> Evidence:
    evidence = start_evidence(aws, COLLECTOR)

    def add(type: str, rest: str, **facts: Any) -> None:
        evidence.add(type, build_regional_arn(aws, rest, service="ec2"), **facts)

    add("ec2.ebs_default", "ebs-encryption-by-default", enabled=read_region_setting(aws, DEFAULT, read_default))
    add("ec2.snapshot_access", "snapshot-block-public-access", state=read_region_setting(aws, ACCESS, read_access))
    add("ec2.metadata_defaults", "instance-metadata-defaults", tokens=read_region_setting(aws, METADATA, read_tokens))
    add("ec2.public_snapshots", "snapshot/*", ids=list_public_snapshots(aws))
    return evidence


def read_region_setting(aws: Reader, call: Call, read: Any) -> Any:
    return read_or_gap(make_malformed_gap(call, aws.region), lambda: read(aws.call(call.service, call.operation)))


def read_default(answer: Answer) -> bool:
    return require_flag(answer, "EbsEncryptionByDefault")


def read_access(answer: Answer) -> str:
    return require_text(answer, "State")


def read_tokens(answer: Answer) -> str | None:
    """None where the account has no preference: then AccountLevel is there, without HttpTokens."""
    return text_or_none(require_mapping(answer, "AccountLevel"), "HttpTokens")


def list_public_snapshots(aws: Reader) -> list[str] | Gap:
    """The ids of own snapshots that every account may copy. Some are enough to know, if the list is incomplete."""
    listing = aws.pages(
        "ec2", "DescribeSnapshots", "Snapshots", OwnerIds=OWN, RestorableByUserIds=EVERYBODY, MaxResults=1000
    )
    malformed = make_malformed_gap(SNAPSHOTS, aws.region)
    ids = [read_or_gap(malformed, require_text, item, "SnapshotId") for item in listing.items]
    known = sorted(id for id in ids if isinstance(id, str))
    return known or next((id for id in ids if isinstance(id, Gap)), None) or listing.gap or []
