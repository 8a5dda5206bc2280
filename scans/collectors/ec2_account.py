"""Reads whether new EBS volumes are encrypted by default: one call in each region."""

from __future__ import annotations

from scans.collectors.lib.strict_answers import make_malformed_gap, read_or_gap, require_flag
from scans.domain.collector import Call, Collector, EarlierEvidence, Reader
from scans.domain.evidence import Evidence

DEFAULT = Call("ec2", "GetEbsEncryptionByDefault", "ec2:GetEbsEncryptionByDefault")

COLLECTOR = Collector(name="ec2_account", scope="region", facts={"ec2.ebs_default": ("enabled",)}, calls=(DEFAULT,))


def collect(aws: Reader, _seen: EarlierEvidence) -> Evidence:
    evidence = Evidence("ec2_account", aws.region)
    arn = f"arn:{aws.partition}:ec2:{aws.region}:{aws.account}:ebs-encryption-by-default"
    enabled = read_or_gap(
        make_malformed_gap(DEFAULT, aws.region),
        lambda: require_flag(aws.call("ec2", "GetEbsEncryptionByDefault"), "EbsEncryptionByDefault"),
    )
    evidence.add("ec2.ebs_default", arn, enabled=enabled)
    return evidence
