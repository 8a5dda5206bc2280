"""Every SecureString must be encrypted with a customer managed key.

A SecureString that names no key gets `alias/aws/ssm`, the key that AWS manages for Parameter Store. The policy of
that key lets every principal of the account decrypt through Parameter Store, and it can't be changed, disabled or
shared. With a customer managed key, reading a secret requires two permissions.

**What is judged.** `KeyId` of each `SecureString`, from `ssm.DescribeParameters`: it fails if it is
`alias/aws/ssm`, or an alias, id or ARN that resolves to a key managed by AWS according to
`kms.ListAliases` or `kms.DescribeKey`. Parameter Store keeps naming an alias after it was moved to another key, so
aliases are resolved again in every scan. It also fails if the key's ARN names an account outside the organization: its
owner can read, disable or delete it. SSM-PS-004 judges whether the key works.

**Not applicable** for a `String` or `StringList`: they have no key.

**Unknown** when the parameters or the aliases could not be listed, when AWS's answer about the key leaves out who
manages it, when the organization's accounts are not known and
the key is another account's, or for a type that this version doesn't know.

**Limits.** SSM-KM-003 judges whether the policy of a customer managed key is narrower.

**Source of the facts.** Systems Manager API reference,
[DescribeParameters](https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DescribeParameters.html) and
[PutParameter](https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html); KMS API
reference, [ListAliases](https://docs.aws.amazon.com/kms/latest/APIReference/API_ListAliases.html).
"""

from __future__ import annotations

from typing import Any

from accounts.aws.gaps import Gap, GapError, GapKind
from scans.controls.lib import fixes
from scans.controls.lib.judgements import (
    PARAMETER_TYPES,
    judge_key_owner,
    make_unread_key_gap,
    make_unrecognized_outcome,
    names_alias,
    read_fact_or_gaps,
)
from scans.controls.lib.key_examples import MEMBERS, MEMBERS_KEY, STRANGERS_KEY
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
    not_applicable,
    passed,
    unknown,
)

AWS_KEY = "alias/aws/ssm"

CONTROL = Control(
    id="SSM-PS-003",
    file="ssm_ps_003",
    title="SecureString parameters use a customer key",
    severity=Severity.MEDIUM,
    scope=ControlScope.REGION,
    # 2: a type that this version doesn't know is unknown. 3: an AWS managed key is also known by its manager. 4: a key of
    # an account outside the organization fails; a description of the key without its manager is unknown.
    version=4,
    facts={"ssm.parameter": ("name", "type", "key_id")},
    related={"kms.reference": ("aws_alias", "manager")},
    flow_steps={"ssm.parameter": FlowStep.UNDER},
    container="arn:{p}:ssm:{r}:{a}:parameter/*",
    statements=("S15",),
    quote="AWS KMS uses either a customer managed key or an AWS managed key to encrypt the parameter value",
    empty_reason="The region has no parameters.",
    remediation=Remediation(
        summary="Store the value again under a customer managed key. Give the readers kms:Decrypt on that key first. "
        "Put the value in a file, so that it doesn't stay in the shell's history.",
        cli="aws ssm put-parameter --region {region} --name {name} --type SecureString --key-id alias/YOUR_KEY "
        "--value file://value.txt --overwrite",
        code='resource "aws_ssm_parameter" "this" {\n  name             = "{name}"\n  type             = "SecureString"\n'
        "  key_id           = aws_kms_key.parameters.arn\n  value_wo         = var.value # not kept in the state\n"
        "  value_wo_version = 1\n}",
    ),
)


def evaluate(resource: ResourceView) -> Outcome:
    type = resource["type"]
    if type not in PARAMETER_TYPES:
        return make_unrecognized_outcome(f"The parameter is of the type {type}")
    if type != "SecureString":
        return not_applicable(f"The parameter is a {type}, which has no key.")
    key = resource["key_id"]
    if not key:
        return unknown("AWS named no key for this SecureString.", make_unread_key_gap(resource.region))
    # This alias can't be moved to another key, so it decides without a lookup.
    if names_alias(key, AWS_KEY):
        return failed(f"The parameter is encrypted with {AWS_KEY}, the key that AWS manages for Parameter Store.")
    stranger = judge_key_owner(resource, key)
    if stranger:
        return stranger
    found = resource.look_up("kms.reference", key)
    if found is None:
        return unknown(f"The key {key} was not looked up in this scan.", make_unread_key_gap(resource.region))
    # Either fact alone proves an AWS managed key; a gap in the other one must not hide it.
    manager, gaps = read_fact_or_gaps(found, "manager")
    if manager == "AWS":
        return failed(f"The parameter's key {key} is a key that AWS manages.")
    if found["aws_alias"]:
        return failed(f"The parameter's key {key} is {found['aws_alias']}, a key that AWS manages.")
    # A refusal to describe another account's key is normal. An answer without the manager isn't.
    if any(gap.kind is GapKind.MALFORMED for gap in gaps):
        raise GapError(*gaps)
    return passed(f"The parameter is encrypted with {key}, which is not a key that AWS manages.")


def fix(resource: ResourceView) -> fixes.FixEffects:
    return fixes.use_customer_key(resource, "key_id")


ID = "1234abcd-12ab-34cd-56ef-1234567890ab"
ARN = f"arn:aws:kms:eu-west-1:111122223333:key/{ID}"


LEFT_OUT = Gap(GapKind.MALFORMED, "kms.DescribeKey", "kms:DescribeKey", "eu-west-1", "MalformedAnswer")


def _case(name: str, verdict: Verdict, key: object, type: object = "SecureString", **found: Any) -> Case:
    """found: aws_alias, if the key was looked up; refused: its list was not read."""
    gaps = ("kms.reference",) if found.pop("refused", False) else ()
    context = found.pop("context", {})
    related = {"kms.reference": {str(key): found}} if found else {}
    facts = {"name": "/apps/one", "type": type, "key_id": key}
    arn = "arn:aws:ssm:eu-west-1:111122223333:parameter/apps/one"
    return Case(name, verdict, facts, related=related, related_gaps=gaps, arn=arn, context=context)


CASES = [
    _case("an alias of a customer key", Verdict.PASS, "alias/data", aws_alias=None),
    _case("a customer key by ARN", Verdict.PASS, ARN, aws_alias=None),
    _case("the key of AWS by its alias", Verdict.FAIL, AWS_KEY),
    _case("the key of AWS by its alias, keys refused", Verdict.FAIL, AWS_KEY, refused=True),
    _case("the key of AWS by the ARN of its alias", Verdict.FAIL, f"arn:aws:kms:eu-west-1:111122223333:{AWS_KEY}"),
    _case("the key of AWS by its id", Verdict.FAIL, ID, aws_alias=AWS_KEY),
    _case("the key of AWS, which no alias tells", Verdict.FAIL, ARN, aws_alias=None, manager="AWS"),
    _case("a customer key by its manager", Verdict.PASS, ARN, aws_alias=None, manager="CUSTOMER"),
    _case("a foreign key that may not be described", Verdict.PASS, ARN, aws_alias=None, manager=GAP),
    _case("a key whose description leaves out its manager", Verdict.UNKNOWN, ARN, aws_alias=None, manager=LEFT_OUT),
    _case("a key outside the organization", Verdict.FAIL, STRANGERS_KEY, aws_alias=None, manager=GAP, context=MEMBERS),
    _case("a member's key", Verdict.PASS, MEMBERS_KEY, aws_alias=None, manager=GAP, context=MEMBERS),
    _case("another account's key, the members unknown", Verdict.UNKNOWN, STRANGERS_KEY, aws_alias=None),
    _case("an alias that was moved to the key of AWS", Verdict.FAIL, "alias/data", aws_alias=AWS_KEY),
    _case("an alias that only looks like that of AWS", Verdict.PASS, "alias/team/aws/ssm", aws_alias=None),
    _case("a plain parameter", Verdict.NOT_APPLICABLE, None, "String"),
    _case("a type that this version doesn't know", Verdict.UNKNOWN, "alias/data", "SealedString", aws_alias=None),
    _case("a SecureString without a key", Verdict.UNKNOWN, None),
    _case("the parameters were refused", Verdict.UNKNOWN, GAP, GAP),
    _case("the aliases were refused", Verdict.UNKNOWN, "alias/data", aws_alias=GAP),
    _case("the list of keys was refused", Verdict.UNKNOWN, "alias/data", refused=True),
    _case("a key that was not looked up", Verdict.UNKNOWN, "alias/data"),
]
