"""Samples through which host and with which TLS version Systems Manager was called: one call or more in each region."""

from __future__ import annotations

from collections import Counter
from typing import Any

from accounts.aws.gaps import Gap
from scans.collectors.lib.own_events import is_background_event
from scans.collectors.lib.strict_answers import (
    ShapeError,
    json_object,
    make_malformed_gap,
    read_or_gap,
    require_list,
    require_text,
    text_or_none,
)
from scans.domain.collector import Call, Collector, EarlierEvidence, Reader
from scans.domain.evidence import Evidence

LOOKUP = Call("cloudtrail", "LookupEvents", "cloudtrail:LookupEvents", per_second=2)

FACTS = ("sampled", "tls_versions", "hosts", "complete")
COLLECTOR = Collector(
    name="events",
    scope="region",
    # 2: without the events of the portal's own scans and of SSM Agent's background work.
    version=2,
    facts={"cloudtrail.ssm_events": FACTS},
    calls=(LOOKUP,),
)
SOURCE = "ssm.amazonaws.com"
SAMPLE = 50
# Pages of 50 events. At two calls a second, reading on takes at most 20 seconds a region.
PAGES_IF_REQUIRED = 40
# What a company may require of its calls, as regions or "all".
REQUIREMENTS = ("fips_regions", "tls13_regions")


def collect(aws: Reader, seen: EarlierEvidence) -> Evidence:
    evidence = Evidence("events", aws.region)
    facts = read_or_gap(make_malformed_gap(LOOKUP, aws.region), sample_events, aws, seen)
    if isinstance(facts, Gap):
        facts = dict.fromkeys(FACTS, facts)
    arn = f"arn:{aws.partition}:cloudtrail:{aws.region}:{aws.account}:lookup/{SOURCE}"
    evidence.add("cloudtrail.ssm_events", arn, **facts)
    return evidence


def sample_events(aws: Reader, seen: EarlierEvidence) -> dict[str, Any]:
    """Count TLS versions and collect hosts of the newest events of other clients.

    A page may hold nothing but the portal's own calls, so more are read where a requirement rests on the events."""
    records: list[dict[str, Any]] = []
    more: dict[str, str] = {}
    for _ in range(PAGES_IF_REQUIRED if is_sample_required(aws, seen) else 1):
        answer = look_up_events(aws, more)
        found = map(parse_record, require_list(answer, "Events"))
        records += [each for each in found if not is_background_event(each, aws.partition, aws.account, seen.own_roles)]
        token = text_or_none(answer, "NextToken")
        more = {"NextToken": token} if token else {}
        if len(records) >= SAMPLE or not more:
            break
    return {**summarize_records(records[:SAMPLE]), "complete": not more}


def is_sample_required(aws: Reader, seen: EarlierEvidence) -> bool:
    policy = seen.context.policy if seen.context is not None else {}
    return any({aws.region, "all"} & set(policy.get(name) or ()) for name in REQUIREMENTS)


def look_up_events(aws: Reader, more: dict[str, str]) -> dict[str, Any]:
    """One page of events, newest first: LookupEvents allows only two calls a second for an account and region."""
    attributes = [{"AttributeKey": "EventSource", "AttributeValue": SOURCE}]
    return aws.call("cloudtrail", "LookupEvents", LookupAttributes=attributes, MaxResults=SAMPLE, **more)


def parse_record(event: Any) -> dict[str, Any]:
    # An event without tlsDetails is normal. One that isn't a CloudTrail record makes the whole sample unknown.
    record = json_object(require_text(event, "CloudTrailEvent"))
    if record is None or not isinstance(record.get("tlsDetails", {}), dict):
        raise ShapeError("not a CloudTrail record")
    return record


def summarize_records(records: list[dict[str, Any]]) -> dict[str, Any]:
    """Events of calls by AWS services have no TLS details."""
    versions: Counter[str] = Counter()
    hosts: set[str] = set()
    for record in records:
        details = record.get("tlsDetails", {})
        if isinstance(details.get("tlsVersion"), str):
            versions[details["tlsVersion"]] += 1
        if isinstance(details.get("clientProvidedHostHeader"), str):
            hosts.add(details["clientProvidedHostHeader"])
    return {"sampled": len(records), "tls_versions": dict(sorted(versions.items())), "hosts": sorted(hosts)}
