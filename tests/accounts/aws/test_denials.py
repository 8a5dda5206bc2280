"""E: AWS's message names the type of policy that denied a call. All wordings of AWS's guide, and what names no type."""

from __future__ import annotations

import pytest

from accounts.aws.denials import KINDS_BY_WORDS, find_denial_kind
from accounts.aws.gap_kinds import GapKind

USER = "User: arn:aws:sts::111122223333:assumed-role/TutelaScan/s is not authorized to perform: kms:GetKeyPolicy"
ON = f"{USER} on resource: arn:aws:kms:eu-west-1:111122223333:key/1"
NAMES = {
    "a service control policy": GapKind.DENIED_BY_SCP,
    "a resource control policy": GapKind.DENIED_BY_RCP,
    "a resource-based policy": GapKind.DENIED_BY_RESOURCE_POLICY,
    "a VPC endpoint policy": GapKind.DENIED_BY_ENDPOINT_POLICY,
    "a permissions boundary": GapKind.DENIED_BY_BOUNDARY,
    "a session policy": GapKind.DENIED_BY_SESSION_POLICY,
    "a sessions policy": GapKind.DENIED_BY_SESSION_POLICY,
    "the role trust policy": GapKind.DENIED_BY_TRUST_POLICY,
    "an identity-based policy": GapKind.DENIED_BY_IDENTITY_POLICY,
}
ARNS = ["", ": arn:aws:organizations::987654321098:policy/o-qv5af4abcd/service_control_policy/p-2kgnabcd"]


@pytest.mark.parametrize(("name", "kind"), NAMES.items())
@pytest.mark.parametrize("head", [USER, ON, f"You are not authorized to perform this operation. {ON}"])
@pytest.mark.parametrize("tail", [*ARNS, ". Encoded authorization failure message: 9vT-bc4NzgUX_session"])
def test_explicit_deny_names_its_policy(name: str, kind: GapKind, head: str, tail: str) -> None:
    assert find_denial_kind(f"{head} with an explicit deny in {name}{tail}") is kind


@pytest.mark.parametrize(("name", "kind"), NAMES.items())
def test_missing_allow_names_its_policy(name: str, kind: GapKind) -> None:
    words = name.split(" ", 1)[1]
    said = find_denial_kind(f"{ON} because no {words} allows the kms:GetKeyPolicy action")
    # A policy of the role that lacks the action is what the general advice is about.
    assert said is (GapKind.DENIED if kind is GapKind.DENIED_BY_IDENTITY_POLICY else kind)


def test_every_kind_of_denial_by_policy_has_words() -> None:
    by_policy = {kind for kind in GapKind if kind.startswith("denied_by")}
    assert set(KINDS_BY_WORDS.values()) == by_policy == set(NAMES.values())


def test_transitive_denial_names_the_policy_behind() -> None:
    message = f"{ON} with an explicit deny in a VPC endpoint policy transitively through a service control policy"
    assert find_denial_kind(message) is GapKind.DENIED_BY_SCP


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        (f"{USER} with an\nexplicit deny\n  in a resource control\npolicy", GapKind.DENIED_BY_RCP),
        ("Access denied: explicitly denied by a Resource Control Policy.", GapKind.DENIED_BY_RCP),
        ("This is blocked by service control policies of your organization.", GapKind.DENIED_BY_SCP),
        ("Your VPC endpoint policy doesn't allow this.", GapKind.DENIED_BY_ENDPOINT_POLICY),
    ],
)
def test_other_wordings_of_services(message: str, kind: GapKind) -> None:
    assert find_denial_kind(message) is kind


def test_kms_says_one_of_three() -> None:
    message = (
        f"{USER} on this resource because the resource does not exist in this Region, no resource-based policies allow "
        "access, or a resource-based policy explicitly denies access"
    )
    assert find_denial_kind(message) is GapKind.DENIED_OR_MISSING


@pytest.mark.parametrize(
    "message",
    [
        "",
        "Access Denied",
        "no",
        USER,
        f"{ON} with an explicit deny",
        "You are not authorized to perform this operation. Encoded authorization failure message: scp_session_policy",
        "You don't have permissions to access this resource.",
        "No identity-based policy or resource-based policy or session policy allows it.",
        f"{USER} on resource: arn:aws:ssm:eu-west-1:111122223333:parameter/session/policy",
        f"{USER} because public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access.",
    ],
)
def test_message_without_a_type_says_nothing(message: str) -> None:
    assert find_denial_kind(message) is GapKind.DENIED
