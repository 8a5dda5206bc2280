"""What every collector of Systems Manager begins with: its calls, the ARNs of its resources, its evidence. Pure."""

from __future__ import annotations

from scans.domain.collector import Call, Collector, Reader
from scans.domain.evidence import Evidence


def ssm_call(operation: str, per_second: float = 0) -> Call:
    return Call("ssm", operation, f"ssm:{operation}", per_second)


def build_regional_arn(aws: Reader, resource: str, service: str = "ssm") -> str:
    return f"arn:{aws.partition}:{service}:{aws.region}:{aws.account}:{resource}"


def start_evidence(aws: Reader, collector: Collector) -> Evidence:
    return Evidence(collector.name, aws.region, types=collector.types)
