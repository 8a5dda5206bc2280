"""Log groups with session history must have a customer key that works.

The history of a session is everything that somebody typed on a node and everything that came back,
passwords at prompts included. CloudWatch Logs always encrypts, by default with a key that AWS owns.
Under a customer key, reading the history takes a permission on the key as well, and you can cut it off.

**What is judged.** The log groups that this account's Session documents name (`cloudWatchLogGroupName`,
from `ssm.GetDocument`): each group's `kmsKeyId` from `logs.DescribeLogGroups`, and the key's state, usage and kind from
`kms.DescribeKey`. No customer key fails; so does a customer key that is disabled, about to be deleted,
gone, not a symmetric encryption key, or in another region: then the group can be neither written nor read.

**Not applicable** where no group takes session history. Whether sessions are logged at all is asked by
SSM-SM-002.

**Unknown** when the groups could not be listed or the key could not be described.

**Limits.** The key covers what is written after it was set. A setting that names a group which doesn't
exist is not judged here: there is no group to encrypt.

**Source of the facts.** CloudWatch Logs user guide, encrypting log data with KMS
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html); CloudWatch Logs API
reference, DescribeLogGroups; KMS API reference, KeyMetadata
(https://docs.aws.amazon.com/kms/latest/APIReference/API_KeyMetadata.html).
"""

from __future__ import annotations

from typing import Any

from scans.controls.lib import fixes
from scans.controls.lib.judgements import KEY_RELATED, LOG_GROUP_FACTS, USABLE_KEY_FACTS, judge_log_group
from scans.domain.control import GAP, Case, Control, ControlScope, Outcome, Remediation, ResourceView, Severity, Verdict

CONTROL = Control(
    id="SSM-LG-003",
    file="ssm_lg_003",
    title="Session history is logged under a customer key",
    severity=Severity.HIGH,
    scope=ControlScope.REGION,
    version=2,  # 2: a key that can't encrypt, or lies in another region, is no key that works
    facts={"logs.group": LOG_GROUP_FACTS},
    related=KEY_RELATED,
    container="arn:{p}:logs:{r}:{a}:log-group:*",
    statements=("S19",),
    quote="Session Manager session history logs",
    frameworks={"NIST 800-53 r5": ("SC-28(1)", "AU-9(3)"), "PCI DSS 4.0": ("3.5.1",)},
    empty_reason="No log group in this region takes session history.",
    remediation=Remediation(
        summary="In the policy of a customer managed key of this region, let logs.REGION.amazonaws.com use the key "
        "(kms:Encrypt*, kms:Decrypt*, kms:ReEncrypt*, kms:GenerateDataKey*, kms:Describe*), then give it to the group. "
        "What is in the group already stays as it was.",
        cli="aws logs associate-kms-key --region {region} --log-group-name {name} --kms-key-id KEY_ARN",
        code='resource "aws_cloudwatch_log_group" "this" {\n  name       = "{name}"\n'
        "  kms_key_id = aws_kms_key.logs.arn\n}",
    ),
)


def evaluate(resource: ResourceView) -> Outcome | None:
    return judge_log_group(resource, "session")


def fix(resource: ResourceView) -> fixes.FixEffects:
    return fixes.use_customer_key(resource, "kms_key")


KEY = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
NAME = "/sessions/history"


def _case(name: str, verdict: Verdict | None, key: object, kinds: object = ("session",), **more: Any) -> Case:
    """more: state and found (of the key), refused (the keys), reason_has."""
    state = more.get("state")
    return Case(
        name,
        verdict,
        {"name": NAME, "kinds": list(kinds) if isinstance(kinds, tuple) else kinds, "kms_key": key},
        type="logs.group",
        related={
            "kms.reference": {KEY: {"state": state, **USABLE_KEY_FACTS, **more.get("found", {})}} if state else {}
        },
        related_gaps=("kms.reference",) if more.get("refused") else (),
        arn=f"arn:aws:logs:eu-west-1:111122223333:log-group:{NAME}",
        reason_has=more.get("reason_has", ""),
    )


CASES = [
    _case("a customer key", Verdict.PASS, KEY, state="Enabled"),
    _case("a group of several kinds", Verdict.PASS, KEY, ("run_command", "script", "session"), state="Enabled"),
    _case("no key is no customer key", Verdict.FAIL, None, reason_has="no customer key"),
    _case("a key that signs", Verdict.FAIL, KEY, state="Enabled", found={"usage": "SIGN_VERIFY", "spec": "RSA_2048"}),
    _case("a key in another region", Verdict.FAIL, KEY.replace("eu-west-1", "us-west-2"), state="Enabled"),
    _case("a key whose usage AWS left out", Verdict.UNKNOWN, KEY, state="Enabled", found={"usage": GAP}),
    _case("a disabled key", Verdict.FAIL, KEY, state="Disabled"),
    _case("a key that is gone", Verdict.FAIL, KEY, state="NotFound"),
    _case("a foreign key that may not be described", Verdict.UNKNOWN, KEY, state=GAP),
    _case("the keys were refused", Verdict.UNKNOWN, KEY, refused=True),
    _case("a key that nobody looked up", Verdict.UNKNOWN, KEY),
    _case("the groups were refused", Verdict.UNKNOWN, GAP, GAP),
    _case("a group of other data", None, None, ("agent",)),
]
