"""The key of every SecureString must exist and work.

A SecureString whose key is disabled or deleted can't be read. When a key's waiting period ends and it is deleted,
every parameter under it is lost for good.

**What is judged.** `KeyId` of each `SecureString` (`ssm.DescribeParameters`), and the state, usage and kind of
that key (`kms.DescribeKey`, once per key). It fails for a key that is disabled, is pending deletion, has no key
material, is unavailable or is not found, and for one that is not a symmetric encryption key, is in another region or
belongs to an account outside the organization, whose owner can take it away at any time.
An alias is resolved in the same scan, since it may have been moved or deleted after the parameter was written.

**Not applicable** for a `String` or `StringList`: they have no key.

**Unknown** when the parameters could not be listed, or the key can't be described (for example, another account's key
that refuses `kms.DescribeKey`). Also for a type of parameter, or a state, usage or kind of key, that this version
doesn't know.

**Limits.** A key that works may still refuse a reader: whether a principal may use it is not judged.

**Source of the facts.** KMS developer guide,
[key states](https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html); KMS API reference, KeyMetadata
(https://docs.aws.amazon.com/kms/latest/APIReference/API_KeyMetadata.html); Systems Manager user guide, KMS encryption
of parameters
(https://docs.aws.amazon.com/systems-manager/latest/userguide/secure-string-parameter-kms-encryption.html).
"""

from __future__ import annotations

from scans.controls.lib import fixes, security_hub
from scans.controls.lib.judgements import (
    KEY_RELATED,
    PARAMETER_TYPES,
    USABLE_KEY_FACTS,
    find_key_problem,
    make_unread_key_gap,
    make_unrecognized_outcome,
)
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
    not_applicable,
    passed,
    unknown,
)

CONTROL = Control(
    id="SSM-PS-004",
    file="ssm_ps_004",
    title="The keys of SecureString parameters work",
    severity=Severity.CRITICAL,
    scope=ControlScope.REGION,
    # 2: a type that this version doesn't know is unknown. 3: a key that can't encrypt, or is elsewhere, doesn't work. 4: a
    # key of an account outside the organization fails.
    version=4,
    facts={"ssm.parameter": ("name", "type", "key_id")},
    related=KEY_RELATED,
    flow_steps={"ssm.parameter": FlowStep.UNDER},
    container="arn:{p}:ssm:{r}:{a}:parameter/*",
    statements=("S15",),
    quote="To encrypt SecureString parameter values, Parameter Store uses an AWS KMS key",
    frameworks=security_hub.map_requirements("KMS.3"),
    empty_reason="The region has no parameters.",
    remediation=Remediation(
        summary="Check the key's state. Cancel its deletion and enable it, or store the value again under a key that "
        "works. A deleted key can't be restored: the value must then come from another source. (cancel-key-deletion and "
        "enable-key take the id or ARN that describe-key returns, not an alias.)",
        cli="aws kms describe-key --region {region} --key-id {key_id}\n"
        "aws kms cancel-key-deletion --region {region} --key-id KEY_ARN\n"
        "aws kms enable-key --region {region} --key-id KEY_ARN\n"
        "aws ssm put-parameter --region {region} --name {name} --type SecureString --key-id alias/WORKING_KEY "
        "--value file://value.txt --overwrite",
        code='resource "aws_kms_key" "parameters" {\n  is_enabled              = true\n  enable_key_rotation     = true\n'
        "  deletion_window_in_days = 30\n\n  lifecycle {\n    prevent_destroy = true\n  }\n}",
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
    return find_key_problem(resource, key) or passed(f"The parameter's key {key} exists and is enabled.")


def fix(resource: ResourceView) -> fixes.FixEffects:
    return fixes.use_customer_key(resource, "key_id")


KEY = "alias/data"


def _case(
    name: str, verdict: Verdict, state: object, type: object = "SecureString", key: object = KEY, **found: object
) -> Case:
    facts = {"name": "/apps/one", "type": type, "key_id": key}
    related = {"kms.reference": {KEY: {"state": state, **USABLE_KEY_FACTS, **found}}} if state else {}
    return Case(name, verdict, facts, related=related, arn="arn:aws:ssm:eu-west-1:111122223333:parameter/apps/one")


CASES = [
    _case("an enabled key", Verdict.PASS, "Enabled"),
    _case("a key that becomes the primary of its replicas", Verdict.PASS, "Updating"),
    *(
        _case(f"a key in the state {state}", Verdict.FAIL, state)
        for state in (
            "NotFound",
            "Disabled",
            "PendingDeletion",
            "PendingReplicaDeletion",
            "PendingImport",
            "Unavailable",
            "Creating",
        )
    ),
    _case("a key that signs", Verdict.FAIL, "Enabled", usage="SIGN_VERIFY", spec="ECC_NIST_P256"),
    _case("an asymmetric key", Verdict.FAIL, "Enabled", spec="RSA_3072"),
    _case("a key in another region", Verdict.FAIL, None, key="arn:aws:kms:us-west-2:111122223333:key/1"),
    Case(
        "a key outside the organization",
        Verdict.FAIL,
        {"name": "/apps/one", "type": "SecureString", "key_id": STRANGERS_KEY},
        related_gaps=("kms.reference",),
        context=MEMBERS,
        reason_has="999999999999",
    ),
    _case("another account's key, the members unknown", Verdict.UNKNOWN, "Enabled", key=STRANGERS_KEY),
    _case("a kind that this version doesn't know", Verdict.UNKNOWN, "Enabled", spec="LATTICE_1"),
    _case("a usage that AWS left out", Verdict.UNKNOWN, "Enabled", usage=GAP),
    _case("a plain parameter", Verdict.NOT_APPLICABLE, None, "StringList", None),
    _case("a type that this version doesn't know", Verdict.UNKNOWN, "Enabled", "SealedString"),
    _case("a foreign key that may not be described", Verdict.UNKNOWN, GAP),
    _case("a state that this version doesn't know", Verdict.UNKNOWN, "Sleeping"),
    _case("a key that was not looked up", Verdict.UNKNOWN, None),
    _case("a SecureString without a key", Verdict.UNKNOWN, None, key=None),
    _case("the parameters were refused", Verdict.UNKNOWN, "Enabled", GAP, GAP),
    Case(
        "the list of keys was refused",
        Verdict.UNKNOWN,
        {"name": "/apps/one", "type": "SecureString", "key_id": KEY},
        related_gaps=("kms.reference",),
    ),
]
