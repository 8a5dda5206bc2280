"""Parameters that are shared with other accounts must stay inside the organization.

The principals that a parameter is shared with can read it, and can still read it after its value has changed.

**What is judged.** Each parameter of this account that AWS RAM shares (`ram.ListResources`), and the principals it is
shared with (`ram.ListPrincipals`): accounts of the organization, the organization itself and its OUs are inside; any
other account, role, user or organization fails.

**Not applicable** where no parameter is shared.

**Unknown** when the shares or their principals could not be read, when AWS doesn't say through which share the
parameter is shared, when it can't be determined which organization a principal belongs to (an AWS service), or when
the organization is unknown.

**Limits.** A share that was offered to an account outside the organization and not yet accepted counts. Only advanced
parameters can be shared.

**Source of the facts.** RAM API reference,
[ListResources](https://docs.aws.amazon.com/ram/latest/APIReference/API_ListResources.html) and
[ListPrincipals](https://docs.aws.amazon.com/ram/latest/APIReference/API_ListPrincipals.html); Systems Manager user
guide,
[shared parameters](https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-shared-parameters.html);
RAM API reference, Resource (https://docs.aws.amazon.com/ram/latest/APIReference/API_Resource.html).
"""

from __future__ import annotations

import re
from typing import Any

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
    passed,
    unknown,
)

ACCOUNT = re.compile(r"\d{12}")
ORGANIZATION = re.compile(r"arn:[a-z-]+:organizations::\d{12}:(?:organization|ou)/(o-[a-z0-9]+)(?:/.*)?")

CONTROL = Control(
    id="SSM-PS-005",
    file="ssm_ps_005",
    title="Shared parameters stay inside the organization",
    severity=Severity.MEDIUM,
    scope=ControlScope.REGION,
    version=2,  # 2: the principals of a share that AWS didn't name are unknown
    facts={"ram.parameter_share": ("principals", "shares")},
    container="arn:{p}:ssm:{r}:{a}:parameter/*",
    statements=("S17",),
    quote="Restricting access to Systems Manager parameters using IAM policies",
    frameworks={},
    empty_reason="No parameter of this region is shared.",
    remediation=Remediation(
        summary="Remove the outside principal from the resource share, and restrict the share to principals of the "
        "organization. Then rotate the value: it was readable outside.",
        cli="aws ram list-principals --region {region} --resource-owner SELF --resource-arn {arn}\n"
        "aws ram disassociate-resource-share --region {region} --resource-share-arn SHARE_ARN --principals PRINCIPAL\n"
        "aws ram update-resource-share --region {region} --resource-share-arn SHARE_ARN --no-allow-external-principals",
        code='resource "aws_ram_resource_share" "this" {\n  name                      = "parameters"\n'
        "  allow_external_principals = false\n}\n\n"
        'resource "aws_ram_resource_association" "parameter" {\n  resource_arn       = "{arn}"\n'
        "  resource_share_arn = aws_ram_resource_share.this.arn\n}",
    ),
)


def evaluate(resource: ResourceView) -> Outcome:
    principals = resource["principals"]
    places = {who: _is_inside(resource, who) for who in principals}
    outside = [who for who, inside in places.items() if inside is False]
    # One outside principal is enough, even if others can't be attributed.
    if outside:
        return failed(f"The parameter is shared outside the organization, with {', '.join(outside)}.")
    unsure = [who for who, inside in places.items() if inside is None]
    if unsure:
        return unknown(f"Whether these are inside the organization can't be told: {', '.join(unsure)}.")
    if not resource["shares"]:
        return unknown("The parameter is shared, and AWS didn't say through which share.")
    if not principals:
        return passed("The parameter is in a share that has no principals.")
    return passed(f"The parameter is shared inside the organization only, with {len(principals)} principals.")


def fix(resource: ResourceView) -> fixes.FixEffects:
    inside = [who for who in resource["principals"] if _is_inside(resource, who) is not False]
    return (fixes.set_facts(resource, principals=inside),)


def _is_inside(resource: ResourceView, who: str) -> bool | None:
    """Whether a principal belongs to the organization; None if that is unknown."""
    context = resource.context
    named = ORGANIZATION.fullmatch(who)
    if named:
        return named.group(1) == context.organization if context.organization else None
    fields = who.split(":")
    account = fields[4] if len(fields) >= 6 else who
    # An AWS service, for example: its name shows no account.
    if not ACCOUNT.fullmatch(account):
        return None
    if account in context.accounts or account == context.account:
        return True
    return False if context.accounts else None


ORG = "arn:aws:organizations::111122223333:organization/o-example"
OU = "arn:aws:organizations::111122223333:ou/o-example/ou-abcd-12345678"
KNOWN = {"organization": "o-example", "accounts": frozenset({"111122223333", "444455556666"})}
ARN = "arn:aws:ssm:eu-west-1:111122223333:parameter/shared/value"


SHARES = ("arn:aws:ram:eu-west-1:111122223333:resource-share/1",)


def _case(
    name: str, verdict: Verdict, *principals: str, refused: bool = False, known: bool = True, shares: Any = SHARES
) -> Case:
    facts = {"principals": GAP if refused else list(principals), "shares": shares if shares is GAP else list(shares)}
    return Case(name, verdict, facts, context=KNOWN if known else {}, arn=ARN)


CASES = [
    _case("another account of the organization", Verdict.PASS, "444455556666"),
    _case("the organization and an OU of it", Verdict.PASS, ORG, OU),
    _case("a role of another account of the organization", Verdict.PASS, "arn:aws:iam::444455556666:role/reader"),
    _case("a share without principals", Verdict.PASS),
    _case("no share is named", Verdict.UNKNOWN, shares=()),
    _case("the share was left out of the answer", Verdict.UNKNOWN, refused=True, shares=GAP),
    _case("an account outside", Verdict.FAIL, "990000000042"),
    _case(
        "a role outside beside accounts of the organization",
        Verdict.FAIL,
        "444455556666",
        "arn:aws:iam::990000000042:role/reader",
    ),
    _case("another organization", Verdict.FAIL, "arn:aws:organizations::990000000042:organization/o-other"),
    _case("an organization whose id begins like the own one", Verdict.FAIL, ORG + "2"),
    _case("an OU of another organization", Verdict.FAIL, OU.replace("o-example", "o-other")),
    _case("a service", Verdict.UNKNOWN, "pipes.amazonaws.com"),
    _case("the principals were refused", Verdict.UNKNOWN, refused=True),
    _case("the organization isn't known", Verdict.UNKNOWN, ORG, known=False),
    _case("the accounts aren't known", Verdict.UNKNOWN, "444455556666", known=False),
]
