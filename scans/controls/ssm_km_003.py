"""A key's policy must not let principals outside the organization use the key.

A key's policy alone can let any AWS account decrypt: no IAM policy in your account can prevent it. An open key policy
undoes the encryption of everything under the key.

**What is judged.** The policy (`kms.GetKeyPolicy`) of each customer managed key of this account that
Systems Manager data uses. An Allow fails if it names

* any principal (`*`, or everyone except some), or
* an AWS account outside the organization, or
* a service that may act for one: `aws:SourceAccount`, `aws:SourceArn` or `aws:SourceOrgID` names it,

unless a condition of the same statement limits it to your organization: `kms:CallerAccount`,
`aws:PrincipalAccount`, `aws:PrincipalOrgID`, `aws:PrincipalOrgPaths`, `aws:SourceAccount`,
`aws:SourceArn` and similar keys, each with values that are your own: ids, or the variables
`${aws:ResourceAccount}` and `${aws:ResourceOrgID}`, which stand for the key's own account and organization.
`aws:SourceVpc` and `aws:SourceVpce` count if they name VPCs or endpoints that were read in this account and region.

A condition that names a service (`kms:ViaService`) or an address doesn't count by itself: principals outside the
organization can use the key through the same service. AWS's own key policies combine it with `kms:CallerAccount`.

A key that belongs to an account outside the organization fails: that account decides who may use it.

**Not applicable** for keys that AWS manages, and for keys of other accounts of the organization, which are judged
there.

**Unknown** when the policy could not be read or understood; when it doesn't show a principal's account (a canonical
user, a public identity provider); when the organization was not read, so that it is unknown whether an account or
organization is your own; when only a VPC or endpoint limits the access and it was not read here; when only unique ids
(`aws:userid`) or a pattern of `StringLike` with a star before the account limit it, which text with colons matches, too;
when a pattern stands in the place of a service; and for a key manager that this version doesn't know.

**Limits.** A Deny beside an open Allow is not counted as a limit. Grants are not read.

**Source of the facts.** KMS developer guide, key policies and condition keys
(https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html); IAM user guide, global condition keys
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html) and
[policy elements](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html).
"""

from __future__ import annotations

from typing import Any

from scans.controls.lib import fixes, security_hub
from scans.controls.lib.iam_policies import PolicyError
from scans.controls.lib.iam_policies.documents import parse_resource_policy
from scans.controls.lib.judgements import KEY_MANAGERS, judge_key_owner, make_unrecognized_outcome
from scans.controls.lib.key_examples import MEMBERS_KEY, STRANGERS_KEY
from scans.controls.lib.own_networks import NETWORK_RELATED, list_unread_network_gaps
from scans.controls.lib.strangers import find_strangers, label_statement, replace_strangers
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

CONTROL = Control(
    id="SSM-KM-003",
    file="ssm_km_003",
    title="Key policies are not open",
    severity=Severity.HIGH,
    scope=ControlScope.REGION,
    # 2: variables for the key's own account and organization close the perimeter; a manager that this version doesn't
    # know is unknown. 3: a service closes nothing, and a VPC or an endpoint only if it is known to be the organization's
    # own. 4: the account of a canonical user or an identity provider is unknown. 5: a key of an account outside the
    # organization fails.
    # 6: a pattern in the place of a service, or before the account of aws:PrincipalArn, and unique ids are unknown; a
    # service that may act for an account outside fails.
    version=6,
    facts={"kms.key": ("own", "manager", "policy")},
    related=NETWORK_RELATED,
    flow_steps={"kms.key": FlowStep.UNDER},
    container="arn:{p}:kms:{r}:{a}:key/*",
    statements=("S5",),
    quote="each user is given only the permissions necessary to fulfill their job duties",
    frameworks=security_hub.map_requirements("KMS.5"),
    empty_reason="No KMS key is used by Systems Manager data in this region.",
    remediation=Remediation(
        summary="Name the principals that need the key. Where a whole organization or a service needs it, add a "
        "condition to that statement. Keep a statement that lets your own account manage the key; otherwise "
        "the key becomes unmanageable.",
        cli="aws kms get-key-policy --region {region} --key-id {arn} --policy-name default --query Policy "
        "--output text > policy.json\n"
        "aws kms put-key-policy --region {region} --key-id {arn} --policy-name default --policy file://policy.json",
        code='data "aws_iam_policy_document" "key" {\n  statement {\n    actions   = ["kms:Decrypt"]\n'
        '    resources = ["*"]\n    principals {\n      type        = "AWS"\n      identifiers = ["*"]\n    }\n'
        '    condition {\n      test     = "StringEquals"\n      variable = "kms:CallerAccount"\n'
        '      values   = ["{account}"]\n    }\n  }\n}',
    ),
)


def evaluate(resource: ResourceView) -> Outcome:
    # First, as in SSM-KM-001: another account's key may refuse every read.
    if not resource["own"]:
        stranger = judge_key_owner(resource, resource.arn)
        if stranger and stranger.verdict is Verdict.FAIL:
            return failed(f"{stranger.reason} That account decides who may use the key, itself first of all.")
        return stranger or not_applicable(
            "The key belongs to another account of the organization, whose own results alone tell of its policy."
        )
    if resource["manager"] not in KEY_MANAGERS:
        return make_unrecognized_outcome(f"The key is managed by {resource['manager']}")
    if resource["manager"] == "AWS":
        return not_applicable("AWS manages this key and its policy.")
    try:
        policy = parse_resource_policy(resource, resource["policy"])
    except PolicyError as error:
        return unknown(f"The key's policy can't be understood: {error}.")
    doubts = []
    for statement in policy.allow_statements:
        who, sure = find_strangers(statement, resource)
        if who and sure:
            return failed(
                f"{label_statement(statement)} lets {who} use the key, and no condition limits that to the organization."
            )
        if who:
            doubts.append(f"{label_statement(statement)} lets {who} use the key")
    if doubts:
        said = f"{'; '.join(doubts)}: whether that is inside the organization isn't known."
        return unknown(said, *list_unread_network_gaps(policy.allow_statements, resource))
    return passed("The key's policy lets no principal outside the organization use the key.")


def fix(resource: ResourceView) -> fixes.FixEffects:
    """Replace outside principals by the key's own account, whose IAM policies then decide who may use the key."""
    if not resource["own"]:
        return (fixes.FixEffect(resource.type, resource.region, resource.arn, gone=True),)  # a key of one's own instead
    return (fixes.set_facts(resource, policy=replace_strangers(resource["policy"], resource)),)


OWN = {"Sid": "Own", "Effect": "Allow", "Action": "kms:*", "Resource": "*"} | {
    "Principal": {"AWS": "arn:aws:iam::111122223333:root"}
}
STRANGER = {"AWS": "arn:aws:iam::999999999999:role/reader"}
SISTER = {"AWS": "arn:aws:iam::444455556666:root"}
HERE = {"account": "111122223333", "organization": "o-example", "accounts": frozenset({"111122223333", "444455556666"})}
ALONE = {"account": "111122223333"}


def _allow_decrypt(principal: object, **condition: Any) -> dict[str, Any]:
    statement = {"Sid": "Other", "Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*", "Principal": principal}
    return statement | ({"Condition": condition} if condition else {})


def _allow_all(limit: dict[str, Any]) -> dict[str, Any]:
    return _allow_decrypt("*", StringEquals=limit)


OURS = {"aws:PrincipalOrgID": "o-example"}
VPC = {"aws:SourceVpc": "vpc-0a"}
VIA = {"kms:ViaService": "ssm.eu-west-1.amazonaws.com"}
LOGS, FOR_STRANGER = {"Service": "logs.amazonaws.com"}, {"aws:SourceAccount": ["111122223333", "999999999999"]}
ROLE_KEY, OWN_ROLE, ONE_ID = "aws:PrincipalArn", "111122223333:role/*", "AROAEXAMPLEEXAMPLE00:*"
EC2, SAML = "arn:aws:ec2:eu-west-1:111122223333", "arn:aws:iam::"
NETWORKS = {
    "ec2.vpc": {
        f"{EC2}:vpc/vpc-0a": {"id": "vpc-0a", "owner": "111122223333"},
        f"{EC2}:vpc/vpc-0b": {"id": "vpc-0b", "owner": "999999999999"},  # of an account outside, which shares it
    },
    "ec2.vpc_endpoint": {f"{EC2}:vpc-endpoint/vpce-0a": {"id": "vpce-0a"}},
}


def _case(
    name: str,
    verdict: Verdict,
    *statements: dict[str, Any],
    context: Any = HERE,
    refused: tuple[str, ...] = (),
    **changed: object,
) -> Case:
    policy = {"Version": "2012-10-17", "Statement": [OWN, *statements]}
    facts: dict[str, object] = {"own": True, "manager": "CUSTOMER", "policy": policy}
    arn = str(changed.pop("arn", "arn:aws:kms:eu-west-1:111122223333:key/1"))
    return Case(name, verdict, facts | changed, context=context, related=NETWORKS, related_gaps=refused, arn=arn)


CASES = [
    _case("the account's own principals", Verdict.PASS),
    _case("own principals, the organization not read", Verdict.PASS, context=ALONE),
    _case("another account of the organization", Verdict.PASS, _allow_decrypt(SISTER)),
    _case("a service", Verdict.PASS, _allow_decrypt({"Service": "logs.eu-west-1.amazonaws.com"})),
    _case("everyone, limited by kms:CallerAccount", Verdict.PASS, _allow_all({"kms:CallerAccount": "111122223333"})),
    _case("everyone, limited to the organization", Verdict.PASS, _allow_all(OURS)),
    _case(
        "everyone, limited to the key's own organization",
        Verdict.PASS,
        _allow_all({"aws:PrincipalOrgID": "${aws:ResourceOrgID}"}),
        context=ALONE,
    ),
    _case(
        "everyone, limited to the key's own account",
        Verdict.PASS,
        _allow_all({"aws:PrincipalAccount": "${aws:ResourceAccount}"}),
        context=ALONE,
    ),
    _case(
        "everyone, limited by a variable for the caller",
        Verdict.FAIL,
        _allow_all({"aws:PrincipalOrgID": "${aws:PrincipalOrgID}"}),
    ),
    _case("everyone", Verdict.FAIL, _allow_decrypt("*")),
    _case("everyone, in the other spelling", Verdict.FAIL, _allow_decrypt({"AWS": "*"})),
    _case("everyone, limited to another organization", Verdict.FAIL, _allow_all({"aws:PrincipalOrgID": "o-other"})),
    _case(
        "everyone, a condition that limits nothing",
        Verdict.FAIL,
        _allow_decrypt("*", Bool={"aws:SecureTransport": "true"}),
    ),
    _case(
        "a condition that also holds without its key",
        Verdict.FAIL,
        _allow_decrypt("*", StringEqualsIfExists={"kms:CallerAccount": "111122223333"}),
    ),
    _case("an account outside", Verdict.FAIL, _allow_decrypt(STRANGER)),
    _case("an account outside, through one service", Verdict.FAIL, _allow_decrypt(STRANGER, StringEquals=VIA)),
    _case("everyone, through one service", Verdict.FAIL, _allow_all(VIA)),
    _case("an account inside, through one service", Verdict.PASS, _allow_decrypt(SISTER, StringEquals=VIA)),
    _case(
        "everyone in the account, through one service",
        Verdict.PASS,
        _allow_all({**VIA, "kms:CallerAccount": "111122223333"}),
    ),
    _case("everyone, through an own VPC", Verdict.PASS, _allow_all(VPC)),
    _case("everyone, through an own endpoint", Verdict.PASS, _allow_all({"aws:SourceVpce": "vpce-0a"})),
    _case("everyone, through another account's VPC", Verdict.UNKNOWN, _allow_all({"aws:SourceVpc": "vpc-0b"})),
    _case(
        "an account outside, through an unknown endpoint",
        Verdict.UNKNOWN,
        _allow_decrypt(STRANGER, StringEquals={"aws:SourceVpce": ["vpce-0a", "vpce-0c"]}),
    ),
    _case("everyone, through any VPC", Verdict.FAIL, _allow_decrypt("*", StringLike={"aws:SourceVpc": "vpc-*"})),
    _case("everyone, through a VPC, VPCs refused", Verdict.UNKNOWN, _allow_all(VPC), refused=("ec2.vpc",)),
    _case("another account, the organization not read", Verdict.UNKNOWN, _allow_decrypt(SISTER), context=ALONE),
    _case("an organization, the own one unknown", Verdict.UNKNOWN, _allow_all(OURS), context=ALONE),
    _case("a fail beside something unknown", Verdict.FAIL, _allow_decrypt(SISTER), _allow_decrypt("*"), context=ALONE),
    _case("a principal that can't be read", Verdict.UNKNOWN, _allow_decrypt({"AWS": "${account}"})),
    _case(
        "a pattern in the place of a service", Verdict.UNKNOWN, _allow_decrypt({"Service": ["a.amazonaws.com", "*"]})
    ),
    _case(
        "everyone, limited to own roles", Verdict.PASS, _allow_decrypt("*", StringLike={ROLE_KEY: f"{SAML}{OWN_ROLE}"})
    ),
    _case(
        "everyone, limited by text that has colons",
        Verdict.UNKNOWN,
        _allow_decrypt("*", StringLike={ROLE_KEY: f"arn:*:iam::{OWN_ROLE}"}),
    ),
    _case("everyone, limited by unique ids", Verdict.UNKNOWN, _allow_decrypt("*", StringLike={"aws:userid": ONE_ID})),
    _case("a service for an account outside", Verdict.FAIL, _allow_decrypt(LOGS, StringEquals=FOR_STRANGER)),
    _case(
        "a service for the organization",
        Verdict.PASS,
        _allow_decrypt(LOGS, StringEquals={"aws:SourceOrgID": "o-example"}),
    ),
    _case("a canonical user", Verdict.UNKNOWN, _allow_decrypt({"CanonicalUser": "79a59df900b949e5"}, StringEquals=VIA)),
    _case("a public identity provider", Verdict.UNKNOWN, _allow_decrypt({"Federated": "accounts.example.com"})),
    _case(
        "an own identity provider",
        Verdict.PASS,
        _allow_decrypt({"Federated": f"{SAML}111122223333:saml-provider/corp"}),
    ),
    _case("an outside provider", Verdict.FAIL, _allow_decrypt({"Federated": f"{SAML}999999999999:saml-provider/corp"})),
    _case("an AWS managed key", Verdict.NOT_APPLICABLE, manager="AWS", policy=None),
    _case("a key of a manager that this version doesn't know", Verdict.UNKNOWN, manager="PARTNER"),
    _case("a member's key", Verdict.NOT_APPLICABLE, arn=MEMBERS_KEY, own=False, manager=GAP, policy=None),
    _case("a key outside the organization", Verdict.FAIL, arn=STRANGERS_KEY, own=False, policy=None),
    _case("another account's, the members unknown", Verdict.UNKNOWN, arn=STRANGERS_KEY, own=False, context=ALONE),
    _case("the policy was refused", Verdict.UNKNOWN, policy=GAP),
    _case("a document that is not a policy", Verdict.UNKNOWN, policy={"Version": "2012-10-17"}),
    _case("no policy was returned", Verdict.UNKNOWN, policy=None),
]
