"""Macie must be on in every region where a bucket holds Systems Manager data.

Command output, session logs and inventory contain what was on the machines: names, addresses, numbers, keys.
Macie inspects the buckets and reports which ones hold personal data. Without it, personal data in the logs goes
unnoticed.

**What is judged.** `macie2.GetMacieSession` in each region. `ENABLED` passes. `PAUSED` fails, and so
does the refusal whose message says that Macie is not enabled.

**Not applicable** in a region where no bucket of this account holds Systems Manager data (the buckets that the
account's settings name), and where AWS doesn't offer Macie: its published endpoints have none there, and no host
answers.

**Unknown** when the session could not be read for any other reason: a real denial has the same code as
"not enabled", and only the message tells them apart. Also when the list of such buckets is incomplete.

**Limits.** The control judges whether Macie runs, not which buckets it inspects. In an organization with a Macie
administrator, each member still has its own session, which is read here.

**Source of the facts.** Macie API reference,
[GetMacieSession](https://docs.aws.amazon.com/macie/latest/APIReference/macie.html). Regions without Macie: the
endpoints that AWS publishes (https://docs.aws.amazon.com/general/latest/gr/macie.html), as botocore's data of this
version lists them; China and GovCloud (US) have none.
"""

from __future__ import annotations

from scans.controls.lib import fixes, security_hub
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

CONTROL = Control(
    id="SSM-DT-001",
    file="ssm_dt_001",
    title="Macie is on where the data is",
    severity=Severity.HIGH,
    scope=ControlScope.REGION,
    facts={"macie2.session": ("status", "supported")},
    related={"s3.bucket": ("name",)},
    container="arn:{p}:macie2:{r}:{a}:session",
    statements=("S10",),
    quote="Use advanced managed security services such as Amazon Macie, which assists in discovering and securing "
    "personal data that is stored in Amazon S3.",
    frameworks=security_hub.map_requirements(
        "Macie.1", own={"CIS v3.0": ("2.1.3",), "CIS v5.0": ("2.1.3",), "PCI DSS 4.0.1": ("A3.2.5.1",)}
    ),
    remediation=Remediation(
        summary="Enable Macie in the region, or have the organization's Macie administrator do it for all accounts. "
        "The second command resumes a paused session.",
        cli="aws macie2 enable-macie --region {region}\n"
        "aws macie2 update-macie-session --status ENABLED --region {region}",
        code='resource "aws_macie2_account" "this" {\n  status = "ENABLED"\n}',
    ),
)


def evaluate(resource: ResourceView) -> Outcome:
    # Before the status: in a region without Macie the status is DISABLED, too.
    if not resource["supported"]:
        return not_applicable("AWS doesn't offer Macie in this region.")
    if not resource.all("s3.bucket"):
        return not_applicable("No bucket in this region holds Systems Manager data.")
    status = str(resource["status"]).upper()
    if status == "ENABLED":
        return passed("Macie is on in this region.")
    if status == "PAUSED":
        return failed("Macie is paused in this region, where buckets hold Systems Manager data.")
    if status == "DISABLED":
        return failed("Macie is not on in this region, where buckets hold Systems Manager data.")
    return unknown(f"Macie answered with a status that is not known: {status}.")


def fix(resource: ResourceView) -> fixes.FixEffects:
    return (fixes.set_facts(resource, status="ENABLED"),)


BUCKETS = {"s3.bucket": {"arn:aws:s3:::logs": {"name": "logs"}}}


def _case(
    name: str,
    verdict: Verdict,
    status: object,
    *,
    supported: object = True,
    buckets: bool = True,
    refused: bool = False,
) -> Case:
    facts = {"status": status, "supported": supported}
    related = BUCKETS if buckets else {"s3.bucket": {}}
    return Case(name, verdict, facts, related=related, related_gaps=("s3.bucket",) if refused else ())


CASES = [
    _case("on", Verdict.PASS, "ENABLED"),
    _case("paused", Verdict.FAIL, "PAUSED"),
    _case("off", Verdict.FAIL, "DISABLED"),
    _case("off, but no bucket", Verdict.NOT_APPLICABLE, "DISABLED", buckets=False),
    _case("not offered", Verdict.NOT_APPLICABLE, GAP, supported=False),
    _case("no bucket, session refused", Verdict.NOT_APPLICABLE, GAP, buckets=False),
    _case("denied", Verdict.UNKNOWN, GAP),
    _case("not known whether offered", Verdict.UNKNOWN, "DISABLED", supported=GAP),
    _case("off, buckets not fully known", Verdict.UNKNOWN, "DISABLED", buckets=False, refused=True),
    _case("a new status", Verdict.UNKNOWN, "RESTING"),
]
