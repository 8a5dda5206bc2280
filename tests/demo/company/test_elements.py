"""The odd things of real accounts that the demo organization has, each by its name: one that is removed fails. (G4)"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from demo.company import Running, serve
from demo.company.constants import EXPORT_ROLE_NAME, HOST_ROLE_NAME
from demo.company.network import RETIRED
from tests.demo.company.test_served import assume, by_name, connect

pytestmark = pytest.mark.slow

MANAGEMENT, SOUND, AVERAGE, HEAVY = "management", "payments-prod", "billing-prod", "catalog-prod"
FENCED, GUARDED, ARCHIVE = "security-audit", "sandbox-guarded", "log-archive"


class Company:
    def __init__(self, running: Running) -> None:
        self.running, self.plan = running, running.plan
        self._credentials: dict[str, dict[str, str]] = {}

    def client(self, name: str, service: str, region: str = "") -> Any:
        if name not in self._credentials:
            self._credentials[name] = assume(self.running, by_name(self.running, name))
        return connect(self.running, service, region or self.plan.regions[0], **self._credentials[name])

    def roles(self, name: str) -> list[dict[str, Any]]:
        iam = self.client(name, "iam", "us-east-1")
        pages = iam.get_paginator("get_account_authorization_details").paginate(Filter=["Role"])
        return [role for page in pages for role in page["RoleDetailList"]]

    def has_role(self, account: str, name: str, path: str = "/") -> bool:
        return any(role["Path"] == path and role["RoleName"].startswith(name) for role in self.roles(account))

    def instances(self, region: str = "") -> list[dict[str, Any]]:
        held = self.client(AVERAGE, "ec2", region).describe_instances()["Reservations"]
        return [instance for each in held for instance in each["Instances"]]

    def records(self, name: str) -> list[dict[str, Any]]:
        events = self.client(name, "cloudtrail").lookup_events()["Events"]
        return [json.loads(event["CloudTrailEvent"]) for event in events]

    def bucket(self, name: str, part: str) -> str:
        here = [each.name for each in by_name(self.running, name).buckets if each.region == self.plan.regions[0]]
        return next(each for each in here if part in each)


@pytest.fixture(scope="module", params=[7, 42, 1234])
def company(request: pytest.FixtureRequest) -> Iterator[Company]:
    with serve(seed=request.param, accounts=14, regions=3) as running:
        yield Company(running)


def refusal(call: Callable[..., Any], **params: Any) -> str:
    """The code and the message."""
    with pytest.raises(ClientError) as raised:
        call(**params)
    return str(raised.value)


def organization_trail(company: Company) -> bool:
    cloudtrail = company.client(FENCED, "cloudtrail", "us-east-1")
    [arn] = [trail["TrailARN"] for trail in cloudtrail.describe_trails()["trailList"]]
    selectors = refusal(cloudtrail.get_event_selectors, TrailName=arn)
    status = refusal(cloudtrail.get_trail_status, Name=arn)
    return "CloudTrailARNInvalidException" in selectors and "TrailNotFoundException" in status


def root_device(company: Company) -> bool:
    devices = company.client(AVERAGE, "iam", "us-east-1").list_virtual_mfa_devices(AssignmentStatus="Assigned")
    names = {d["SerialNumber"].rpartition("/")[2]: d["User"]["Arn"] for d in devices["VirtualMFADevices"]}
    return names["Authapp"].endswith(":root") and ":user/" in names["root-account-mfa-device"]


def denied_region(company: Company) -> bool:
    there = company.client(FENCED, "ssm", company.plan.regions[-1])
    return "explicit deny in a service control policy" in refusal(there.list_documents)


def macie_member(company: Company) -> bool:
    macie = company.client(HEAVY, "macie2")
    names = ("get_automated_discovery_configuration", "list_automated_discovery_accounts")
    administrator = macie.get_administrator_account()["administrator"]["accountId"]
    refused = all("must be the Macie administrator" in refusal(getattr(macie, name)) for name in names)
    return refused and administrator == by_name(company.running, ARCHIVE).id


def without_ec2messages(company: Company) -> bool:
    region = company.plan.opt_in[0]
    ec2 = company.client(AVERAGE, "ec2", region)
    held = {end["ServiceName"].rpartition(".")[2] for end in ec2.describe_vpc_endpoints()["VpcEndpoints"]}
    said = refusal(ec2.describe_vpc_endpoint_services, ServiceNames=[f"com.amazonaws.{region}.ec2messages"])
    return "InvalidServiceName" in said and "ssm" in held and "ec2messages" not in held


def without_macie(company: Company) -> bool:
    return "UnknownEndpoint" in refusal(company.client(AVERAGE, "macie2", company.plan.opt_in[0]).get_macie_session)


def own_calls(company: Company) -> bool:
    return any(record.get("userAgent") == "tutela" for record in company.records(SOUND))


def heartbeat(company: Company) -> bool:
    return any(record["eventName"] == "UpdateInstanceInformation" for record in company.records(SOUND))


def resource_control_policy(company: Company) -> bool:
    s3, bucket = company.client(AVERAGE, "s3"), company.bucket(AVERAGE, "-perimeter-")
    assert s3.get_bucket_encryption(Bucket=bucket)
    return "explicit deny in a resource control policy" in refusal(s3.get_bucket_policy, Bucket=bucket)


def permissions_boundary(company: Company) -> bool:
    said = refusal(company.client(HEAVY, "ec2").get_ebs_encryption_by_default)
    edges = [role["PermissionsBoundary"] for role in company.roles(HEAVY) if "PermissionsBoundary" in role]
    return "because no permissions boundary allows the ec2:GetEbsEncryptionByDefault action" in said and len(edges) == 1


def service_control_policy(company: Company) -> bool:
    said = refusal(company.client(GUARDED, "ssm").describe_parameters)
    return "explicit deny in a service control policy" in said


def shared_vpc(company: Company) -> bool:
    owners = {vpc["OwnerId"] for vpc in company.client(AVERAGE, "ec2").describe_vpcs()["Vpcs"]}
    return len(owners) == 2


def retired_type(company: Company) -> bool:
    ec2 = company.client(AVERAGE, "ec2")
    said = refusal(ec2.describe_instance_types, InstanceTypes=["c5n.large", RETIRED])
    return "InvalidInstanceType" in said and any(each["InstanceType"] == RETIRED for each in company.instances())


def deleted_log_group(company: Company) -> bool:
    commands = company.client(AVERAGE, "ssm").list_commands()["Commands"]
    wanted = {c["CloudWatchOutputConfig"]["CloudWatchLogGroupName"] for c in commands} - {""}
    logs = company.client(AVERAGE, "logs")
    held = {group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]}
    said = refusal(logs.describe_log_groups, logGroupIdentifiers=sorted(wanted | {"/billing/automation/scripts"}))
    return wanted - held == {"/billing/deleted-output"} and "ResourceNotFoundException" in said


def hidden_security_group(company: Company) -> bool:
    ec2 = company.client(AVERAGE, "ec2")
    named = {group["GroupId"] for end in ec2.describe_vpc_endpoints()["VpcEndpoints"] for group in end["Groups"]}
    held = {group["GroupId"] for group in ec2.describe_security_groups()["SecurityGroups"]}
    return len(named - held) == 1 and len(named & held) > 1


def ended_instance(company: Company) -> bool:
    ended = {each["InstanceId"] for each in company.instances() if each["State"]["Name"] == "terminated"}
    nodes = company.client(AVERAGE, "ssm").describe_instance_information(MaxResults=50)["InstanceInformationList"]
    return bool(ended) and ended < {node["InstanceId"] for node in nodes}


SSO = "/aws-reserved/sso.amazonaws.com/eu-west-1/"
ELEMENTS: dict[str, Callable[[Company], bool]] = {
    "refusals about the organization's trail": organization_trail,
    "a root device of another name": root_device,
    "the host role at /service-role/": lambda c: c.has_role(SOUND, HOST_ROLE_NAME, "/service-role/"),
    "Explorer's role at /service-role/": lambda c: c.has_role(AVERAGE, EXPORT_ROLE_NAME, "/service-role/"),
    "AWS Control Tower's role": lambda c: c.has_role(SOUND, "AWSControlTowerExecution"),
    "AWS Organizations' role": lambda c: c.has_role(SOUND, "OrganizationAccountAccessRole"),
    "a role of stack sets": lambda c: c.has_role(SOUND, "stacksets-exec-"),
    "a role of IAM Identity Center": lambda c: c.has_role(SOUND, "AWSReservedSSO_AdministratorAccess_", SSO),
    "a region that a service control policy denies": denied_region,
    "calls that a service control policy denies": service_control_policy,
    "Macie's refusals to a member": macie_member,
    "a region without ec2messages": without_ec2messages,
    "a region without Macie": without_macie,
    "the portal's own calls among the events": own_calls,
    "SSM Agent's heartbeat among the events": heartbeat,
    "a denial by a resource control policy": resource_control_policy,
    "a denial by a permissions boundary": permissions_boundary,
    "a VPC that another account shares": shared_vpc,
    "a retired type in a batch": retired_type,
    "a deleted log group in a batch": deleted_log_group,
    "a hidden security group in a batch": hidden_security_group,
    "an ended instance among the nodes": ended_instance,
}


@pytest.mark.parametrize("name", ELEMENTS)
def test_each_odd_element_is_served(company: Company, name: str) -> None:
    assert ELEMENTS[name](company), name


def associations(company: Company) -> list[dict[str, Any]]:
    ssm = company.client(AVERAGE, "ssm")
    ids = [each["AssociationId"] for each in ssm.list_associations(MaxResults=50)["Associations"]]
    return [ssm.describe_association(AssociationId=id)["AssociationDescription"] for id in ids]


def window_tasks(company: Company) -> list[dict[str, Any]]:
    ssm = company.client(AVERAGE, "ssm")
    windows = [each["WindowId"] for each in ssm.describe_maintenance_windows()["WindowIdentities"]]
    tasks = [task for id in windows for task in ssm.describe_maintenance_window_tasks(WindowId=id)["Tasks"]]
    return [ssm.get_maintenance_window_task(WindowId=t["WindowId"], WindowTaskId=t["WindowTaskId"]) for t in tasks]


def baselines(company: Company) -> list[dict[str, Any]]:
    ssm = company.client(AVERAGE, "ssm")
    listed = ssm.describe_patch_baselines(Filters=[{"Key": "OWNER", "Values": ["Self"]}])["BaselineIdentities"]
    return [each | ssm.get_patch_baseline(BaselineId=each["BaselineId"]) for each in listed]


def user_data(company: Company) -> list[dict[str, Any]]:
    ec2 = company.client(AVERAGE, "ec2")
    id = next(each["InstanceId"] for each in company.instances() if each["State"]["Name"] == "running")
    return [ec2.describe_instance_attribute(InstanceId=id, Attribute="userData")["UserData"]]


def template_versions(company: Company) -> list[dict[str, Any]]:
    ec2 = company.client(AVERAGE, "ec2")
    [id] = [each["LaunchTemplateId"] for each in ec2.describe_launch_templates()["LaunchTemplates"]]
    versions = ec2.describe_launch_template_versions(LaunchTemplateId=id)["LaunchTemplateVersions"]
    return [each["LaunchTemplateData"] for each in versions]


def answer(account: str, service: str, operation: str, items: str, **params: Any) -> Callable[[Company], list[Any]]:
    """items: the member that holds them; "" for the whole answer."""

    def ask(company: Company) -> list[Any]:
        found = getattr(company.client(account, service), operation)(**params)
        return list(found[items]) if items else [found]

    return ask


def location(company: Company) -> list[dict[str, Any]]:
    bucket = next(b.name for b in by_name(company.running, AVERAGE).buckets if b.region == "us-east-1")
    said = company.client(AVERAGE, "s3", "us-east-1").get_bucket_location(Bucket=bucket)
    return [{name: value for name, value in said.items() if value is not None}]


# What AWS leaves out where there is nothing to say.
LEFT_OUT: dict[str, tuple[Callable[[Company], list[Any]], str]] = {
    "no next page": (answer(AVERAGE, "ssm", "list_documents", ""), "NextToken"),
    "a parameter without a description": (answer(AVERAGE, "ssm", "describe_parameters", "Parameters"), "Description"),
    "a plain parameter's key": (answer(SOUND, "ssm", "describe_parameters", "Parameters", MaxResults=50), "KeyId"),
    "an association without output": (associations, "OutputLocation"),
    "an association without parameters": (associations, "Parameters"),
    "an association without a name": (associations, "AssociationName"),
    "a window without a description": (
        answer(AVERAGE, "ssm", "describe_maintenance_windows", "WindowIdentities"),
        "Description",
    ),
    "a task without parameters": (window_tasks, "TaskInvocationParameters"),
    "an activation without a description": (
        answer(AVERAGE, "ssm", "describe_activations", "ActivationList"),
        "Description",
    ),
    "a baseline without a description": (baselines, "Description"),
    "a listed baseline without a description": (baselines, "BaselineDescription"),
    "an OpsItem without data": (answer(SOUND, "ssm", "describe_ops_items", "OpsItemSummaries"), "OperationalData"),
    "a data sync without a bucket": (
        answer(AVERAGE, "ssm", "list_resource_data_sync", "ResourceDataSyncItems"),
        "S3Destination",
    ),
    "a log group without a key": (answer(AVERAGE, "logs", "describe_log_groups", "logGroups"), "kmsKeyId"),
    "a trail without a key": (answer(AVERAGE, "cloudtrail", "describe_trails", "trailList"), "KmsKeyId"),
    "a trail without a log group": (
        answer(AVERAGE, "cloudtrail", "describe_trails", "trailList"),
        "CloudWatchLogsLogGroupArn",
    ),
    "an event without a user": (answer(SOUND, "cloudtrail", "lookup_events", "Events"), "Username"),
    "a service's call without TLS": (lambda c: c.records(SOUND), "tlsDetails"),
    "a spare device's user": (answer(AVERAGE, "iam", "list_virtual_mfa_devices", "VirtualMFADevices"), "User"),
    "a role without a boundary": (lambda c: c.roles(AVERAGE), "PermissionsBoundary"),
    "the VPC of an ended instance": (lambda c: c.instances(), "VpcId"),
    "an instance without user data": (user_data, "Value"),
    "a template without user data": (template_versions, "UserData"),
    "no account-wide metadata setting": (
        lambda c: [c.client(FENCED, "ec2").get_instance_metadata_defaults()["AccountLevel"]],
        "HttpTokens",
    ),
    "the location of a bucket in us-east-1": (location, "LocationConstraint"),
    "no Macie administrator": (answer(ARCHIVE, "macie2", "get_administrator_account", ""), "administrator"),
}


@pytest.mark.parametrize("name", LEFT_OUT)
def test_what_aws_leaves_out_is_left_out(company: Company, name: str) -> None:
    read, member = LEFT_OUT[name]
    items = read(company)
    assert any(member not in item for item in items), (name, items)
