"""What was planned can be seen by boto3, as the scan role of each account."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from demo.company import Running, serve
from demo.company.model import Account

pytestmark = pytest.mark.slow

Client = Callable[..., Any]


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with serve(seed=7, accounts=14, regions=3) as company:
        yield company


def connect(running: Running, service: str, region: str, **credentials: str) -> Any:
    keys = credentials or {
        "aws_access_key_id": running.env["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": running.env["AWS_SECRET_ACCESS_KEY"],
    }
    quick = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
    return boto3.client(service, region_name=region, endpoint_url=running.url, config=quick, **keys)


def assume(
    running: Running, account: Account, external_id: str | None = None, role: str = "TUTELA_SCAN_ROLE"
) -> dict[str, str]:
    sts = connect(running, "sts", running.plan.regions[0])
    answer = sts.assume_role(
        RoleArn=f"arn:aws:iam::{account.id}:role/{running.env[role]}",
        RoleSessionName="test",
        ExternalId=external_id or running.env["TUTELA_EXTERNAL_ID"],
    )["Credentials"]
    return {
        "aws_access_key_id": answer["AccessKeyId"],
        "aws_secret_access_key": answer["SecretAccessKey"],
        "aws_session_token": answer["SessionToken"],
    }


@pytest.fixture
def client(running: Running) -> Client:
    def make(name: str, service: str, region: str = "") -> Any:
        account = by_name(running, name)
        return connect(running, service, region or running.plan.regions[0], **assume(running, account))

    return make


def by_name(running: Running, name: str) -> Account:
    return next(account for account in running.plan.accounts if account.name == name)


def planned(running: Running, name: str, kind: str) -> list[Any]:
    return [t for t in by_name(running, name).of(kind) if t.region == running.plan.regions[0]]


def test_served_organization_matches_the_plan(running: Running) -> None:
    organizations = connect(running, "organizations", "us-east-1")
    assert organizations.describe_organization()["Organization"]["Id"] == running.plan.organization
    pages = organizations.get_paginator("list_accounts").paginate()
    found = {a["Id"]: (a["Name"], a["Status"]) for page in pages for a in page["Accounts"]}
    assert found == {a.id: (a.name, a.status) for a in running.plan.accounts}
    top = organizations.list_organizational_units_for_parent(ParentId=running.plan.root)["OrganizationalUnits"]
    assert {unit["Name"] for unit in top} == {"Security", "Infrastructure", "Workloads", "Sandbox"}
    for account in running.plan.accounts[1:3]:
        tags = organizations.list_tags_for_resource(ResourceId=account.id)["Tags"]
        assert {tag["Key"]: tag["Value"] for tag in tags} == account.tags


@pytest.mark.parametrize("name", ["retired-shop", "acquired-shop"])
def test_suspended_accounts_and_missing_roles_refuse(running: Running, name: str) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        assume(running, by_name(running, name))


def test_the_external_id_is_asked_for(running: Running) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        assume(running, by_name(running, "payments-prod"), "another-id")


def test_regions_are_those_of_the_plan(running: Running, client: Client) -> None:
    for name, extra in (("payments-prod", ()), ("billing-prod", running.plan.opt_in)):
        listed = client(name, "account", "us-east-1").list_regions(
            RegionOptStatusContains=["ENABLED", "ENABLED_BY_DEFAULT"], MaxResults=50
        )
        assert {r["RegionName"] for r in listed["Regions"]} == {*running.plan.regions, *extra}


def test_parameters_with_their_hostile_texts(running: Running, client: Client) -> None:
    ssm = client("sandbox-fuzz", "ssm")
    pages = ssm.get_paginator("describe_parameters").paginate()
    found = {p["Name"]: p.get("Description") for page in pages for p in page["Parameters"]}
    assert found == {t.data["name"]: t.data["description"] for t in planned(running, "sandbox-fuzz", "parameter")}
    assert any(len(name) > 900 for name in found)


def test_documents_their_content_and_their_sharing(running: Running, client: Client) -> None:
    ssm = client("legacy-billing", "ssm")
    things = planned(running, "legacy-billing", "document")
    filters = [{"Key": "Owner", "Values": ["Self"]}]
    pages = ssm.get_paginator("list_documents").paginate(Filters=filters)
    assert {d["Name"] for page in pages for d in page["DocumentIdentifiers"]} == {t.data["name"] for t in things}
    for thing in things:
        shared = ssm.describe_document_permission(Name=thing.data["name"], PermissionType="Share")
        assert tuple(shared["AccountIds"]) == tuple(thing.data["shared"])
        assert thing.data["name"] in ssm.get_document(Name=thing.data["name"])["Name"]


def test_served_runs_and_outputs_match_the_plan(running: Running, client: Client) -> None:
    ssm = client("payments-prod", "ssm")
    commands = {c["CommandId"]: c for c in ssm.list_commands()["Commands"]}
    for thing in planned(running, "payments-prod", "command"):
        held = commands[thing.data["id"]]
        assert held["OutputS3BucketName"] == thing.data["bucket"]
        assert held.get("CloudWatchOutputConfig", {}).get("CloudWatchLogGroupName", "") == thing.data["group"]
    for thing in planned(running, "payments-prod", "association"):
        ssm.describe_association(AssociationId=thing.data["id"])
    for thing in planned(running, "payments-prod", "window_task"):
        task = ssm.get_maintenance_window_task(WindowId=thing.data["window"], WindowTaskId=thing.data["id"])
        assert task["TaskInvocationParameters"]["RunCommand"]["OutputS3BucketName"] == thing.data["bucket"]
    for thing in planned(running, "payments-prod", "baseline"):
        assert ssm.get_patch_baseline(BaselineId=thing.data["id"])["Sources"]
    assert ssm.describe_ops_items()["OpsItemSummaries"]
    assert ssm.describe_activations()["ActivationList"]
    assert ssm.list_resource_data_sync()["ResourceDataSyncItems"]


def test_keys_in_every_state(running: Running, client: Client) -> None:
    account, kms = by_name(running, "billing-prod"), client("billing-prod", "kms")
    here = [key for key in account.keys if key.region == running.plan.regions[0]]
    assert {key.state for key in here} == {"Enabled", "Disabled", "PendingDeletion"}
    for key in here:
        held = kms.describe_key(KeyId=key.arn)["KeyMetadata"]
        assert (held["KeyState"], held["KeyManager"], held["Description"]) == (key.state, key.manager, key.description)
    aliases = {a["AliasName"] for page in kms.get_paginator("list_aliases").paginate() for a in page["Aliases"]}
    assert {key.alias for key in here if key.alias} <= aliases


def test_buckets_policies_and_encryption(running: Running, client: Client) -> None:
    account, s3 = by_name(running, "billing-prod"), client("billing-prod", "s3")
    assert {b["Name"] for b in s3.list_buckets()["Buckets"]} == {b.name for b in account.buckets}
    bucket = next(b for b in account.buckets if "-dsse-" in b.name and b.region == running.plan.regions[0])
    rules = s3.get_bucket_encryption(Bucket=bucket.name)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"] == bucket.encryption
    assert "HttpsOnly" in s3.get_bucket_policy(Bucket=bucket.name)["Policy"]
    with pytest.raises(ClientError, match="403") as raised:
        s3.head_bucket(Bucket=running.plan.foreign_buckets[0])
    assert raised.value.response["ResponseMetadata"]["HTTPHeaders"]["x-amz-bucket-region"]
    assert raised.value.response["Error"]["Code"] == "403", "there is no body that says more"


def test_nodes_endpoints_and_their_doors(running: Running, client: Client) -> None:
    ec2 = client("legacy-billing", "ec2")
    types = {
        i["InstanceId"]: i["InstanceType"] for r in ec2.describe_instances()["Reservations"] for i in r["Instances"]
    }
    assert types == {t.data["id"]: t.data["type"] for t in planned(running, "legacy-billing", "instance")}
    ends = {e["VpcEndpointId"]: e for e in ec2.describe_vpc_endpoints()["VpcEndpoints"]}
    for thing in planned(running, "legacy-billing", "endpoint"):
        held = ends[thing.data["id"]]
        assert held["ServiceName"] == thing.data["service"]
        assert held["VpcEndpointType"] == ("Gateway" if thing.data["gateway"] else "Interface")


def test_the_credential_report_has_the_planned_rows(running: Running, client: Client) -> None:
    iam = client("legacy-billing", "iam", "us-east-1")
    iam.generate_credential_report()
    rows = iam.get_credential_report()["Content"].decode().splitlines()
    names = {row.partition(",")[0] for row in rows[1:]}
    assert names == {"<root_account>", *(t.data["name"] for t in by_name(running, "legacy-billing").of("user"))}


def test_the_policy_denies_two_reads_and_no_others(running: Running, client: Client) -> None:
    ssm, kms = client("sandbox-guarded", "ssm"), client("sandbox-guarded", "kms")
    with pytest.raises(ClientError, match="service control policy"):
        ssm.describe_parameters()
    with pytest.raises(ClientError, match="service control policy"):
        kms.get_key_policy(KeyId="alias/data", PolicyName="default")
    assert ssm.list_documents()["DocumentIdentifiers"]


def test_quarantined_account_reveals_only_its_regions(running: Running, client: Client) -> None:
    assert client("sandbox-quarantine", "account", "us-east-1").list_regions()["Regions"]
    for service, operation in (("ssm", "list_documents"), ("s3", "list_buckets"), ("kms", "list_aliases")):
        with pytest.raises(ClientError, match="service control policy"):
            getattr(client("sandbox-quarantine", service), operation)()


def test_the_value_role_reads_plain_values_and_nothing_else(running: Running) -> None:
    account = by_name(running, "payments-prod")
    ssm = connect(running, "ssm", running.plan.regions[0], **assume(running, account, role="TUTELA_VALUE_ROLE"))
    read = ssm.get_parameters(Names=["/apps/orders/feature-0"], WithDecryption=False)["Parameters"]
    assert [parameter["Value"] for parameter in read] == ["on-0"]
    for refused in (
        lambda: ssm.get_parameter(Name="/apps/orders/feature-0"),
        lambda: ssm.get_parameters_by_path(Path="/"),
        ssm.describe_parameters,
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            refused()


def test_the_organization_trail_is_seen_from_a_member(running: Running, client: Client) -> None:
    trails = client("security-audit", "cloudtrail", "us-east-1").describe_trails()["trailList"]
    assert [trail["IsOrganizationTrail"] for trail in trails] == [True]


def test_values_can_not_be_read(client: Client) -> None:
    ssm, s3 = client("payments-prod", "ssm"), client("payments-prod", "s3")
    with pytest.raises(ClientError, match="AccessDenied"):
        ssm.get_parameter(Name="/apps/orders/feature-0")
    with pytest.raises(ClientError, match="explicit deny in an identity-based policy"):
        ssm.get_parameters(Names=["/apps/orders/feature-0"])
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.get_object(Bucket="any", Key="object")
