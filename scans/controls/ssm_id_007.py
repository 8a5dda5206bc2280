"""A user must not have two active access keys.

A second key is there to replace the first one. Where both stay active, there is twice as much to steal, and the misuse
of a forgotten key goes unnoticed.

**What is judged.** Each IAM user's row in the credential report (`iam.GetCredentialReport`): a user with two active
access keys fails.

**Not applicable** for a user without an active access key.

**Unknown** when the report could not be read.

**Limits.** AWS keeps a report for up to four hours. During a rotation both keys are active for a while, and this
control fails until the old one is deactivated.

**Source of the facts.** IAM user guide,
[credential reports](https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html) and
[updating access keys](https://docs.aws.amazon.com/IAM/latest/UserGuide/id-credentials-access-keys-update.html).
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
    not_applicable,
    passed,
)

CONTROL = Control(
    id="SSM-ID-007",
    file="ssm_id_007",
    title="Users have one active access key",
    severity=Severity.MEDIUM,
    scope=ControlScope.GLOBAL,
    facts={"iam.user": ("keys",)},
    container="arn:{p}:iam::{a}:user/*",
    statements=("S3",),
    quote="protect AWS account credentials",
    source="https://docs.aws.amazon.com/IAM/latest/UserGuide/id-credentials-access-keys-update.html",
    frameworks=security_hub.map_requirements(own={"CIS v3.0": ("1.13",), "CIS v5.0": ("1.12",)}),
    empty_reason="The account has no IAM users.",
    remediation=Remediation(
        summary="Find out which key is in use (the report says when each was last used), move its callers to one key, "
        "deactivate the other, and delete it if nothing fails.",
        cli="aws iam list-access-keys --user-name {name}\n"
        "aws iam update-access-key --user-name {name} --access-key-id ACCESS_KEY_ID --status Inactive\n"
        "aws iam delete-access-key --user-name {name} --access-key-id ACCESS_KEY_ID",
    ),
)


def evaluate(resource: ResourceView) -> Outcome:
    active = sum(1 for key in resource["keys"] if key["active"])
    if active > 1:
        return failed(f"The user has {active} active access keys.")
    if not active:
        return not_applicable("The user has no active access key.")
    return passed("The user has one active access key.")


def fix(resource: ResourceView) -> fixes.FixEffects:
    """Deactivate all but the newest key."""
    newest = max(range(len(resource["keys"])), key=lambda at: str(resource["keys"][at]["last_rotated"] or ""))
    keys = [{**key, "active": key["active"] and at == newest} for at, key in enumerate(resource["keys"])]
    return (fixes.set_facts(resource, keys=keys),)


def _case(name: str, verdict: Verdict, *active: bool) -> Case:
    keys: Any = [{"active": each, "last_rotated": None, "last_used": None} for each in active]
    return Case(name, verdict, {"keys": keys}, region="global")


CASES = [
    _case("one key", Verdict.PASS, True),
    _case("one of two keys", Verdict.PASS, False, True),
    _case("two keys", Verdict.FAIL, True, True),
    _case("no key", Verdict.NOT_APPLICABLE),
    _case("no active key", Verdict.NOT_APPLICABLE, False, False),
    Case("the report was refused", Verdict.UNKNOWN, {"keys": GAP}, region="global"),
]
