"""Clients must call Systems Manager with the TLS version that the company requires.

TLS 1.0 and 1.1 have known weaknesses. AWS refuses them on all its API endpoints, so no client can call with them. A
company may require TLS 1.3, which AWS accepts beside 1.2.

**What is judged.** In the regions for which the company requires TLS 1.3 (`TUTELA_TLS13_REGIONS`):
`tlsDetails.tlsVersion` of the latest Systems Manager events (`cloudtrail.LookupEvents`, 50 events). Any call with an
older version fails. The portal's own calls and those of SSM Agent are left out, as SSM-NT-002 says.

**Not applicable** in the other regions: AWS attests that its endpoints have required TLS 1.2 or later since 27 February
2024. Also where CloudTrail's event history of 90 days has no events of other clients.

**Unknown** when the events could not be read, when none of them has a TLS version, or when the 2,000 newest are all
left out.

**Limits.** The events are a sample: a pass applies to the events that were read, and says how many. Calls that
AWS services make on your behalf have no TLS details.

**Source of the facts.** AWS Storage Blog, update of 8 April 2024
(https://aws.amazon.com/blogs/storage/enforcing-encryption-in-transit-with-tls1-2-or-higher-with-amazon-s3/); CloudTrail
user guide,
[record contents](https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html);
CloudTrail API reference,
[LookupEvents](https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html).
"""

from __future__ import annotations

import re
from typing import Any

from scans.controls.lib.sampled_events import judge_absent_events
from scans.controls.lib.tls_versions import attest_tls12
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
OLDEST = (1, 3)

CONTROL = Control(
    id="SSM-NT-003",
    file="ssm_nt_003",
    title="Clients use the required TLS version",
    severity=Severity.HIGH,
    scope=ControlScope.REGION,
    # 2: AWS refuses TLS older than 1.2 itself; judged where TLS 1.3 is required, without the portal's own calls.
    version=2,
    facts={"cloudtrail.ssm_events": ("sampled", "tls_versions", "complete")},
    container="arn:{p}:cloudtrail:{r}:{a}:lookup/ssm.amazonaws.com",
    statements=("S7", "S21", "S24"),
    quote="Use SSL/TLS to communicate with AWS resources. We recommend TLS 1.2 or later.",
    remediation=Remediation(
        summary="Find the clients that call with older TLS by the access key, address and user agent of these events, and "
        "update their SDK, CLI, agent or operating system to one that speaks TLS 1.3.",
        cli="aws cloudtrail lookup-events --region {region} "
        "--lookup-attributes AttributeKey=EventSource,AttributeValue=ssm.amazonaws.com "
        "--query 'Events[].CloudTrailEvent' --output text | grep -v 'TLSv1.3'",
    ),
)


def evaluate(resource: ResourceView) -> Outcome:
    attested = attest_tls12(resource)
    if attested:
        return attested
    # Evidence from before the portal's own events were left out lacks this, and says nothing of the company.
    complete, sampled, versions = resource["complete"], resource["sampled"], resource["tls_versions"]
    old = {version: count for version, count in versions.items() if _is_old(version)}
    # One old call is enough, even if other events name a version that is unknown.
    if old:
        listed = ", ".join(f"{count} with {version}" for version, count in sorted(old.items()))
        return failed(f"Calls with TLS older than 1.3 in {sampled} sampled events: {listed}.")
    if not sampled:
        return judge_absent_events(complete=complete)
    strange = sorted(version for version in versions if not VERSION.fullmatch(version) and not _is_old(version))
    if strange:
        return unknown(f"Sampled events name a TLS version that isn't known: {', '.join(strange)}.")
    told = sum(versions.values())
    if not told:
        return unknown(f"None of the {sampled} sampled events says its TLS version.")
    silent = f"; {sampled - told} don't say theirs" if sampled > told else ""
    return passed(f"No call with TLS older than 1.3 in {sampled} sampled events{silent}.")


def _is_old(version: str) -> bool:
    found = VERSION.fullmatch(version)
    if found:
        return (int(found[1]), int(found[2] or 0)) < OLDEST
    return version.upper().startswith("SSL")


def _case(name: str, verdict: Verdict, sampled: object, versions: object, reason_has: str = "", **more: Any) -> Case:
    facts = {"sampled": sampled, "tls_versions": versions, "complete": more.get("complete", True)}
    return Case(
        name,
        verdict,
        facts,
        arn="arn:aws:cloudtrail:eu-west-1:111122223333:lookup/ssm.amazonaws.com",
        context={"policy": {"tls13_regions": more.get("required", ["eu-west-1"])}},
        reason_has=reason_has,
    )


CASES = [
    _case("TLS 1.3 only", Verdict.PASS, 50, {"TLSv1.3": 50}, "in 50 sampled events"),
    _case("required everywhere", Verdict.PASS, 50, {"TLSv1.3": 50}, required=["all"]),
    _case("some don't say", Verdict.PASS, 50, {"TLSv1.3": 48}, "2 don't say theirs"),
    _case("one with TLS 1.2", Verdict.FAIL, 50, {"TLSv1.2": 1, "TLSv1.3": 49}, "1 with TLSv1.2"),
    _case("TLS 1.0 in its short form", Verdict.FAIL, 50, {"TLSv1": 50}),
    _case("SSL", Verdict.FAIL, 1, {"SSLv3": 1}),
    _case("a fail beside a version that isn't known", Verdict.FAIL, 3, {"TLSv1": 1, "QUIC": 2}),
    _case("TLS 1.2 is enough", Verdict.NOT_APPLICABLE, 50, {"TLSv1.2": 50}, "27 February 2024", required=[]),
    _case("required elsewhere", Verdict.NOT_APPLICABLE, 50, {"TLSv1.2": 50}, required=["us-west-2"]),
    _case("TLS 1.2 is enough, events refused", Verdict.NOT_APPLICABLE, GAP, GAP, required=[]),
    _case("no events of other clients", Verdict.NOT_APPLICABLE, 0, {}),
    _case("none among those that were read", Verdict.UNKNOWN, 0, {}, complete=False),
    _case("a version that isn't known", Verdict.UNKNOWN, 3, {"TLSv1.3": 1, "QUIC": 2}),
    _case("no event says it", Verdict.UNKNOWN, 50, {}),
    _case("evidence from before own calls were left out", Verdict.UNKNOWN, 50, {"TLSv1.2": 50}, complete=GAP),
    _case("the events were refused", Verdict.UNKNOWN, GAP, GAP, complete=GAP),
]
