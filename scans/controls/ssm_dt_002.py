"""Macie's automated discovery must cover the buckets that hold Systems Manager data.

Macie inspects nothing until a job or automated discovery is set up. Automated discovery samples objects of every
bucket each day and reports where it finds personal data.

**What is judged.** `macie2.GetAutomatedDiscoveryConfiguration` in each region where Macie is on. `ENABLED`
passes, `DISABLED` fails.

**Not applicable** in a region where no bucket of this account holds Systems Manager data, where Macie isn't
on (SSM-DT-001 judges that), and where AWS doesn't offer Macie.

**Unknown** when the configuration could not be read: AWS may refuse it to a member account and return it only to
the Macie administrator. Also for a status that this version doesn't know.

**Limits.** Which buckets an administrator excluded from discovery is not read.

**Source of the facts.** Macie API reference, GetAutomatedDiscoveryConfiguration; Macie user guide, automated
sensitive data discovery.
"""

from __future__ import annotations

from scans.controls.lib import fixes
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
    id="SSM-DT-002",
    file="ssm_dt_002",
    title="Macie's automated discovery is on",
    severity=Severity.MEDIUM,
    scope=ControlScope.REGION,
    version=2,  # 2: a session status that this version doesn't know is unknown
    facts={"macie2.session": ("status", "supported", "discovery")},
    related={"s3.bucket": ("name",)},
    container="arn:{p}:macie2:{r}:{a}:session",
    statements=("S10",),
    quote="assists in discovering and securing personal data that is stored in Amazon S3",
    frameworks={"PCI DSS 4.0": ("A3.2.5.1",)},
    remediation=Remediation(
        summary="Enable automated discovery, as the organization's Macie administrator where there is one. "
        "CloudFormation and Terraform's AWS provider can't set it, so Terraform runs the command.",
        cli="aws macie2 update-automated-discovery-configuration --status ENABLED --region {region}",
        code='resource "aws_macie2_account" "this" {\n  status = "ENABLED"\n}\n\n'
        'resource "terraform_data" "discovery" {\n  triggers_replace = aws_macie2_account.this.id\n\n'
        '  provisioner "local-exec" {\n    command = "aws macie2 update-automated-discovery-configuration '
        '--status ENABLED --region {region}"\n  }\n}',
    ),
)


def evaluate(resource: ResourceView) -> Outcome:
    if not resource["supported"]:
        return not_applicable("AWS doesn't offer Macie in this region.")
    if not resource.all("s3.bucket"):
        return not_applicable("No bucket in this region holds Systems Manager data.")
    status = str(resource["status"]).upper()
    if status not in ("ENABLED", "PAUSED", "DISABLED"):
        return unknown(f"Macie answered with a status that is not known: {status}.")
    if status != "ENABLED":
        return not_applicable("Macie is not on in this region, which SSM-DT-001 judges.")
    discovery = str(resource["discovery"]).upper()
    if discovery == "ENABLED":
        return passed("Macie's automated discovery is on in this region.")
    if discovery == "DISABLED":
        return failed("Macie's automated discovery is off in this region, where buckets hold Systems Manager data.")
    return unknown(f"Macie answered with a status of discovery that is not known: {discovery}.")


def fix(resource: ResourceView) -> fixes.FixEffects:
    return (fixes.set_facts(resource, discovery="ENABLED"),)


BUCKETS = {"s3.bucket": {"arn:aws:s3:::logs": {"name": "logs"}}}


def _case(
    name: str,
    verdict: Verdict,
    discovery: object = "ENABLED",
    *,
    status: object = "ENABLED",
    supported: object = True,
    buckets: bool = True,
    refused: bool = False,
) -> Case:
    facts = {"status": status, "supported": supported, "discovery": discovery}
    related = BUCKETS if buckets else {"s3.bucket": {}}
    return Case(name, verdict, facts, related=related, related_gaps=("s3.bucket",) if refused else ())


CASES = [
    _case("on", Verdict.PASS),
    _case("off", Verdict.FAIL, "DISABLED"),
    _case("Macie is off", Verdict.NOT_APPLICABLE, GAP, status="DISABLED"),
    _case("Macie is paused", Verdict.NOT_APPLICABLE, GAP, status="PAUSED"),
    _case("not offered", Verdict.NOT_APPLICABLE, GAP, status=GAP, supported=False),
    _case("off, but no bucket", Verdict.NOT_APPLICABLE, "DISABLED", buckets=False),
    _case("readable by the administrator only", Verdict.UNKNOWN, GAP),
    _case("the session has a status that this version doesn't know", Verdict.UNKNOWN, "DISABLED", status="RESTING"),
    _case("the session was refused", Verdict.UNKNOWN, GAP, status=GAP),
    _case("off, buckets not fully known", Verdict.UNKNOWN, "DISABLED", buckets=False, refused=True),
    _case("a new status", Verdict.UNKNOWN, "SOMETIMES"),
]
