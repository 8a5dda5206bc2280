"""Reads whether the EBS volumes of managed nodes are encrypted: one call for 200 volumes."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from accounts.aws.gaps import Gap
from scans.collectors.lib.batches import Batch, make_not_listed_gap, read_batch
from scans.collectors.lib.ssm_calls import build_regional_arn, start_evidence
from scans.collectors.lib.strict_answers import make_malformed_gap, read_or_gap, record_gaps, require_flag, require_text
from scans.domain.collector import Call, Collector, EarlierEvidence, Reader
from scans.domain.evidence import Evidence

VOLUMES = Call("ec2", "DescribeVolumes", "ec2:DescribeVolumes")
COLLECTOR = Collector(
    name="ec2_volumes", scope="region", facts={"ec2.volume": ("id", "encrypted", "nodes")}, calls=(VOLUMES,), stage=1
)
VOLUMES_BY_ID = Batch(VOLUMES, "Volumes", filter="volume-id")


def collect(aws: Reader, seen: EarlierEvidence) -> Evidence:
    evidence = start_evidence(aws, COLLECTOR)
    record_gaps(evidence, COLLECTOR.types, *seen.gaps("ssm.node"))
    nodes: dict[str, list[str]] = defaultdict(list)
    for node in seen.of("ssm.node"):
        volumes = node.facts.get("volumes")
        if isinstance(volumes, Gap):
            record_gaps(evidence, COLLECTOR.types, volumes)
        for volume in volumes if isinstance(volumes, list) else ():
            nodes[volume].append(node.arn)
    answer = read_batch(aws, VOLUMES_BY_ID, nodes, MaxResults=500)
    malformed, missing = make_malformed_gap(VOLUMES, aws.region), make_not_listed_gap(VOLUMES, aws.region)
    encrypted: dict[str, Any] = dict(answer.gaps)
    for item in answer.items:
        id = read_or_gap(malformed, require_text, item, "VolumeId")
        if isinstance(id, Gap):
            missing = id  # it may be any that isn't listed
        else:
            encrypted[id] = read_or_gap(malformed, require_flag, item, "Encrypted")
    for id, held in sorted(nodes.items()):
        place = build_regional_arn(aws, f"volume/{id}", service="ec2")
        evidence.add("ec2.volume", place, id=id, encrypted=encrypted.get(id, missing), nodes=sorted(held))
    return evidence
