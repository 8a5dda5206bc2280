"""Every enabled region must be readable by the scan role.

Many organizations deny the regions that they don't use by a service control policy, as the region deny of AWS
Control Tower does. The policy stops new things, but what was made in such a region before it may still be there,
and neither the company nor a scan sees it.

**What is judged.** What became of the calls that a scan makes in each enabled region. A region passes if AWS answered
calls with what was asked for. A region is denied if a service control policy, the permissions boundary of the scan
role or a Deny in its policies refused calls of several services there, and few other services answered: such policies
leave some out (IAM, KMS, CloudTrail's event history and others that a company adds), but not Systems Manager.

**Unknown** for a denied region, which is what this control is for: there is one finding for all denied regions of an
account. The other controls say nothing of a denied region, except of a resource there that a setting
elsewhere names. A partition has one region in which AWS answers for the whole account (`us-east-1`): where that is denied,
they say nothing of what was refused there for the account, such as the list of its trails. What the policy leaves out,
as most do with IAM, is judged. Findings of the region from before the policy stay open. Also unknown where the calls were
refused or failed for other reasons, which the other controls tell one by one.

The same holds of a region in which AWS refused calls of several services because it is not enabled for the account, and
answered no others. AWS lists a region as one that is being enabled for up to some hours.

**To be done.** Where the region is being enabled, scan the account again later. Otherwise an administrator exempts the
scan role in the policy, disables the region in the account if it can be disabled, or grants one exception for this
control and an account, an OU or a tag.

**Limits.** Whether something is in a denied region can't be known from outside of it. Where a scan leaves out the region
that answers for the whole account, what is refused there is unknown once for every control.

**Source of the facts.** AWS Control Tower, [Region deny
control](https://docs.aws.amazon.com/controltower/latest/controlreference/primary-region-deny-policy.html); AWS
Organizations, [examples of service control
policies](https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_examples_general.html);
IAM user guide, [access denied error
messages](https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html).
"""

from __future__ import annotations

from dataclasses import replace

from accounts.aws.gaps import REGION_API, REGION_DENIED, Gap, GapError, GapKind
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
    passed,
)
from scans.domain.region_access import HOME_REGIONS

CONTROL = Control(
    id="SSM-RD-001",
    file="ssm_rd_001",
    title="Every enabled region can be read",
    severity=Severity.LOW,
    scope=ControlScope.REGION,
    # 2: a denied region that answers for the whole account tells of what was refused for the account, too. One unknown
    # for a region that AWS is still enabling.
    version=2,
    one_per_account=Verdict.UNKNOWN,
    facts={"account.region": ("access", "refused")},
    container="arn:{p}:account:{r}:{a}:regions",
    source="https://docs.aws.amazon.com/controltower/latest/controlreference/primary-region-deny-policy.html",
    remediation=Remediation(
        summary="Exempt the scan role in the service control policy that denies the region, or disable the region in "
        "the account. The first command lists the policies, from the management account. Regions that are enabled by "
        "default can't be disabled.",
        cli="aws organizations list-policies-for-target --target-id {account} --filter SERVICE_CONTROL_POLICY\n"
        "aws account disable-region --region-name {region}",
        code="# In the policy's statement that denies the region:\n"
        "condition {\n"
        '  test     = "ArnNotLike"\n'
        '  variable = "aws:PrincipalArn"\n'
        '  values   = ["arn:{partition}:iam::*:role/NAME_OF_THE_SCAN_ROLE"]\n'
        "}",
    ),
)


# Kind of the denial -> the policy, and how to change it.
POLICIES = {
    GapKind.DENIED_BY_SCP: ("A service control policy", "Exempt the scan role in that policy"),
    GapKind.DENIED_BY_RCP: ("A resource control policy", "Exempt the scan role in that policy"),
    GapKind.DENIED_BY_BOUNDARY: ("The permissions boundary of the scan role", "Allow the region in the boundary"),
    GapKind.DENIED_BY_IDENTITY_POLICY: ("A policy of the scan role", "Remove the Deny from that policy"),
}


def evaluate(resource: ResourceView) -> Outcome:
    try:
        resource["access"]
    except GapError as error:
        if any(gap.code == REGION_DENIED for gap in error.gaps):
            raise GapError(*error.gaps, reason=_describe_refusal(resource, error.gaps[0].kind)) from error
        raise
    return passed("AWS answered the scan's calls in this region.")


def _describe_refusal(resource: ResourceView, kind: GapKind) -> str:
    services = ", ".join(resource["refused"])
    if kind is GapKind.NOT_OPTED_IN:
        return (
            f"AWS has not enabled the region for the account yet, so what is there is not known ({services} were "
            "refused). Scan the account again later."
        )
    policy, change = POLICIES.get(kind, POLICIES[GapKind.DENIED_BY_SCP])
    home = " AWS answers there for the whole account too, so what these services would list of it isn't known either."
    return (
        f"{policy} denies the whole region, so what is there is not known ({services} were refused)."
        f"{home if resource.region in HOME_REGIONS else ''} "
        f"{change}, disable the region, or accept this for the account."
    )


DENIED = Gap(GapKind.DENIED_BY_SCP, REGION_API, "", "eu-west-1", REGION_DENIED)
CASES = [
    Case("read", Verdict.PASS, {"access": "read", "refused": []}),
    Case("denied", Verdict.UNKNOWN, {"access": DENIED, "refused": ["ec2", "logs", "ssm"]}, reason_has="ec2, logs, ssm"),
    *(
        Case(
            f"denied by another policy: {kind}",
            Verdict.UNKNOWN,
            {"access": Gap(kind, REGION_API, "", "eu-west-1", REGION_DENIED), "refused": ["ec2", "logs", "ssm"]},
            reason_has=policy,
        )
        for kind, (policy, _) in POLICIES.items()
    ),
    Case(
        "denied where AWS answers for the whole account",
        Verdict.UNKNOWN,
        {"access": replace(DENIED, region="us-east-1"), "refused": ["cloudtrail", "ec2", "ssm"]},
        region="us-east-1",
        reason_has="for the whole account",
    ),
    Case(
        "being enabled",
        Verdict.UNKNOWN,
        {
            "access": Gap(GapKind.NOT_OPTED_IN, REGION_API, "", "me-central-1", REGION_DENIED),
            "refused": ["ec2", "logs", "ssm"],
        },
        reason_has="not enabled the region for the account yet",
    ),
    Case("refused for another reason", Verdict.UNKNOWN, {"access": GAP, "refused": []}, reason_has="was denied"),
    Case("not collected", Verdict.UNKNOWN, {}),
]
