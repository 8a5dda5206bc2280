"""Samples with which TLS version and through which host Systems Manager was called: one call in each region."""

from __future__ import annotations

from collections import Counter
from typing import Any

from accounts.aws.gaps import Gap
from scans.collectors.lib.strict_answers import (
    ShapeError,
    json_object,
    make_malformed_gap,
    read_or_gap,
    require_list,
    require_text,
)
from scans.domain.collector import Call, Collector, EarlierEvidence, Reader
from scans.domain.evidence import Evidence

LOOKUP = Call("cloudtrail", "LookupEvents", "cloudtrail:LookupEvents", per_second=2)

COLLECTOR = Collector(
    name="events",
    scope="region",
    facts={"cloudtrail.ssm_events": ("sampled", "tls_versions", "hosts")},
    calls=(LOOKUP,),
)
SOURCE = "ssm.amazonaws.com"
SAMPLE = 50


def collect(aws: Reader, _seen: EarlierEvidence) -> Evidence:
    evidence = Evidence("events", aws.region)
    facts = read_or_gap(
        make_malformed_gap(LOOKUP, aws.region),
        lambda: summarize_events(require_list(look_up_events(aws), "Events", [])),
    )
    if isinstance(facts, Gap):
        facts = dict.fromkeys(("sampled", "tls_versions", "hosts"), facts)
    arn = f"arn:{aws.partition}:cloudtrail:{aws.region}:{aws.account}:lookup/{SOURCE}"
    evidence.add("cloudtrail.ssm_events", arn, **facts)
    return evidence


def look_up_events(aws: Reader) -> dict[str, Any]:
    """One page of the newest events: LookupEvents allows only two calls a second for an account and region."""
    attributes = [{"AttributeKey": "EventSource", "AttributeValue": SOURCE}]
    return aws.call("cloudtrail", "LookupEvents", LookupAttributes=attributes, MaxResults=SAMPLE)


def summarize_events(events: list[Any]) -> dict[str, Any]:
    """Count TLS versions and collect hosts. Events of calls by AWS services have no TLS details."""
    versions: Counter[str] = Counter()
    hosts: set[str] = set()
    for event in events:
        details = tls_details(event)
        if isinstance(details.get("tlsVersion"), str):
            versions[details["tlsVersion"]] += 1
        if isinstance(details.get("clientProvidedHostHeader"), str):
            hosts.add(details["clientProvidedHostHeader"])
    return {"sampled": len(events), "tls_versions": dict(sorted(versions.items())), "hosts": sorted(hosts)}


def tls_details(event: Any) -> dict[str, Any]:
    record = json_object(require_text(event, "CloudTrailEvent"))
    # An event without tlsDetails is normal. One that isn't a CloudTrail record makes the whole sample unknown.
    details = None if record is None else record.get("tlsDetails", {})
    if not isinstance(details, dict):
        raise ShapeError("not a CloudTrail record")
    return details
