"""No name in IAM may hold personal or secret data.

The names of users, groups, roles and policies are in every record of CloudTrail and in each message that says that
access was denied. They aren't encrypted, and most of them can't be changed.

**What is judged.** The names and paths of all users, groups, roles and customer managed policies, and the names of
inline policies (`iam.GetAccountAuthorizationDetails`), once per account. Detectors look for personal data and secrets. Only the
position and the detector's name are kept, never the text: `user[3].name` is the fourth user by ARN.

The name of an IAM user may be an email address: it says who signs in, which is its purpose. An address in a path, or
in the name of a group, role or policy, counts.

**Unknown** when the names could not be listed completely, and none that was read fails.

**Limits.** Detectors look for known patterns; a person's name is not found.

**Source of the facts.** IAM user guide,
[IAM identifiers](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html).
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
)

USER_NAME = re.compile(r"user\[\d+\]\.name")
MAX_LISTED = 10

CONTROL = Control(
    id="SSM-ID-011",
    file="ssm_id_011",
    title="No personal or secret data in the names of IAM",
    severity=Severity.MEDIUM,
    scope=ControlScope.GLOBAL,
    version=2,  # 2: the names of inline policies, too
    facts={"iam.names": ("hits",)},
    container="arn:{p}:iam::{a}:*",
    statements=("S12", "S13"),
    quote="Any data that you enter into tags or free-form fields used for names may be used for billing or diagnostic "
    "logs.",
    source="https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html",
    remediation=Remediation(
        summary="Make the user, group, role or policy again under a name that means nothing outside the company, move "
        "its users, and delete the old one. Users and groups can be renamed. Rotate a secret that was in a name.",
        cli="aws iam get-account-authorization-details --filter User Group Role LocalManagedPolicy "
        "--query '[UserDetailList,GroupDetailList,RoleDetailList,Policies][].Arn'\n"
        "aws iam update-user --user-name NAME --new-user-name NEW_NAME\n"
        "aws iam update-group --group-name NAME --new-group-name NEW_NAME",
    ),
)


def evaluate(resource: ResourceView) -> Outcome:
    found = [f"{hit['field']} ({hit['detector']})" for hit in resource["hits"] if not _is_own_address(hit)]
    if found:
        more = f" and {len(found) - MAX_LISTED} more" if len(found) > MAX_LISTED else ""
        return failed(f"Looks personal or secret: {', '.join(sorted(found)[:MAX_LISTED])}{more}.")
    return passed("No name of a user, group, role or policy looks personal or secret.")


def _is_own_address(hit: dict[str, Any]) -> bool:
    return hit["detector"] == "email" and USER_NAME.fullmatch(hit["field"]) is not None


def fix(resource: ResourceView) -> fixes.FixEffects:
    return (fixes.set_facts(resource, hits=[]),)


def _case(name: str, verdict: Verdict, *hits: tuple[str, str], says: str = "") -> Case:
    facts = {"hits": [{"field": field, "detector": detector} for field, detector in hits]}
    return Case(name, verdict, facts, region="global", reason_has=says)


CASES = [
    _case("plain names", Verdict.PASS),
    _case("a user's own address", Verdict.PASS, ("user[2].name", "email")),
    _case("an address in a role's name", Verdict.FAIL, ("role[0].name", "email"), says="role[0].name (email)"),
    _case("an address in a path", Verdict.FAIL, ("user[0].path", "email")),
    _case("an address in an inline policy's name", Verdict.FAIL, ("inline_policy[0].name", "email")),
    _case("a key in a user's name", Verdict.FAIL, ("user[1].name", "aws_access_key")),
    Case("the names were refused", Verdict.UNKNOWN, {"hits": GAP}, region="global"),
]
