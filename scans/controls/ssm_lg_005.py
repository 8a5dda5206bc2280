"""Resource policies must not let accounts outside the organization use log groups with Systems Manager's data.

CloudWatch Logs has policies of its own, mostly so that AWS services can write. Such a policy can also let another
account write to a log group or read it, which no IAM policy in your account can prevent.

**What is judged.** For each log group that Systems Manager data goes to: the policies of the region
(`logs.DescribeResourcePolicies`) whose `Resource` covers the group or a part of it, and the policy that is attached to
the group itself. An Allow fails if it names any principal (`*`), an AWS account outside the organization, or a
service that may act for one (`aws:SourceAccount`, `aws:SourceArn` or `aws:SourceOrgID` names it), for any action, unless a condition of the statement, or a Deny of the same policy, keeps such principals out; these count as in
SSM-S3-006. AWS services may be named.

**Not applicable** in a region without such a log group.

**Unknown** when a policy could not be read or understood, or when it can't be told whether a principal is outside the
organization.

**Limits.** A service may act for another account where the statement doesn't limit `aws:SourceAccount`; that is not
judged. Subscription filters, and roles that other accounts may assume, are not read.

**Source of the facts.** CloudWatch Logs API reference, PutResourcePolicy and DescribeResourcePolicies
(https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeResourcePolicies.html); CloudWatch Logs
user guide, resource-based policies
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/iam-access-control-overview-cwl.html).
"""

from __future__ import annotations

from typing import Any

from accounts.aws.gaps import Gap, GapError
from scans.controls.lib import fixes, security_hub
from scans.controls.lib.iam_policies import PolicyError, select_reaching_statements
from scans.controls.lib.iam_policies.documents import parse_resource_policy
from scans.controls.lib.judgements import read_fact_or_gaps
from scans.controls.lib.own_networks import NETWORK_RELATED
from scans.controls.lib.strangers import judge_grants, list_stranger_grants, replace_strangers
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
    passed,
    unknown,
)

ACCOUNT_POLICY = "logs.resource_policy"

CONTROL = Control(
    id="SSM-LG-005",
    file="ssm_lg_005",
    title="Log groups are closed to accounts outside the organization",
    severity=Severity.HIGH,
    scope=ControlScope.REGION,
    # 2: a pattern in the place of a service, or before the account of aws:PrincipalArn, is unknown; a service that may act
    # for an account outside fails.
    version=2,
    facts={"logs.group": ("name", "policies")},
    related={ACCOUNT_POLICY: ("name", "policy"), **NETWORK_RELATED},
    container="arn:{p}:logs:{r}:{a}:log-group:*",
    statements=("S5",),
    quote="each user is given only the permissions necessary to fulfill their job duties",
    frameworks=security_hub.map_requirements(own={"NIST 800-53 r5": ("AC-3", "AC-6", "AU-9")}),
    empty_reason="No log group in this region receives Systems Manager's data.",
    remediation=Remediation(
        summary="Remove the outside account from the policy, or delete the policy. Name services, with aws:SourceAccount, or "
        "accounts of the organization.",
        cli="aws logs describe-resource-policies --region {region}\n"
        "aws logs put-resource-policy --region {region} --policy-name POLICY_NAME --policy-document file://policy.json",
        code='resource "aws_cloudwatch_log_resource_policy" "this" {\n  policy_name     = "POLICY_NAME"\n'
        "  policy_document = data.aws_iam_policy_document.logs.json\n}",
    ),
)


def evaluate(resource: ResourceView) -> Outcome:
    doubts: list[Outcome] = []
    gaps: list[Gap] = []
    for document, said in _list_documents(resource, gaps):
        try:
            outcome = _judge_document(document, resource, said)
        except PolicyError as error:
            outcome = unknown(f"{said} can't be understood: {error}.")
        if outcome is not None and outcome.verdict is Verdict.FAIL:
            return outcome
        doubts += [outcome] if outcome is not None else []
    if gaps:
        raise GapError(*dict.fromkeys(gaps))
    return doubts[0] if doubts else passed("No resource policy lets an account outside the organization use the group.")


def fix(resource: ResourceView) -> fixes.FixEffects:
    """Replace outside principals in every policy that covers the group."""
    own = [replace_strangers(document, resource) for document in resource["policies"]]
    account = tuple(
        fixes.set_facts(policy, policy=replace_strangers(policy["policy"], resource))
        for policy in resource.all(ACCOUNT_POLICY)
    )
    return (fixes.set_facts(resource, policies=own), *account)


def _list_documents(resource: ResourceView, gaps: list[Gap]) -> list[tuple[Any, str]]:
    """Each policy that may cover the group, and what to call it. Adds why others are unknown to the gaps."""
    own, unread = read_fact_or_gaps(resource, "policies")
    gaps += unread
    found = [(document, "The group's policy") for document in own] if isinstance(own, list) else []
    for policy in resource.list_known(ACCOUNT_POLICY):
        document, unread = read_fact_or_gaps(policy, "policy")
        gaps += unread
        found += [] if unread else [(document, f"The policy {policy['name']}")]
    try:
        resource.all(ACCOUNT_POLICY)
    except GapError as error:
        gaps += error.gaps
    return found


def _judge_document(document: Any, resource: ResourceView, said: str) -> Outcome | None:
    policy = select_reaching_statements(parse_resource_policy(resource, document), resource.arn)
    return judge_grants(
        list_stranger_grants(policy, resource), resource, f"the log group, by {said[0].lower()}{said[1:]}"
    )


GROUP = "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/ssm/AWS-RunShellScript"
POLICY_ARN = "arn:aws:logs:eu-west-1:111122223333:resource-policy:delivery"
HERE = {"account": "111122223333", "organization": "o-example", "accounts": frozenset({"111122223333", "444455556666"})}
STRANGER, SISTER = {"AWS": "999999999999"}, {"AWS": "arn:aws:iam::444455556666:root"}
SERVICE = {"Service": "delivery.logs.amazonaws.com"}
EVERY_GROUP = "arn:aws:logs:eu-west-1:111122223333:log-group:*"
READ = "logs:GetLogEvents"


def _grant(principal: object, resource: object = EVERY_GROUP, action: object = READ, **condition: Any) -> Any:
    statement = {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": resource}
    return {"Version": "2012-10-17", "Statement": [statement | ({"Condition": condition} if condition else {})]}


def _case(name: str, verdict: Verdict, account: object = None, own: object = (), **more: Any) -> Case:
    """account, own: the policy of the account, and those of the group. more: refused, context."""
    policy = {"name": "delivery", "policy": account}
    return Case(
        name,
        verdict,
        {"name": "/aws/ssm/AWS-RunShellScript", "policies": list(own) if isinstance(own, tuple) else own},
        related={ACCOUNT_POLICY: {} if account is None else {POLICY_ARN: policy}},
        related_gaps=more.get("refused", ()),
        context=more.get("context", HERE),
        arn=GROUP,
    )


CASES = [
    _case("no policy", Verdict.PASS),
    _case("a service may write", Verdict.PASS, _grant(SERVICE, action="logs:PutLogEvents")),
    _case("another account of the organization", Verdict.PASS, _grant(SISTER)),
    _case("an account outside may read", Verdict.FAIL, _grant(STRANGER)),
    _case("an account outside may write", Verdict.FAIL, _grant(STRANGER, f"{GROUP}:*", "logs:PutLogEvents")),
    _case("an account outside, by name", Verdict.FAIL, _grant(STRANGER, GROUP)),
    _case("an account outside, by the group's own policy", Verdict.FAIL, own=(_grant(STRANGER, "*"),)),
    _case("an account outside, another group", Verdict.PASS, _grant(STRANGER, f"{GROUP}-2:*")),
    _case(
        "a service for an account outside",
        Verdict.FAIL,
        _grant(SERVICE, StringEquals={"aws:SourceAccount": "999999999999"}),
    ),
    _case("every principal", Verdict.FAIL, _grant("*")),
    _case(
        "every principal of the organization",
        Verdict.PASS,
        _grant("*", StringEquals={"aws:PrincipalOrgID": "o-example"}),
    ),
    _case("an account outside, the group's policy refused", Verdict.FAIL, _grant(STRANGER), GAP),
    _case("the group's policy refused", Verdict.UNKNOWN, own=GAP),
    _case("the policies refused", Verdict.UNKNOWN, refused=(ACCOUNT_POLICY,)),
    _case("a policy that could not be read", Verdict.UNKNOWN, GAP),
    _case("a document that is not a policy", Verdict.UNKNOWN, {"Version": "2012-10-17"}),
    _case("the organization was not read", Verdict.UNKNOWN, _grant(STRANGER), context={"account": "111122223333"}),
]
