"""No key that is in use may be pending deletion.

Deleting a key destroys everything that was ever encrypted with it: parameters, session logs, command
output. KMS waits 7 to 30 days before it deletes the key. During that time nothing under the key can be read, which
is often noticed too late.

**What is judged.** Each key that a Systems Manager setting, a bucket, a log group or a trail names: its
state from `kms.DescribeKey`, and what names it. `PendingDeletion` fails, and so does
`PendingReplicaDeletion` (a multi-Region primary key that waits until its replicas are deleted).

**Unknown** when the key belongs to an account outside the organization, which can delete it at any time; when the key
could not be described (for example, another account's key that refuses
`kms.DescribeKey`), or when its state is one that this version doesn't know.

**Limits.** Only uses that Tutela reads are known: a key that nothing here names isn't necessarily safe to
delete. SSM-PS-004, SSM-S3-001 and SSM-LG-001 judge keys that are already deleted.

**Source of the facts.** KMS developer guide,
[deleting keys](https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html) and
[key states](https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html).
"""

from __future__ import annotations

from scans.controls.lib import fixes, security_hub
from scans.controls.lib.judgements import UNUSABLE_STATES, USABLE_STATES, judge_key_owner, make_unrecognized_outcome
from scans.controls.lib.key_examples import MEMBERS, STRANGERS_KEY
from scans.domain.control import (
    GAP,
    Case,
    Control,
    ControlScope,
    FlowStep,
    Outcome,
    Remediation,
    ResourceView,
    Severity,
    Verdict,
    failed,
    passed,
    unknown,
)

PENDING = ("PendingDeletion", "PendingReplicaDeletion")
SHOWN = 3

CONTROL = Control(
    id="SSM-KM-002",
    file="ssm_km_002",
    title="No key in use is pending deletion",
    severity=Severity.CRITICAL,
    scope=ControlScope.REGION,
    # 2: a state that this version doesn't know is no pass. 3: a key of an account outside the organization is no pass.
    version=3,
    facts={"kms.key": ("state", "used_by")},
    flow_steps={"kms.key": FlowStep.UNDER},
    container="arn:{p}:kms:{r}:{a}:key/*",
    statements=("S9",),
    quote="Use AWS encryption solutions, along with all default security controls within AWS services.",
    frameworks=security_hub.map_requirements("KMS.3"),
    empty_reason="No KMS key is used by Systems Manager data in this region.",
    remediation=Remediation(
        summary="Cancel the deletion and enable the key again; then move what uses it to another key before the deletion "
        "is scheduled again. For a key of another account, ask its owner.",
        cli="aws kms cancel-key-deletion --region {region} --key-id {arn}\n"
        "aws kms enable-key --region {region} --key-id {arn}",
        code='resource "aws_kms_key" "this" {\n  is_enabled = true\n\n  lifecycle {\n    prevent_destroy = true\n  }\n}',
    ),
)


def evaluate(resource: ResourceView) -> Outcome:
    state = resource["state"]
    if state not in USABLE_STATES and state not in UNUSABLE_STATES:
        return make_unrecognized_outcome(f"The key is in the state {state}")
    stranger = judge_key_owner(resource, resource.arn)
    users = sorted(resource["used_by"])
    if stranger and (state not in PENDING or not users):
        return unknown(f"{stranger.reason} Its owner can delete it at any time.")
    if state not in PENDING:
        return passed(f"The key isn't waiting to be deleted (state {state}).")
    if not users:
        return passed(f"The key is waiting to be deleted (state {state}), and nothing that was read uses it.")
    more = f" and {len(users) - SHOWN} more" if len(users) > SHOWN else ""
    return failed(
        f"The key is waiting to be deleted (state {state}) and still used by {', '.join(users[:SHOWN])}{more}."
    )


def fix(resource: ResourceView) -> fixes.FixEffects:
    """Enable the key again, under every name that refers to it; use no key of an account outside the organization."""
    if judge_key_owner(resource, resource.arn):
        return (fixes.FixEffect(resource.type, resource.region, resource.arn, gone=True),)
    named = fixes.FixEffect("kms.reference", resource.region, facts={"state": "Enabled"}, where=("key", resource.arn))
    return fixes.set_facts(resource, state="Enabled"), named


USED = ["arn:aws:ssm:eu-west-1:111122223333:parameter/apps/one"]
MANY = [f"{USED[0]}-{n}" for n in range(5)]


OWN_KEY = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def _case(
    name: str, verdict: Verdict, state: object, used_by: object = USED, reason_has: str = "", arn: str = OWN_KEY
) -> Case:
    facts = {"state": state, "used_by": used_by}
    return Case(name, verdict, facts, arn=arn, reason_has=reason_has, context=MEMBERS)


CASES = [
    _case("enabled", Verdict.PASS, "Enabled"),
    _case("disabled is another control's business", Verdict.PASS, "Disabled"),
    _case("pending deletion and in use", Verdict.FAIL, "PendingDeletion", reason_has="parameter/apps/one"),
    _case("a primary that waits for its replicas", Verdict.FAIL, "PendingReplicaDeletion"),
    _case("used by many", Verdict.FAIL, "PendingDeletion", MANY, reason_has="and 2 more"),
    _case("pending deletion, used by nothing", Verdict.PASS, "PendingDeletion", []),
    _case("a key outside the organization", Verdict.UNKNOWN, "Enabled", reason_has="999999999999", arn=STRANGERS_KEY),
    _case("the same, pending deletion", Verdict.FAIL, "PendingDeletion", arn=STRANGERS_KEY),
    _case("a state that this version doesn't know", Verdict.UNKNOWN, "Resting", reason_has="Resting"),
    _case("a foreign key that may not be described", Verdict.UNKNOWN, GAP),
    _case("pending deletion, its uses not known", Verdict.UNKNOWN, "PendingDeletion", GAP),
]
