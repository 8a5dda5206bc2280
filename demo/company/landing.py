"""What AWS itself puts into accounts: roles of Organizations, Control Tower and others, and its managed policies."""

from __future__ import annotations

from typing import Any

from demo.company import identity
from demo.company.builder import Place, document
from demo.company.constants import (
    ADMINISTRATOR_ACCESS,
    HOST_POLICY,
    IAM_FULL,
    NODE_CORE,
    OUTSIDE,
    POWER_USER,
    READ_ONLY,
    SERVICE_LINKED_POLICY,
)
from demo.company.model import FAIL, NOT_APPLICABLE, PASS, UNKNOWN, Account

SIGN_IN = {"StringEquals": {"SAML:aud": "https://signin.aws.amazon.com/saml"}}
STACK_SETS = (
    "role/aws-service-role/stacksets.cloudformation.amazonaws.com/AWSServiceRoleForCloudFormationStackSetsOrgAdmin"
)
PERMISSION_SETS = "/aws-reserved/sso.amazonaws.com/eu-west-1/"
# What each of AWS's policies fails.
BROAD = {
    ADMINISTRATOR_ACCESS: ("SSM-AC-001", "SSM-AC-002", "SSM-AC-003", "SSM-AC-004"),
    HOST_POLICY: (),
    READ_ONLY: (),
    NODE_CORE: ("SSM-AC-002",),
    POWER_USER: ("SSM-AC-002", "SSM-AC-003", "SSM-AC-004", "SSM-AC-007"),
    IAM_FULL: ("SSM-AC-008",),
}


def settle(place: Place) -> None:
    """Once the principals of the account are planned: AWS's roles, then the verdicts on AWS's policies."""
    if place.account is not place.plan.management:
        _organization_role(place)
    match place.account.archetype:
        case "healthy" | "heavy":
            _landing_zone(place)
        case "average" | "guarded":
            identity.role(place, "shop-node", attached=(NODE_CORE,))
            _permission_set(place, "Developers", POWER_USER)
    _judge_aws_policies(place)
    _judge_account(place)


def _organization_role(place: Place) -> None:
    """Organizations makes it with each account. In sloppy ones a stranger was let in later."""
    trusted = OUTSIDE if place.account.archetype == "sloppy" else place.plan.management.id
    verdict = FAIL if trusted == OUTSIDE else PASS
    everything = {"AdministratorAccess": document({"Effect": "Allow", "Action": "*", "Resource": "*"})}
    identity.role(
        place,
        "OrganizationAccountAccessRole",
        trust=_trust({"AWS": f"arn:aws:iam::{trusted}:root"}),
        inline=everything,
        expects=identity.everything(verdict),
    )


def _landing_zone(place: Place) -> None:
    management = place.plan.management.id
    admin = {"attached": (ADMINISTRATOR_ACCESS,)}
    identity.role(place, "AWSControlTowerExecution", trust=_trust({"AWS": f"arn:aws:iam::{management}:root"}), **admin)
    stacks = _trust({"AWS": f"arn:aws:iam::{management}:{STACK_SETS}"})
    identity.role(place, "stacksets-exec-0f1e2d3c4b5a69788796a5b4c3d2e1f0", trust=stacks, **admin)
    _permission_set(place, "AdministratorAccess", ADMINISTRATOR_ACCESS)
    identity.role(
        place,
        "AWSServiceRoleForAmazonSSM",
        path="/aws-service-role/ssm.amazonaws.com/",
        service="ssm.amazonaws.com",
        attached=(SERVICE_LINKED_POLICY,),
    )


def _permission_set(place: Place, name: str, policy: str) -> None:
    provider = place.arn("iam", "saml-provider/AWSSSO_0123456789abcdef_DO_NOT_DELETE")
    trust = _trust({"Federated": provider}, ["sts:AssumeRoleWithSAML", "sts:TagSession"], Condition=SIGN_IN)
    identity.role(
        place, f"AWSReservedSSO_{name}_0123456789abcdef", path=PERMISSION_SETS, trust=trust, attached=(policy,)
    )


def _trust(principal: dict[str, str], action: Any = "sts:AssumeRole", **more: Any) -> dict[str, Any]:
    return document({"Effect": "Allow", "Principal": principal, "Action": action, **more})


def _judge_aws_policies(place: Place) -> None:
    """One verdict for each policy of AWS's, however many principals have it. Service-linked roles aren't judged."""
    account = place.account
    held: dict[str, list[str]] = {}
    for kind in ("user", "group", "role"):
        for thing in account.of(kind):
            for arn in thing.data["attached"]:
                held.setdefault(arn, []).append(thing.data["name"])
    for arn, broad in BROAD.items():
        if arn in held:
            place.add("expect", arn, {}, _verdicts(account, arn, broad, held[arn]))


def _verdicts(account: Account, arn: str, broad: tuple[str, ...], held: list[str]) -> dict[str, str]:
    if arn == ADMINISTRATOR_ACCESS:
        # Planned so that AWS's roles alone have it, or none of them.
        return identity.everything(PASS if "AWSControlTowerExecution" in held else FAIL)
    if arn == NODE_CORE and "iam:GetPolicyVersion" in account.denied:
        return dict.fromkeys(identity.POLICY_CONTROLS, UNKNOWN)
    return {control: FAIL if control in broad else PASS for control in identity.POLICY_CONTROLS}


def _judge_account(place: Place) -> None:
    """The password policy, and the names of all users, groups, roles and policies."""
    account = place.account
    asked = [thing.data["minimum_password_length"] for thing in account.of("password_policy")]
    people = any(user.data["password"] is not None for user in account.of("user"))
    verdict = PASS if asked == [identity.STRONG_LENGTH] else FAIL if people else NOT_APPLICABLE
    place.add("expect", place.arn("iam", "password-policy"), {}, {"SSM-ID-009": verdict})
    personal = any("@" in role.data["name"] for role in account.of("role"))
    place.add("expect", place.arn("iam", "*"), {}, {"SSM-ID-011": FAIL if personal else PASS})
