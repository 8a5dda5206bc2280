"""What moto doesn't model, or not truly: kept in demo.cloud.state. And trails, which need others' buckets."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from moto.cloudtrail.models import Trail, cloudtrail_backends

from demo.cloud.state import Extra, account_extra, extra
from demo.company.constants import HOST_ROLE_NAME, OPT_IN, REGIONS, ROLE_NAME
from demo.company.model import Account, Plan, Thing
from demo.company.seeding.given import given

AGENT = "3.3.987.0"


def seed(plan: Plan, account: Account) -> None:
    now = datetime.fromisoformat(plan.now)
    for thing in account.things:
        if thing.kind in SEEDERS:
            SEEDERS[thing.kind](extra(account.id, thing.region), thing, now)
    for region, status in account.macie.items():
        held = extra(account.id, region)
        held.macie_status = status
        held.macie_discovery = "ENABLED" if region in account.discovers else "DISABLED"
        if account.macie_administrator and status == "ENABLED":
            held.macie_administrator = account.macie_administrator
            held.macie_tells_member = account.archetype != "heavy"
            extra(account.macie_administrator, region).macie_members[account.id] = held.macie_discovery
    for thing in account.of("trail"):
        _trail(account, thing)
    account_extra(account.id).region_status = region_status(plan, account)


def region_status(plan: Plan, account: Account) -> dict[str, str]:
    """Regions beyond the company's are off, so that a scan without limits finds the same. us-east-1 can't be:
    what is global is asked there."""
    status = {region: "DISABLED" for region in (*REGIONS, *OPT_IN) if region != "us-east-1"}
    status |= dict.fromkeys(account.regions, "ENABLED_BY_DEFAULT")
    return status | dict.fromkeys(account.opted_in, "ENABLED")


def _trail(account: Account, thing: Thing) -> None:
    data = thing.data
    with given((Trail, "check_bucket_exists", None)):  # moto knows no bucket policy that lets others in
        trail = Trail(
            account.id,
            thing.region,
            trail_name=data["name"],
            bucket_name=data["bucket"],
            s3_key_prefix="",
            sns_topic_name="",
            is_global=data["multi_region"],
            is_multi_region=data["multi_region"],
            log_validation=data["validated"],
            is_org_trail=data["organization"],
            cw_log_group_arn=data["log_group"],
            cw_role_arn="",
            kms_key_id=data["key"] or "",
        )
    trail.event_selectors, trail.advanced_event_selectors = data["selectors"], data["advanced"]
    if data["logging"]:
        trail.status.start_logging()
    cloudtrail_backends[account.id][thing.region].trails[trail.trail_name] = trail


def _settings(held: Extra, thing: Thing, now: datetime) -> None:
    held.settings.update(thing.data)


def _association(held: Extra, thing: Thing, now: datetime) -> None:
    data = thing.data
    description = {
        "AssociationId": data["id"],
        "Name": data["document"],
        "AssociationVersion": str(len(data["older"]) + 1),
        "Targets": [{"Key": "InstanceIds", "Values": ["*"]}],
        "ScheduleExpression": "rate(1 day)",
    }
    description |= {"AssociationName": data["name"]} if data["name"] else {}
    description |= {"Parameters": data["parameters"]} if data["parameters"] else {}
    if data["bucket"]:
        description["OutputLocation"] = {
            "S3Location": {"OutputS3BucketName": data["bucket"], "OutputS3Region": thing.region}
        }
    held.associations[data["id"]] = description
    held.association_versions[data["id"]] = [
        {"AssociationId": data["id"], "AssociationVersion": str(number), "Name": data["document"], "Parameters": given}
        for number, given in enumerate(data["older"], 1)
    ]


def _data_sync(held: Extra, thing: Thing, now: datetime) -> None:
    data = thing.data
    item: dict[str, Any] = {"SyncName": data["name"], "LastStatus": "Successful"}
    if data["from_source"]:
        source = {"SourceType": "AwsOrganizations", "SourceRegions": [thing.region], "IncludeFutureRegions": False}
        item |= {"SyncType": "SyncFromSource", "SyncSource": source}
    else:
        target = {"BucketName": data["bucket"], "SyncFormat": "JsonSerDe", "Region": thing.region}
        if data["key"]:
            target["AWSKMSKeyARN"] = data["key"]
        item |= {"SyncType": "SyncToDestination", "S3Destination": target}
    held.data_syncs[data["name"]] = item


def _hybrid(held: Extra, thing: Thing, now: datetime) -> None:
    held.hybrid_nodes.append(
        {
            "InstanceId": thing.data["id"],
            "PingStatus": "Online",
            "AgentVersion": AGENT,
            "IsLatestVersion": True,
            "PlatformType": "Linux",
            "ResourceType": "ManagedInstance",
            "ComputerName": "till-01.shop.invalid",
        }
    )


def _automation(held: Extra, thing: Thing, now: datetime) -> None:
    data = thing.data
    held.automations[data["id"]] = {
        "AutomationExecutionId": data["id"],
        "DocumentName": data["document"],
        "Parameters": data["parameters"],
        "StepExecutions": [{"StepName": f"step-{n}", "Inputs": given} for n, given in enumerate(data["steps"])],
        "AutomationExecutionStatus": "Success",
        "ExecutionStartTime": now - timedelta(days=2),
    }


def _ops_item(held: Extra, thing: Thing, now: datetime) -> None:
    data = thing.data
    item: dict[str, Any] = {
        "OpsItemId": data["id"],
        "Title": data["title"],
        "Description": data["description"],
        "Source": "company",
        "Status": "Open",
        "CreatedTime": now - timedelta(days=3),
        "LastModifiedTime": now - timedelta(days=3),
    }
    if data["note"]:
        item["OperationalData"] = {"/company/note": {"Value": data["note"], "Type": "SearchableString"}}
    held.ops_items[data["id"]] = item


def _activation(held: Extra, thing: Thing, now: datetime) -> None:
    data = thing.data
    held.activations.append(
        {
            "ActivationId": data["id"],
            **({"Description": data["description"]} if data["description"] else {}),
            "IamRole": "service-role/AmazonEC2RunCommandRoleForManagedInstances",
            "RegistrationLimit": 5,
            "RegistrationsCount": 1,
            "ExpirationDate": now + timedelta(days=5),
            "CreatedDate": now - timedelta(days=5),
        }
    )


def _events(held: Extra, thing: Thing, now: datetime) -> None:
    data = thing.data
    for number, (id, version) in enumerate(zip(data["ids"], data["versions"], strict=True)):
        when = now - timedelta(hours=number + 1)
        held.events.append(_event(thing, id, "DescribeParameters", when, (version, data["host"]), data["user"]))
    if data["versions"]:
        held.events.append(_service_event(thing, now - timedelta(hours=9)))
    # Beside the company's clients, the portal's own last scan and SSM Agent's heartbeat, through the plain endpoint.
    plain = ("TLSv1.2", f"ssm.{thing.region}.amazonaws.com")
    account = thing.arn.split(":")[4]
    own = {
        "userAgent": "tutela",
        "userIdentity": {
            "type": "AssumedRole",
            "arn": f"arn:aws:sts::{account}:assumed-role/{ROLE_NAME}/tutela-scan-1-1",
            "sessionContext": {"sessionIssuer": {"arn": f"arn:aws:iam::{account}:role/{ROLE_NAME}"}},
        },
    }
    held.events.append(_event(thing, f"{account}-own", "ListDocuments", now, plain, ROLE_NAME, **own))
    held.events.append(_event(thing, f"{account}-beat", "UpdateInstanceInformation", now, plain, HOST_ROLE_NAME))


def _service_event(thing: Thing, when: datetime) -> dict[str, Any]:
    """A call by an AWS service: its record has no TLS details, and the event no user."""
    made = _event(
        thing,
        f"{thing.arn.split(':')[4]}-service",
        "GetParameters",
        when,
        ("", ""),
        "",
        sourceIPAddress="ecs-tasks.amazonaws.com",
    )
    record = json.loads(made["CloudTrailEvent"])
    del record["tlsDetails"], made["Username"]
    return made | {"CloudTrailEvent": json.dumps(record)}


def _event(
    thing: Thing, id: str, name: str, when: datetime, tls: tuple[str, str], user: str, **more: Any
) -> dict[str, Any]:
    """tls: the version and the host."""
    version, host = tls
    record = {
        "eventVersion": "1.09",
        "eventSource": "ssm.amazonaws.com",
        "eventName": name,
        "eventTime": when.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "awsRegion": thing.region,
        "eventID": id,
        "tlsDetails": {
            "tlsVersion": version,
            "cipherSuite": "TLS_AES_128_GCM_SHA256",
            "clientProvidedHostHeader": host,
        },
        **more,
    }
    return {
        "EventId": id,
        "EventName": name,
        "EventSource": "ssm.amazonaws.com",
        "EventTime": when,
        "ReadOnly": "true",
        "Username": user,
        "Resources": [],
        "CloudTrailEvent": json.dumps(record),
    }


def _share(held: Extra, thing: Thing, now: datetime) -> None:
    held.shared_parameters[thing.arn] = list(thing.data["principals"])


def _made_package(held: Extra, thing: Thing, now: datetime) -> None:
    """CloudTrail's record of a package's making: all that tells from where its files came."""
    data = thing.data
    attachments = [{"key": "SourceUrl", "values": [f"s3://{data['bucket']}/packages"]}]
    record = {
        "eventSource": "ssm.amazonaws.com",
        "eventName": "CreateDocument",
        "requestParameters": {"name": data["name"], "documentType": "Package", "attachments": attachments},
    }
    held.events.append(
        {
            "EventId": data["id"],
            "EventName": "CreateDocument",
            "EventSource": "ssm.amazonaws.com",
            "EventTime": now - timedelta(days=9),
            "ReadOnly": "false",
            "Username": "packager",
            "Resources": [],
            "CloudTrailEvent": json.dumps(record),
        }
    )


SEEDERS: dict[str, Callable[[Extra, Thing, datetime], None]] = {
    "settings": _settings,
    "association": _association,
    "data_sync": _data_sync,
    "hybrid": _hybrid,
    "automation": _automation,
    "ops_item": _ops_item,
    "activation": _activation,
    "events": _events,
    "share": _share,
    "made_package": _made_package,
}
