"""Macie's automated discovery must cover the buckets that hold Systems Manager data.

Macie inspects nothing until a job or automated discovery is set up. Automated discovery samples objects of every
bucket each day and reports where it finds personal data.

**What is judged.** The status of automated discovery for this account, in each region where Macie is on. `ENABLED`
passes, `DISABLED` fails.

* A Macie administrator: `macie2.GetAutomatedDiscoveryConfiguration`, if it is off for the organization; otherwise the
  account's own status (`macie2.ListAutomatedDiscoveryAccounts`), which an administrator can switch off for itself.
* A standalone account: the configuration. No account has a status of its own there.
* A member of an organization in Macie (`macie2.GetAdministratorAccount` names its administrator): its own status. If
  AWS doesn't tell the member, the administrator's evidence of this scan decides: whether discovery is off for the
  organization, or else its status for the member.

**Not applicable** in a region where no bucket of this account holds Systems Manager data, where Macie isn't
on (SSM-DT-001 judges that), and where AWS doesn't offer Macie.

**Unknown** when the status could not be read, or is one that this version doesn't know. Where the configuration is on
and the list of statuses could not be read, the account may be an administrator for which discovery is off. For a
member also when its administrator was not read in this scan, isn't in the organization, or doesn't list the member.

**Limits.** Which buckets an administrator excluded from discovery is not read.

**Source of the facts.** Macie API reference,
[GetAutomatedDiscoveryConfiguration](https://docs.aws.amazon.com/macie/latest/APIReference/automated-discovery-configuration.html),
[GetAdministratorAccount](https://docs.aws.amazon.com/macie/latest/APIReference/administrator.html) and
ListAutomatedDiscoveryAccounts
(https://docs.aws.amazon.com/macie/latest/APIReference/automated-discovery-accounts.html); Macie user guide,
[automated sensitive data discovery](https://docs.aws.amazon.com/macie/latest/user/discovery-asdd.html). Regions without
Macie: the endpoints that AWS publishes (https://docs.aws.amazon.com/general/latest/gr/macie.html).
"""

from __future__ import annotations

from typing import Any

from accounts.aws.gaps import Gap, GapError, GapKind
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
from scans.domain.evidence import Evidence, make_unread_gap

CONTROL = Control(
    id="SSM-DT-002",
    file="ssm_dt_002",
    title="Macie's automated discovery is on",
    severity=Severity.MEDIUM,
    scope=ControlScope.REGION,
    # 2: a session status that this version doesn't know is unknown. 3: a member's status is its own, or as its
    # administrator's evidence says; an administrator's is unknown if the list of statuses is. 4: a refused status is
    # named even if the administrator is unknown, too.
    version=4,
    needs_organization=True,
    facts={"macie2.session": ("status", "supported")},
    # The session once more: its discovery is asked only where it matters.
    related={"macie2.session": ("discovery", "administrator"), "s3.bucket": ("name",)},
    others={"macie2.session": ("configuration", "accounts")},
    container="arn:{p}:macie2:{r}:{a}:session",
    statements=("S10",),
    quote="assists in discovering and securing personal data that is stored in Amazon S3",
    frameworks=security_hub.map_requirements("Macie.2", own={"PCI DSS 4.0.1": ("A3.2.5.1",)}),
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
    discovery = _read_discovery(resource).upper()
    if discovery == "ENABLED":
        return passed("Macie's automated discovery is on in this region.")
    if discovery == "DISABLED":
        return failed("Macie's automated discovery is off in this region, where buckets hold Systems Manager data.")
    return unknown(f"Macie answered with a status of discovery that is not known: {discovery}.")


def _read_discovery(resource: ResourceView) -> str:
    """The status for this account, as it was told, or else its administrator. GapError if it is unknown."""
    session = resource.look_up("macie2.session", resource.arn)
    if session is None:
        raise GapError(make_unread_gap("macie2.session", resource.region))
    try:
        return str(session["discovery"])
    except GapError as error:
        owner = _read_administrator(session, error)
        if owner is None:
            raise
    theirs = resource.arn.replace(f":{resource.account}:", f":{owner}:")
    administered = resource.look_up_other(owner, "macie2.session", theirs, resource.region)
    if str(administered["configuration"]).upper() == "DISABLED":
        return "DISABLED"  # for the organization, and so for every account of it
    accounts = administered["accounts"]
    if resource.account not in accounts:
        reason = f"The Macie administrator {owner} doesn't list this account, so its automated discovery is not known."
        raise GapError(make_unread_gap("macie2.session", resource.region), reason=reason)
    return str(accounts[resource.account])


def _read_administrator(session: ResourceView, refused: GapError) -> str | None:
    """The account that may tell the status, which was refused here. If that is unknown too, both calls are to blame."""
    try:
        owner = session["administrator"]
    except GapError as error:
        raise GapError(*dict.fromkeys((*refused.gaps, *error.gaps))) from error
    return None if owner is None else str(owner)


def fix(resource: ResourceView) -> fixes.FixEffects:
    return (fixes.set_facts(resource, discovery="ENABLED"),)


ARN = "arn:aws:macie2:eu-west-1:111122223333:session"
ADMINISTRATOR = "999900001111"
ADMINISTRATOR_READ = {ADMINISTRATOR: "2026-03-01T12:00:00+00:00"}
BUCKETS = {"arn:aws:s3:::logs": {"name": "logs"}}


def _case(name: str, verdict: Verdict, discovery: object = "ENABLED", **more: Any) -> Case:
    """more: what differs from a standalone account with Macie, discovery and a bucket."""
    facts = {
        "status": more.get("status", "ENABLED"),
        "supported": more.get("supported", True),
        "discovery": discovery,
        "administrator": more.get("administrator"),
    }
    return Case(
        name,
        verdict,
        facts,
        related={"macie2.session": {ARN: facts}, "s3.bucket": BUCKETS if more.get("buckets", True) else {}},
        related_gaps=("s3.bucket",) if more.get("refused") else (),
        arn=ARN,
        context=more.get("context", {}),
        reason_has=more.get("reason_has", ""),
    )


def _administered_case(name: str, verdict: Verdict, told: object, reason_has: str = "", **context: Any) -> Case:
    """A member that AWS tells nothing. told: the statuses by account, as its administrator was told; None: it is off
    for the organization."""
    evidence = Evidence("others", "eu-west-1", types=("macie2.session",))
    facts: dict[str, Any] = {
        "configuration": "DISABLED" if told is None else "ENABLED",
        "accounts": {} if told is None else told,
    }
    evidence.add("macie2.session", ARN.replace("111122223333", ADMINISTRATOR), **facts)
    known = {"accounts": frozenset({ADMINISTRATOR}), "others": {ADMINISTRATOR: (evidence,)}, **context}
    return _case(name, verdict, GAP, administrator=ADMINISTRATOR, reason_has=reason_has, context=known)


def _make_refusal(operation: str) -> Gap:
    return Gap(GapKind.DENIED, f"macie2.{operation}", f"macie2:{operation}", "eu-west-1", "AccessDeniedException")


CASES = [
    _case("on", Verdict.PASS),
    _case("off", Verdict.FAIL, "DISABLED"),
    _case("a member, on", Verdict.PASS, administrator=ADMINISTRATOR),
    _case("a member, off", Verdict.FAIL, "DISABLED", administrator=ADMINISTRATOR),
    _administered_case("a member, on as its administrator is told", Verdict.PASS, {"111122223333": "ENABLED"}),
    _administered_case("a member, off as its administrator is told", Verdict.FAIL, {"111122223333": "DISABLED"}),
    _administered_case("a member, off for the organization", Verdict.FAIL, None),
    _administered_case("a member that its administrator doesn't list", Verdict.UNKNOWN, {}, reason_has="doesn't list"),
    _administered_case("a member whose administrator is refused the list", Verdict.UNKNOWN, GAP),
    _administered_case(
        "a member, its administrator not read",
        Verdict.UNKNOWN,
        {"111122223333": "ENABLED"},
        reason_has="2026-03-01",
        not_read=ADMINISTRATOR_READ,
    ),
    _administered_case(
        "a member, its administrator left out of the scan",
        Verdict.UNKNOWN,
        {"111122223333": "ENABLED"},
        reason_has="not part",
        left_out=ADMINISTRATOR_READ,
    ),
    _administered_case(
        "a member, its administrator outside the organization", Verdict.UNKNOWN, {}, "not in the", accounts=frozenset()
    ),
    _case("Macie is off", Verdict.NOT_APPLICABLE, GAP, status="DISABLED"),
    _case("Macie is paused", Verdict.NOT_APPLICABLE, GAP, status="PAUSED"),
    _case("not offered", Verdict.NOT_APPLICABLE, GAP, status=GAP, supported=False),
    _case("off, but no bucket", Verdict.NOT_APPLICABLE, "DISABLED", buckets=False),
    _case("refused, and no administrator", Verdict.UNKNOWN, GAP),
    _case(
        "refused, and the administrator too",
        Verdict.UNKNOWN,
        _make_refusal("GetAutomatedDiscoveryConfiguration"),
        administrator=_make_refusal("GetAdministratorAccount"),
        reason_has="macie2.GetAutomatedDiscoveryConfiguration in eu-west-1 was denied",
    ),
    _case(
        "both refused, the administrator's call is told too",
        Verdict.UNKNOWN,
        GAP,
        administrator=_make_refusal("GetAdministratorAccount"),
        reason_has="macie2.GetAdministratorAccount in eu-west-1 was denied",
    ),
    _case("the session has a status that this version doesn't know", Verdict.UNKNOWN, "DISABLED", status="RESTING"),
    _case("the session was refused", Verdict.UNKNOWN, GAP, status=GAP),
    _case("off, buckets not fully known", Verdict.UNKNOWN, "DISABLED", buckets=False, refused=True),
    _case("a new status", Verdict.UNKNOWN, "SOMETIMES"),
]
