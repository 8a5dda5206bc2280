"""Where FIPS endpoints are required, Systems Manager may be called through them only.

A FIPS endpoint terminates TLS in a validated cryptographic module. Organizations that must use such modules must
call the API by that endpoint's name; nothing else makes a client use it.

**What is judged.** In the regions for which the company requires FIPS endpoints (`TUTELA_FIPS_REGIONS`): the
host that clients named in the latest Systems Manager events (`tlsDetails.clientProvidedHostHeader` from
`cloudtrail.LookupEvents`, 50 events), compared with the hosts that AWS publishes, dual-stack hosts included.

Two kinds of events are left out, and up to 2,000 events are read to find others: those of the portal's own scans, told
by the role, the session's name and the user agent together, and the calls that SSM Agent makes by itself, such as
`UpdateInstanceInformation`, and in a node's own session `PutInventory` or `GetDocument`.

* A call to a host that is not a FIPS endpoint of the region fails.
* A region for which AWS publishes no FIPS endpoint of Systems Manager fails, since compliance is impossible there.

**Not applicable** in the regions for which FIPS endpoints are not required, and where CloudTrail's event history of 90
days has no other events.

**Unknown** when the events could not be read, when none of them names its host, when the 2,000 newest are all left out,
or when a client named a host of which AWS doesn't publish whether it is a FIPS endpoint.

**Limits.** The events are a sample: a pass applies to the events that were read. Calls that AWS services make on your
behalf name no host. The list of published hosts is part of this version of Tutela.

**Source of the facts.** AWS general reference, Systems Manager endpoints
(https://docs.aws.amazon.com/general/latest/gr/ssm.html); CloudTrail user guide,
[TLS details](https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html);
service authorization reference, actions of Systems Manager
(https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssystemsmanager.html).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from scans.controls.lib import fips_hosts
from scans.controls.lib.sampled_events import judge_absent_events
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
    not_applicable,
    passed,
    unknown,
)

EVERYWHERE = "all"
SHOWN = 3

CONTROL = Control(
    id="SSM-NT-002",
    file="ssm_nt_002",
    title="FIPS endpoints are used where they are required",
    severity=Severity.HIGH,
    scope=ControlScope.REGION,
    version=2,  # 2: the portal's own calls and SSM Agent's don't count, and dual-stack FIPS endpoints do
    facts={"cloudtrail.ssm_events": ("sampled", "hosts", "complete")},
    container="arn:{p}:cloudtrail:{r}:{a}:lookup/ssm.amazonaws.com",
    statements=("S11",),
    quote="If you require FIPS 140-2 validated cryptographic modules when accessing AWS through a command line "
    "interface or an API, use a FIPS endpoint.",
    remediation=Remediation(
        summary="Configure FIPS endpoints in the clients that call another host; CloudTrail names their access key, address "
        "and user agent. For nodes in a VPC, create the endpoint of the service ssm-fips.",
        cli="export AWS_USE_FIPS_ENDPOINT=true\n"
        "aws configure set use_fips_endpoint true\n"
        "aws cloudtrail lookup-events --region {region} "
        "--lookup-attributes AttributeKey=EventSource,AttributeValue=ssm.amazonaws.com "
        "--query 'Events[].CloudTrailEvent' --output text | grep -v ssm-fips",
        code='provider "aws" {\n  region            = "{region}"\n  use_fips_endpoint = true\n}',
    ),
)


def evaluate(resource: ResourceView) -> Outcome:
    required = resource.context.policy.get("fips_regions") or ()
    if not {EVERYWHERE, resource.region} & set(required):
        return not_applicable("The company doesn't require FIPS endpoints in this region.")
    if fips_hosts.find_fips_host(resource.region) is None:
        return failed("FIPS endpoints are required, and AWS publishes none for Systems Manager in this region.")
    # Evidence from before the portal's own events were left out lacks this, and says nothing of the company.
    complete, sampled, hosts = resource["complete"], resource["sampled"], resource["hosts"]
    published = {host: fips_hosts.is_fips_host(host, resource.region) for host in hosts}
    others = [host for host, fips in published.items() if fips is False]
    if others:
        return failed(
            f"Clients called {_format_some_hosts(others)} instead of {fips_hosts.find_fips_host(resource.region)}."
        )
    if undecided := [host for host, fips in published.items() if fips is None]:
        return unknown(f"AWS doesn't publish whether {_format_some_hosts(undecided)} is a FIPS endpoint.")
    if not sampled:
        return judge_absent_events(complete=complete)
    if not hosts:
        return unknown("No event of Systems Manager in this region says which host was called.")
    return passed(f"Every host named in {sampled} sampled events is a FIPS endpoint.")


def _format_some_hosts(hosts: Iterable[str]) -> str:
    named = sorted(hosts)
    more = f" and {len(named) - SHOWN} more" if len(named) > SHOWN else ""
    return ", ".join(named[:SHOWN]) + more


FIPS, PLAIN = "ssm-fips.us-east-1.amazonaws.com", "ssm.us-east-1.amazonaws.com"


def _case(name: str, verdict: Verdict, hosts: Any, *, where: str = "us-east-1", **more: Any) -> Case:
    sampled = GAP if hosts is GAP else more.get("sampled", len(hosts))
    facts = {"sampled": sampled, "hosts": hosts, "complete": more.get("complete", True)}
    required = list(more.get("required", ("all",)))
    return Case(name, verdict, facts, region=where, context={"policy": {"fips_regions": required}})


CASES = [
    _case("only the FIPS endpoint", Verdict.PASS, [FIPS]),
    _case("required in this region by name", Verdict.PASS, [FIPS], required=["us-east-1"]),
    _case("a VPC endpoint of the FIPS service", Verdict.PASS, ["vpce-0a-b.ssm-fips.us-east-1.vpce.amazonaws.com"]),
    _case(
        "GovCloud's plain name is the FIPS endpoint",
        Verdict.PASS,
        ["ssm.us-gov-west-1.amazonaws.com"],
        where="us-gov-west-1",
    ),
    _case("the plain endpoint", Verdict.FAIL, [FIPS, PLAIN]),
    _case("a VPC endpoint of the plain service", Verdict.FAIL, ["vpce-0a-b.ssm.us-east-1.vpce.amazonaws.com"]),
    _case("another region's FIPS endpoint", Verdict.FAIL, ["ssm-fips.us-west-2.amazonaws.com"]),
    _case("a name that only begins like it", Verdict.FAIL, [f"{FIPS}.example.com"]),
    _case("a region without a FIPS endpoint", Verdict.FAIL, [], where="eu-west-1"),
    _case("a region without one, events refused", Verdict.FAIL, GAP, where="eu-west-1"),
    _case("not required", Verdict.NOT_APPLICABLE, [PLAIN], required=[]),
    _case("required elsewhere", Verdict.NOT_APPLICABLE, [PLAIN], required=["us-west-2"]),
    _case("not required, events refused", Verdict.NOT_APPLICABLE, GAP, required=[]),
    _case("the dual-stack FIPS endpoint", Verdict.PASS, ["ssm-fips.us-east-1.api.aws"]),
    _case("the plain dual-stack endpoint", Verdict.FAIL, ["ssm.us-east-1.api.aws"]),
    _case(
        "GovCloud's plain dual-stack endpoint", Verdict.UNKNOWN, ["ssm.us-gov-west-1.api.aws"], where="us-gov-west-1"
    ),
    _case("no events of other clients", Verdict.NOT_APPLICABLE, []),
    _case("none among those that were read", Verdict.UNKNOWN, [], complete=False),
    _case("no event names its host", Verdict.UNKNOWN, [], sampled=3),
    _case("evidence from before own calls were left out", Verdict.UNKNOWN, [PLAIN], complete=GAP),
    _case("the events were refused", Verdict.UNKNOWN, GAP),
]
