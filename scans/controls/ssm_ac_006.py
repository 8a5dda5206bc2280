"""IAM users must get their permissions from groups or roles, not from policies of their own.

A policy that is attached to one user is forgotten when the person changes jobs, and no review of groups finds it.

**What is judged.** Every IAM user (`iam.GetAccountAuthorizationDetails`): a user with an attached policy or an inline
policy fails.

**Unknown** when the user's policies could not be read, and none that was read fails.

**Limits.** Groups and roles are no subject of this control. What the policies allow is judged by the other controls
of this group.

**Source of the facts.** IAM API reference,
[GetAccountAuthorizationDetails](https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html);
Security Hub user guide, [IAM.2](https://docs.aws.amazon.com/securityhub/latest/userguide/iam-controls.html#iam-2).
"""

from __future__ import annotations

from typing import Any

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
    passed,
)

CONTROL = Control(
    id="SSM-AC-006",
    file="ssm_ac_006",
    title="Users have no policies of their own",
    severity=Severity.LOW,
    scope=ControlScope.GLOBAL,
    facts={"iam.principal": ("kind", "attached")},
    related={"iam.inline": ("policies",)},
    container="arn:{p}:iam::{a}:user/*",
    statements=("S5",),
    quote="each user is given only the permissions necessary to fulfill their job duties",
    source="https://docs.aws.amazon.com/securityhub/latest/userguide/iam-controls.html#iam-2",
    frameworks=security_hub.map_requirements("IAM.2"),
    empty_reason="The account has no IAM users.",
    remediation=Remediation(
        summary="Attach the policy to a group, put the user into it, then detach or delete the user's own. A program "
        "gets a role instead of a user.",
        cli="aws iam attach-group-policy --group-name GROUP --policy-arn POLICY_ARN\n"
        "aws iam add-user-to-group --group-name GROUP --user-name {name}\n"
        "aws iam detach-user-policy --user-name {name} --policy-arn POLICY_ARN\n"
        "aws iam delete-user-policy --user-name {name} --policy-name POLICY_NAME",
        code='resource "aws_iam_user_group_membership" "user" {\n  user   = "{name}"\n'
        "  groups = [aws_iam_group.team.name]\n}",
    ),
)


def evaluate(resource: ResourceView) -> Outcome | None:
    if resource["kind"] != "user":
        return None
    # The attached ones first: a gap in the inline ones must not hide them.
    if attached := resource["attached"]:
        return failed(f"The user has policies attached: {', '.join(arn.rpartition('/')[2] for arn in attached)}.")
    inline = resource.look_up("iam.inline", resource.arn)
    if inline is not None and inline["policies"]:
        named = ", ".join(str(policy["name"]) for policy in inline["policies"])
        return failed(f"The user has inline policies: {named}.")
    return passed("The user has no policies of its own.")


def fix(resource: ResourceView) -> fixes.FixEffects:
    """Move the policies to a group."""
    inline = resource.look_up("iam.inline", resource.arn)
    detached = fixes.set_facts(resource, attached=[])
    return (detached,) if inline is None else (detached, fixes.set_facts(inline, policies=[]))


USER = "arn:aws:iam::111122223333:user/ann"


def _case(
    name: str, verdict: Verdict | None, attached: Any, inline: Any = None, kind: str = "user", **more: Any
) -> Case:
    related = {"iam.inline": {} if inline is None else {USER: {"policies": inline}}}
    facts = {"kind": kind, "attached": attached}
    return Case(name, verdict, facts, arn=USER, region="global", related=related, **more)


CASES = [
    _case("no policies", Verdict.PASS, []),
    _case("an empty list of inline policies", Verdict.PASS, [], []),
    _case("an attached policy", Verdict.FAIL, ["arn:aws:iam::aws:policy/ReadOnlyAccess"], reason_has="ReadOnlyAccess"),
    _case("an inline policy", Verdict.FAIL, [], [{"name": "mine"}], reason_has="mine"),
    _case("attached, and the inline ones refused", Verdict.FAIL, ["arn:x/y"], GAP),
    _case("a group", None, ["arn:aws:iam::aws:policy/ReadOnlyAccess"], kind="group"),
    _case("a role", None, [], kind="role"),
    _case("the attached ones were refused", Verdict.UNKNOWN, GAP),
    _case("the inline ones were refused", Verdict.UNKNOWN, [], GAP),
    _case("the list of inline ones is incomplete", Verdict.UNKNOWN, [], related_gaps=("iam.inline",)),
]
