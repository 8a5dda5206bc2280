"""The policy of a VPC endpoint must not give full access to everyone.

An endpoint is a way out of the VPC that no firewall inspects. With its default policy, anything in the VPC can use it
to reach resources of any account, including buckets outside the organization, with any credentials.

**What is judged.** `PolicyDocument` of each endpoint, interface and gateway
(`ec2.DescribeVpcEndpoints`). It fails with an Allow of all actions on all resources for every principal,
without a condition: this is AWS's default policy. Equivalent policies fail, too:

* all actions of the endpoint's own service (`ssm:*` on an endpoint of `ssm`), since only that service's
  calls go through it, and all resources of that service, of it in the endpoint's region, or of a partition
  (`arn:aws:*`, but not that of another partition), or all that the service is for (`arn:aws:kms:*:*:key/*`,
  `arn:aws:s3:::*/*`);
* an Allow that only excludes something (`NotAction`, `NotResource`, `NotPrincipal`);
* a condition that limits neither the principal nor the resource. Such a condition holds without its key (`…IfExists`,
  `ForAllValues`), accepts any value (`*`, `arn:aws:iam::*:*`, `arn:aws:iam::*:role/*`, `o-*/*`, `0.0.0.0/0`), only excludes some values
  (`StringNotEquals`, `aws:PrincipalIsAWSService` that is false), or names the transport, the time, the region or
  the network (`aws:SecureTransport`, `aws:RequestedRegion`, `aws:SourceVpc`, `aws:SourceVpce`, `aws:VpcSourceIp`), which
  is the same for every request through the endpoint, or the kind of principal (`aws:PrincipalType`), which doesn't tell
  whose it is.

An endpoint without any policy fails as well.

**Not applicable** for an endpoint that is being deleted, for kinds that have no policy (gateway load
balancers), and for services whose endpoints take none, such as `email-smtp` and `transfer.server`
(`VpcEndpointPolicySupported` of `ec2.DescribeVpcEndpointServices`): AWS shows a policy of full access there, and nothing can
replace it.

**Unknown** when the policy or the endpoint's service could not be read or understood, and when all actions of one
service are allowed on the endpoint of another whose actions this version doesn't know by name (`rds:*` on `rds-data`). An endpoint with full access is
unknown also where AWS doesn't say whether its service takes a policy. Of `ssm`, `ssmmessages`, `ec2messages`, `s3`,
`logs`, `kms`, `ec2` and their FIPS twins it is certain that they do.

**Limits.** Any other condition, and any limit to actions, principals or resources, is enough here: whether it
is narrow enough is not judged. A Deny beside a full Allow is not counted.

**Source of the facts.** VPC PrivateLink guide, endpoint policies
(https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html) and services that integrate
(https://docs.aws.amazon.com/vpc/latest/privatelink/aws-services-privatelink-support.html); IAM user guide, condition
operators (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html);
Systems Manager user guide,
[the buckets that SSM Agent needs](https://docs.aws.amazon.com/systems-manager/latest/userguide/ssm-agent-technical-details.html).
"""

from __future__ import annotations

from typing import Any

from scans.controls.lib import fixes
from scans.controls.lib.iam_policies import Policy, PolicyError, full_access_statements, may_be_full_access
from scans.controls.lib.iam_policies.documents import parse_resource_policy
from scans.controls.lib.networks import explain_excluded_endpoint, read_service_fact
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
    unknown,
)

CONTROL = Control(
    id="SSM-VP-003",
    file="ssm_vp_003",
    title="Endpoint policies are not full access",
    severity=Severity.MEDIUM,
    scope=ControlScope.REGION,
    # 2: arn:aws:* is every resource. 3: equivalents of full access: all of the endpoint's own service, and conditions
    # that always hold. 4: any IAM principal, the endpoint's region and not being a service are such conditions.
    # 5: services whose endpoints take no policy are not judged; all actions or the region's resources by any spelling,
    # and actions of services with another name than their endpoint's. 6: all of another partition is nothing.
    # Also everything that a service is for, as key/* of KMS; a session of any role; the kind of principal, the
    # address inside the network and the way of signing are such conditions.
    version=6,
    facts={"ec2.vpc_endpoint": ("endpoint_type", "state", "policy", "service")},
    related={"ec2.endpoint_service": ("policies",)},
    container="arn:{p}:ec2:{r}:{a}:vpc-endpoint/*",
    statements=("S25", "S5"),
    quote="create boundaries between resources in your managed nodes and control traffic between them, your on-premises "
    "network, and the internet",
    empty_reason="The region has no VPC endpoints.",
    remediation=Remediation(
        summary="Allow only principals of your organization, and only what they need. On an endpoint of S3, "
        "keep s3:GetObject on the AWS buckets that SSM Agent reads from (patch baselines, agent updates, document "
        "content): the Systems Manager guide lists them by region.",
        cli="aws ec2 modify-vpc-endpoint --region {region} --vpc-endpoint-id {name} --policy-document "
        '\'{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*",'
        '"Condition":{"StringEquals":{"aws:PrincipalOrgID":"ORGANIZATION_ID"}}}]}\'',
        code='resource "aws_vpc_endpoint_policy" "this" {\n  vpc_endpoint_id = "{name}"\n  policy = jsonencode({\n'
        '    Version = "2012-10-17"\n    Statement = [{\n      Effect    = "Allow"\n      Principal = "*"\n'
        '      Action    = "*"\n      Resource  = "*"\n      Condition = {\n'
        '        StringEquals = { "aws:PrincipalOrgID" = var.organization_id }\n      }\n    }]\n  })\n}',
    ),
)


def evaluate(resource: ResourceView) -> Outcome:
    outside = explain_excluded_endpoint(resource, "Interface", "Gateway")
    if outside:
        return not_applicable(outside)
    document = resource["policy"]
    if document is None:
        return _judge_open(resource, "The endpoint has no policy, so nothing limits what goes through it.")
    try:
        return _judge_policy(resource, parse_resource_policy(resource, document))
    except PolicyError as error:
        return unknown(f"The endpoint's policy can't be understood: {error}.")


def _judge_policy(resource: ResourceView, policy: Policy) -> Outcome:
    # First without the service: a gap in it must not hide a policy that is open for any service.
    if full_access_statements(policy) or full_access_statements(policy, resource["service"], resource.region):
        return _judge_open(resource, "The endpoint's policy allows every principal every action on every resource.")
    if may_be_full_access(policy, resource["service"], resource.region):
        said = f"whether its actions are those of {resource['service']} isn't known"
        return unknown(f"The endpoint's policy lets every principal do everything of one service: {said}.")
    return passed("The endpoint's policy has no statement of full access.")


def _judge_open(resource: ResourceView, why: str) -> Outcome:
    """The outcome of full access: it can be limited only where the service takes a policy."""
    takes = read_service_fact(resource, "policies", core=True)
    if takes is None:
        return unknown(f"{why} Whether endpoints of {resource['service']} take a policy isn't known.")
    if not takes:
        return not_applicable(f"Endpoints of {resource['service']} take no policy.")
    return failed(why)


def fix(resource: ResourceView) -> fixes.FixEffects:
    """As the command of the remediation: only principals of the organization."""
    ours = {"StringEquals": {"aws:PrincipalOrgID": resource.context.organization}}
    allow = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*", "Condition": ours}
    return (fixes.set_facts(resource, policy={"Version": fixes.POLICY_VERSION, "Statement": [allow]}),)


FULL = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
OURS = {"StringEquals": {"aws:PrincipalOrgID": "o-example"}}

ARN = "arn:aws:ec2:eu-west-1:111122223333:"
# Whether endpoints of a service take a policy.
TAKES = {"email-smtp": False, "transfer.server": False, "monitoring": True, "unread": GAP}


def _case(
    name: str,
    verdict: Verdict,
    *statements: object,
    policy: Any = (),
    type: object = "Interface",
    state: str = "available",
    service: object = "ssm",
    refused: bool = False,
) -> Case:
    document = {"Version": "2008-10-17", "Statement": list(statements)} if policy == () else policy
    facts = {"endpoint_type": type, "state": state, "policy": document, "service": service}
    services = {} if refused else {f"{ARN}vpc-endpoint-service/{n}": {"policies": each} for n, each in TAKES.items()}
    return Case(
        name,
        verdict,
        facts,
        related={"ec2.endpoint_service": services},
        related_gaps=("ec2.endpoint_service",) if refused else (),
        arn=f"{ARN}vpc-endpoint/vpce-1",
    )


CASES = [
    _case("full access for the organization", Verdict.PASS, FULL | {"Condition": OURS}),
    _case("some actions", Verdict.PASS, FULL | {"Action": ["ssm:Get*", "ssm:UpdateInstanceInformation"]}),
    _case("all actions of the endpoint's own service", Verdict.FAIL, FULL | {"Action": ["SSM:*"]}),
    _case("the same of its FIPS twin", Verdict.FAIL, FULL | {"Action": "ssm:*"}, service="ssm-fips"),
    _case("all actions in another spelling", Verdict.FAIL, FULL | {"Action": "ssm:?*"}),
    _case("all resources of its region", Verdict.FAIL, FULL | {"Resource": "arn:aws:ssm:eu-west-1:*:*"}),
    _case("all resources of another region", Verdict.PASS, FULL | {"Resource": "arn:aws:ssm:us-east-1:*:*"}),
    _case("its own service by another name", Verdict.FAIL, FULL | {"Action": "cloudwatch:*"}, service="monitoring"),
    _case("one service, perhaps its own", Verdict.UNKNOWN, FULL | {"Action": "rds:*"}, service="rds-data"),
    _case("some actions of it", Verdict.PASS, FULL | {"Action": "rds:Describe*"}, service="rds-data"),
    _case("all actions of another service", Verdict.PASS, FULL | {"Action": "ssm:*"}, service="ssmmessages"),
    _case("some actions, the service not read", Verdict.UNKNOWN, FULL | {"Action": "ssm:*"}, service=GAP),
    _case("full access, the service not read", Verdict.UNKNOWN, FULL, service=GAP),
    _case("full access of a service that takes no policy", Verdict.NOT_APPLICABLE, FULL, service="email-smtp"),
    _case("no policy of such a service", Verdict.NOT_APPLICABLE, policy=None, service="transfer.server"),
    _case("full access of a service that takes one", Verdict.FAIL, FULL, service="monitoring"),
    _case("full access of a service that AWS doesn't list", Verdict.UNKNOWN, FULL, service="later"),
    _case("full access of a service that wasn't read", Verdict.UNKNOWN, FULL, service="unread"),
    _case("full access, the services refused", Verdict.UNKNOWN, FULL, service="monitoring", refused=True),
    _case("the same of Systems Manager", Verdict.FAIL, FULL, refused=True),
    _case("the same of a FIPS twin of it", Verdict.FAIL, FULL, service="ssm-fips", refused=True),
    _case("limited, the services refused", Verdict.PASS, FULL | {"Condition": OURS}, service="later", refused=True),
    _case("over TLS", Verdict.FAIL, FULL | {"Condition": {"Bool": {"aws:SecureTransport": "true"}}}),
    _case("from its own VPC", Verdict.FAIL, FULL | {"Condition": {"StringEquals": {"aws:SourceVpc": "vpc-1"}}}),
    _case("from anywhere", Verdict.FAIL, FULL | {"Condition": {"IpAddress": {"aws:SourceIp": ["0.0.0.0/0", "::/0"]}}}),
    _case(
        "a condition that also holds without an organization",
        Verdict.FAIL,
        FULL | {"Condition": {"StringEqualsIfExists": OURS["StringEquals"]}},
    ),
    _case("for any organization", Verdict.FAIL, FULL | {"Condition": {"StringLike": {"aws:PrincipalOrgID": "?*"}}}),
    _case(
        "for any role or user",
        Verdict.FAIL,
        FULL | {"Condition": {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:*"}}},
    ),
    _case("in its region", Verdict.FAIL, FULL | {"Condition": {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}}),
    _case("for all but services", Verdict.FAIL, FULL | {"Condition": {"Bool": {"aws:PrincipalIsAWSService": "false"}}}),
    _case("for all but one", Verdict.FAIL, FULL | {"Condition": {"StringNotEquals": {"aws:PrincipalOrgID": "o-x"}}}),
    _case(
        "over TLS for the organization",
        Verdict.PASS,
        FULL | {"Condition": OURS | {"Bool": {"aws:SecureTransport": "true"}}},
    ),
    _case("some resources", Verdict.PASS, FULL | {"Resource": "arn:aws:s3:::example/*"}, type="Gateway", service="s3"),
    _case("full access, the default", Verdict.FAIL, FULL),
    _case(
        "full access in another spelling",
        Verdict.FAIL,
        FULL | {"Principal": {"AWS": "*"}, "Action": ["*"], "Resource": ["*"]},
    ),
    _case("full access to all that the partition has", Verdict.FAIL, FULL | {"Resource": "arn:aws:*"}),
    _case("all of another partition", Verdict.PASS, FULL | {"Resource": "arn:aws-cn:*"}),
    _case(
        "for any role of another partition",
        Verdict.PASS,
        FULL | {"Condition": {"ArnLike": {"aws:PrincipalArn": "arn:aws-cn:iam::*:*"}}},
    ),
    _case("all of its own service", Verdict.FAIL, FULL | {"Resource": "arn:aws:s3:::*"}, type="Gateway", service="s3"),
    _case("all resources of another service", Verdict.PASS, FULL | {"Resource": "arn:aws:s3:::*"}),
    _case("an endpoint of a service network", Verdict.NOT_APPLICABLE, policy=None, type="ServiceNetwork"),
    _case("full access of a gateway", Verdict.FAIL, FULL, type="Gateway", service="s3"),
    _case("full access behind a narrow statement", Verdict.FAIL, FULL | {"Action": "ssm:Get*"}, FULL),
    _case("no policy", Verdict.FAIL, policy=None),
    _case("an endpoint that is deleted", Verdict.NOT_APPLICABLE, FULL, state="deleting"),
    _case("a gateway load balancer's", Verdict.NOT_APPLICABLE, policy=None, type="GatewayLoadBalancer"),
    _case("the policy was refused", Verdict.UNKNOWN, policy=GAP),
    _case("the policy is no policy", Verdict.UNKNOWN, policy={"Statement": [{"Effect": "Maybe"}]}),
]
