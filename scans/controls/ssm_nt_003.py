"""No client may call Systems Manager with TLS older than 1.2.

A client that still uses TLS 1.0 or 1.1 sends parameters and commands with a protocol that has known
weaknesses, and stops working when AWS turns it off.

**What is judged.** `tlsDetails.tlsVersion` of the latest Systems Manager events in this region
(`cloudtrail.LookupEvents`, one page of 50). Any call below TLS 1.2 fails.

**Unknown** when the events could not be read, when there were none, or when none of them has a TLS version.

**Limits.** The events are a sample: a pass applies to the events that were read, and says how many. Calls that
AWS services make on your behalf have no TLS details.

**Source of the facts.** CloudTrail user guide, record contents; CloudTrail API reference, LookupEvents.
"""

from __future__ import annotations

import re

from scans.domain.control import (
    GAP,
    Case,
    Control,
    ControlScope,
    Outcome,
    Remediation,
    ResourceView,
    Severity,
    Verdict,
    failed,
    passed,
    unknown,
)

VERSION = re.compile(r"TLSv(\d+)(?:\.(\d+))?", re.IGNORECASE)
OLDEST = (1, 2)

CONTROL = Control(
    id="SSM-NT-003",
    file="ssm_nt_003",
    title="Nobody calls with TLS older than 1.2",
    severity=Severity.HIGH,
    scope=ControlScope.REGION,
    facts={"cloudtrail.ssm_events": ("sampled", "tls_versions")},
    container="arn:{p}:cloudtrail:{r}:{a}:lookup/ssm.amazonaws.com",
    statements=("S7", "S21", "S24"),
    quote="Use SSL/TLS to communicate with AWS resources. We recommend TLS 1.2 or later.",
    remediation=Remediation(
        summary="Find the clients that call with old TLS by the access key, address and user agent of these events, and "
        "update their SDK, CLI, agent or operating system.",
        cli="aws cloudtrail lookup-events --region {region} "
        "--lookup-attributes AttributeKey=EventSource,AttributeValue=ssm.amazonaws.com "
        "--query 'Events[].CloudTrailEvent' --output text | grep -E 'TLSv1(\\.[01])?\"'",
    ),
)


def evaluate(resource: ResourceView) -> Outcome:
    sampled, versions = resource["sampled"], resource["tls_versions"]
    if not sampled:
        return unknown("CloudTrail has no recent Systems Manager events in this region to sample.")
    old = {version: count for version, count in versions.items() if _is_old(version)}
    # One old call is enough, even if other events name a version that is unknown.
    if old:
        listed = ", ".join(f"{count} with {version}" for version, count in sorted(old.items()))
        return failed(f"Calls with TLS older than 1.2 in {sampled} sampled events: {listed}.")
    strange = sorted(version for version in versions if not VERSION.fullmatch(version) and not _is_old(version))
    if strange:
        return unknown(f"Sampled events name a TLS version that isn't known: {', '.join(strange)}.")
    told = sum(versions.values())
    if not told:
        return unknown(f"None of the {sampled} sampled events says its TLS version.")
    silent = f"; {sampled - told} don't say theirs" if sampled > told else ""
    return passed(f"No call with TLS older than 1.2 in {sampled} sampled events{silent}.")


def _is_old(version: str) -> bool:
    found = VERSION.fullmatch(version)
    if found:
        return (int(found[1]), int(found[2] or 0)) < OLDEST
    return version.upper().startswith("SSL")


def _case(name: str, verdict: Verdict, sampled: object, versions: object, reason_has: str = "") -> Case:
    arn = "arn:aws:cloudtrail:eu-west-1:111122223333:lookup/ssm.amazonaws.com"
    return Case(name, verdict, {"sampled": sampled, "tls_versions": versions}, arn=arn, reason_has=reason_has)


CASES = [
    _case("new versions only", Verdict.PASS, 50, {"TLSv1.2": 20, "TLSv1.3": 30}, "in 50 sampled events"),
    _case("some don't say", Verdict.PASS, 50, {"TLSv1.3": 48}, "2 don't say theirs"),
    _case("one with TLS 1.1", Verdict.FAIL, 50, {"TLSv1.1": 1, "TLSv1.3": 49}, "1 with TLSv1.1"),
    _case("TLS 1.0 in its short form", Verdict.FAIL, 50, {"TLSv1": 50}),
    _case("SSL", Verdict.FAIL, 1, {"SSLv3": 1}),
    _case("a fail beside a version that isn't known", Verdict.FAIL, 3, {"TLSv1": 1, "QUIC": 2}),
    _case("a version that isn't known", Verdict.UNKNOWN, 3, {"TLSv1.3": 1, "QUIC": 2}),
    _case("no events", Verdict.UNKNOWN, 0, {}),
    _case("no event says it", Verdict.UNKNOWN, 50, {}),
    _case("the events were refused", Verdict.UNKNOWN, GAP, GAP),
]
