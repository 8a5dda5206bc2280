"""The root user must have no access key.

A root access key works from anywhere, without a second factor, for everything in the account. No policy of the
account can limit it. Nothing in AWS needs one.

**What is judged.** `AccountAccessKeysPresent` of `iam.GetAccountSummary`, once per account. An
inactive key counts, too, because it can be activated again.

**Unknown** when the summary could not be read.

**Limits.** The summary says how many keys there are, not when they were last used.

The root user of an AWS GovCloud (US) account can't sign in to the console and has access keys only on request; they are
judged like those of any other.

**Source of the facts.** IAM API reference,
[GetAccountSummary](https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountSummary.html);
[GovCloud user guide, account root user](https://docs.aws.amazon.com/govcloud-us/latest/UserGuide/govcloud-account-root-user.html).
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
    passed,
)

CONTROL = Control(
    id="SSM-ID-003",
    file="ssm_id_003",
    title="The root user has no access key",
    severity=Severity.CRITICAL,
    scope=ControlScope.GLOBAL,
    facts={"iam.root": ("access_keys",)},
    container="arn:{p}:iam::{a}:root",
    statements=("S3",),
    quote="protect AWS account credentials",
    frameworks=security_hub.map_requirements("IAM.4"),
    remediation=Remediation(
        summary="Find what uses the key (CloudTrail, user type Root), move it to a role, then sign in as the root "
        "user of the account and delete the key. Where root access is managed centrally, the management "
        "account can delete it; the commands below open such a session and then, inside it, list and delete.",
        cli="aws sts assume-root --target-principal {account} "
        "--task-policy-arn arn=arn:{partition}:iam::aws:policy/root-task/IAMDeleteRootUserCredentials\n"
        "aws iam list-access-keys\n"
        "aws iam delete-access-key --access-key-id ACCESS_KEY_ID",
    ),
)


def evaluate(resource: ResourceView) -> Outcome:
    count = resource["access_keys"]
    if count > 0:
        return failed(f"The root user has {count} access key{'s' if count > 1 else ''}.")
    return passed("The root user has no access key.")


def fix(resource: ResourceView) -> fixes.FixEffects:
    return (fixes.set_facts(resource, access_keys=0),)


CASES = [
    Case("no key", Verdict.PASS, {"access_keys": 0}, region="global"),
    Case("one key", Verdict.FAIL, {"access_keys": 1}, region="global", reason_has="1 access key."),
    Case("two keys", Verdict.FAIL, {"access_keys": 2}, region="global", reason_has="2 access keys."),
    Case("one key in GovCloud", Verdict.FAIL, {"access_keys": 1}, region="global", context={"partition": "aws-us-gov"}),
    Case("the summary was refused", Verdict.UNKNOWN, {"access_keys": GAP}, region="global"),
]
