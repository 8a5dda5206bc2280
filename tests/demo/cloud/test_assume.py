from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.demo.cloud.conftest import ALLOW_ALL, EXTERNAL_ID, HUB, ROLE, World, code, policy, trust

pytestmark = pytest.mark.slow


def refused(world: World, account: str, role: str = ROLE, **more: Any) -> str:
    with pytest.raises(ClientError) as raised:
        world.assume(account, role, **more)
    assert code(raised) == ("AccessDenied", 403)
    return str(raised.value.response["Error"]["Message"])


def test_a_trusted_caller_with_the_external_id_becomes_the_role(world: World, account: str) -> None:
    given = world.assume(account)
    caller = world.client("sts", **given).get_caller_identity()
    assert caller["Account"] == account
    assert caller["Arn"] == f"arn:aws:sts::{account}:assumed-role/{ROLE}/scan-1"


@pytest.mark.parametrize("external_id", [None, "another-id", EXTERNAL_ID.upper()])
def test_without_the_right_external_id_it_is_refused(world: World, account: str, external_id: str | None) -> None:
    message = refused(world, account, ExternalId=external_id)
    assert message == (
        f"User: arn:aws:iam::{HUB}:user/hub is not authorized to perform: sts:AssumeRole "
        f"on resource: arn:aws:iam::{account}:role/{ROLE}"
    )


def test_a_missing_role_and_a_wrong_path_are_refused_alike(world: World, account: str) -> None:
    world.role(account, "Deep", path="/audit/")
    refused(world, account, "Nowhere")
    refused(world, account, "Deep")
    assert world.assume(account, "audit/Deep")


def test_unknown_account_is_refused(world: World) -> None:
    refused(world, "999999999999")


@pytest.mark.parametrize("status", ["SUSPENDED", "PENDING_CLOSURE"])
def test_a_closed_account_is_refused(world: World, account: str, status: str) -> None:
    world.organization.accounts[-1].status = status
    refused(world, account)


def test_trust_policy_limits_who_may_assume(world: World, account: str) -> None:
    world.role(account, "Other", trust("arn:aws:iam::999999999999:root"))
    world.role(account, "User", trust(f"arn:aws:iam::{HUB}:user/hub"))
    world.role(
        account,
        "Organization",
        trust("*", Condition={"StringEquals": {"aws:PrincipalOrgID": world.organization.org.id}}),
    )
    world.role(account, "Elsewhere", trust("*", Condition={"StringEquals": {"aws:PrincipalOrgID": "o-elsewhere"}}))
    refused(world, account, "Other")
    refused(world, account, "Elsewhere")
    assert world.assume(account, "User")
    assert world.assume(account, "Organization")


def test_a_condition_that_is_not_met_refuses(world: World, account: str) -> None:
    world.role(account, "Mfa", trust("*", Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}}))
    refused(world, account, "Mfa")


def test_role_assumes_next_role_if_policies_allow(world: World, account: str) -> None:
    world.role(HUB, "Hub", trust(f"arn:aws:iam::{HUB}:root", None))
    only = policy({"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": f"arn:aws:iam::*:role/{ROLE}"})
    world.role(HUB, "Narrow", trust(f"arn:aws:iam::{HUB}:root", None), only)
    world.role(account, "ForHub", trust(f"arn:aws:iam::{HUB}:role/Hub"))
    hub = world.client("sts", **world.assume(HUB, "Hub"))
    narrow = world.client("sts", **world.assume(HUB, "Narrow"))
    assert world.assume(account, "ForHub", by=hub)
    assert world.assume(account, by=narrow)
    refused(world, account, "ForHub", by=narrow)


@pytest.mark.parametrize(("text", "expected"), [("x" * 2049, "ValidationError"), ("{", "MalformedPolicyDocument")])
def test_a_session_policy_that_sts_would_not_take(world: World, account: str, text: str, expected: str) -> None:
    with pytest.raises(ClientError) as raised:
        world.assume(account, Policy=text)
    assert code(raised) == (expected, 400)


def test_expired_credentials_are_told_apart(world: World, account: str) -> None:
    given = world.assume(account, DurationSeconds=900)
    authority = world.server.front.authority
    held = authority._sessions[given["aws_access_key_id"]]
    authority._sessions[given["aws_access_key_id"]] = held.__class__(
        held.account, held.arn, held.role, held.role_arn, held.policy, held.expires.replace(year=2020)
    )
    for service, expected in (("ssm", "ExpiredTokenException"), ("iam", "ExpiredToken")):
        client = world.client(service, **given)
        with pytest.raises(ClientError) as raised:
            client.list_documents() if service == "ssm" else client.get_account_summary()
        assert code(raised) == (expected, 403)


UNKNOWN = {"aws_access_key_id": "AKIANOBODY0000000000", "aws_secret_access_key": "x"}


@pytest.mark.parametrize(
    ("service", "operation", "expected"),
    [
        ("ssm", "list_documents", ("UnrecognizedClientException", 400)),
        ("macie2", "get_macie_session", ("UnrecognizedClientException", 403)),
        ("iam", "get_account_summary", ("InvalidClientTokenId", 403)),
        ("sts", "get_caller_identity", ("InvalidClientTokenId", 403)),
        ("ec2", "describe_regions", ("AuthFailure", 401)),
        ("s3", "list_buckets", ("InvalidAccessKeyId", 403)),
    ],
)
def test_unknown_keys_are_refused(world: World, service: str, operation: str, expected: tuple[str, int]) -> None:
    with pytest.raises(ClientError) as raised:
        getattr(world.client(service, **UNKNOWN), operation)()
    assert code(raised) == expected


def test_deleted_key_is_refused_as_unknown(world: World) -> None:
    from moto.iam.models import iam_backends

    account = world.member()
    sts = world.client("sts", account)
    assert sts.get_caller_identity()["Account"] == account
    iam_backends[account]["aws"].access_keys.clear()
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        sts.get_caller_identity()


def test_role_may_do_only_what_it_is_allowed(world: World, account: str) -> None:
    allow = {"Effect": "Allow", "Action": ["ssm:Describe*", "s3:GetEncryptionConfiguration"], "Resource": "*"}
    world.role(
        account, "Narrow", allows=policy(allow, {"Effect": "Deny", "Action": "ssm:DescribeParameters", "Resource": "*"})
    )
    ssm = world.client("ssm", **world.assume(account, "Narrow"))
    assert ssm.describe_activations()["ActivationList"] == []
    with pytest.raises(ClientError, match="explicit deny in an identity-based policy"):
        ssm.describe_parameters()
    with pytest.raises(ClientError, match="no identity-based policy allows the ssm:ListDocuments action") as raised:
        ssm.list_documents()
    assert code(raised) == ("AccessDeniedException", 400)
    assert f"User: arn:aws:sts::{account}:assumed-role/Narrow/scan-1 is not auth" in str(raised.value)


def test_a_session_policy_only_takes_away(world: World, account: str) -> None:
    world.role(
        account, "Parameters", allows=policy({"Effect": "Allow", "Action": "ssm:DescribeParameters", "Resource": "*"})
    )
    asked = policy({"Effect": "Allow", "Action": ["ssm:DescribeParameters", "ssm:ListDocuments"], "Resource": "*"})
    narrow = world.client("ssm", **world.assume(account, "Parameters", Policy=asked))
    wide = world.client("ssm", **world.assume(account, Policy=asked))
    narrow.describe_parameters()
    wide.list_documents()
    with pytest.raises(ClientError, match="identity-based"):
        narrow.list_documents()
    with pytest.raises(ClientError, match="no session policy allows the ssm:ListCommands action"):
        wide.list_commands()


def test_managed_policies_count_too(world: World, account: str) -> None:
    from moto.iam.models import ManagedPolicy

    role = world.role(account, "Managed", allows=policy({**ALLOW_ALL, "Action": "sts:*"}))
    ManagedPolicy("read", account, "us-east-1", document=policy({**ALLOW_ALL, "Action": "ssm:List*"})).attach_to(role)
    assert world.client("ssm", **world.assume(account, "Managed")).list_documents()["DocumentIdentifiers"] == []


ACTIONS = [
    ("s3", "list_buckets", {}, "s3:ListAllMyBuckets", ("AccessDenied", 403)),
    ("s3", "get_bucket_encryption", {"Bucket": "b"}, "s3:GetEncryptionConfiguration", ("AccessDenied", 403)),
    ("s3", "get_public_access_block", {"Bucket": "b"}, "s3:GetBucketPublicAccessBlock", ("AccessDenied", 403)),
    ("resourcegroupstaggingapi", "get_resources", {}, "tag:GetResources", ("AccessDeniedException", 400)),
    ("ec2", "describe_vpcs", {}, "ec2:DescribeVpcs", ("UnauthorizedOperation", 403)),
    ("iam", "get_account_summary", {}, "iam:GetAccountSummary", ("AccessDenied", 403)),
    ("macie2", "get_macie_session", {}, "macie2:GetMacieSession", ("AccessDeniedException", 403)),
    ("account", "list_regions", {}, "account:ListRegions", ("AccessDeniedException", 403)),
    ("logs", "describe_log_groups", {}, "logs:DescribeLogGroups", ("AccessDeniedException", 400)),
    ("cloudtrail", "describe_trails", {}, "cloudtrail:DescribeTrails", ("AccessDeniedException", 400)),
    ("kms", "list_aliases", {}, "kms:ListAliases", ("AccessDeniedException", 400)),
]


@pytest.mark.parametrize(("service", "operation", "params", "action", "expected"), ACTIONS)
def test_refusals_use_protocol_code_and_name_iam_action(
    world: World, service: str, operation: str, params: dict[str, str], action: str, expected: tuple[str, int]
) -> None:
    account = world.member()
    world.deny(account, action)
    with pytest.raises(ClientError, match="explicit deny in a service control policy") as raised:
        getattr(world.client(service, **world.assume(account)), operation)(**params)
    assert code(raised) == expected
    assert f"not authorized to perform: {action} on" in str(raised.value)


def test_head_bucket_is_refused_without_a_body(world: World, account: str) -> None:
    world.deny(account, "s3:ListBucket")
    with pytest.raises(ClientError) as raised:
        world.client("s3", account).head_bucket(Bucket="anything")
    assert code(raised) == ("403", 403)


def test_a_control_policy_on_a_unit_above_binds(world: World, account: str) -> None:
    unit = world.organization.create_organizational_unit(Name="Upper", ParentId=world.organization.org.root_id)
    upper = unit["OrganizationalUnit"]["Id"]
    lower = world.organization.create_organizational_unit(Name="Lower", ParentId=upper)["OrganizationalUnit"]["Id"]
    world.organization.accounts[-1].parent_id = lower
    world.deny(upper, "kms:List*")
    with pytest.raises(ClientError, match="service control policy"):
        world.client("kms", account).list_aliases()
    world.client("ssm", account).list_documents()


def test_a_control_policy_can_spare_a_region(world: World, account: str) -> None:
    world.deny(account, "*", Condition={"StringNotEquals": {"aws:RequestedRegion": "eu-west-1"}})
    world.client("ssm", account, "eu-west-1").list_documents()
    with pytest.raises(ClientError, match="service control policy"):
        world.client("ssm", account, "us-west-2").list_documents()


def test_control_policies_never_bind_the_management_account(world: World) -> None:
    world.deny(HUB, "ssm:*")
    assert world.client("ssm").list_documents()["DocumentIdentifiers"] == []
