"""Systems Manager's configuration: parameters, documents, service settings, baselines, nodes."""

from __future__ import annotations

from typing import Any

from moto.ec2.models import ec2_backends
from moto.ssm.models import ssm_backends

from demo.cloud.handlers._pages import page
from demo.cloud.protocol import AwsError, Request
from demo.cloud.state import extra

DEFAULT_SETTINGS = {
    "/ssm/documents/console/public-sharing-permission": "Enable",
    "/ssm/automation/customer-script-log-destination": "None",
    "/ssm/automation/customer-script-log-group-name": "/aws/ssm/automation/executeScript",
    "/ssm/managed-instance/default-ec2-instance-management-role": "$None",
    "/ssm/managed-instance/activation-tier": "standard",
    "/ssm/parameter-store/default-parameter-tier": "Standard",
    "/ssm/parameter-store/high-throughput-enabled": "false",
    "/ssm/opsinsights/opscenter": "Disabled",
}


def describe_parameters(request: Request) -> dict[str, Any]:
    """With filters moto chooses; Shared means parameters of other accounts, of which there are none here."""
    asked, backend = request.params, ssm_backends[request.account][request.region]
    if asked.get("Shared"):
        held = []
    elif asked.get("Filters") or asked.get("ParameterFilters"):
        held = backend.describe_parameters(asked.get("Filters"), asked.get("ParameterFilters"))
    else:
        held = [versions[-1] for _, versions in sorted(backend._parameters.items()) if versions]
    return page(request, held, "Parameters", lambda p: parameter(request, p), default=10)


def parameter(request: Request, held: Any) -> dict[str, Any]:
    name = held.name.lstrip("/")
    answer = {
        "Name": held.name,
        "ARN": f"arn:aws:ssm:{request.region}:{request.account}:parameter/{name}",
        "Type": held.parameter_type,
        "LastModifiedDate": held.last_modified_date,
        "LastModifiedUser": f"arn:aws:iam::{request.account}:root",
        "Version": held.version,
        "Tier": held.tier or "Standard",
        "Policies": [],
        "DataType": held.data_type or "text",
    }
    if held.keyid:
        answer["KeyId"] = held.keyid
    if held.description:
        answer["Description"] = held.description
    return answer


def list_documents(request: Request) -> dict[str, Any]:
    backend = ssm_backends[request.account][request.region]
    wanted = {f["Key"]: f["Values"] for f in request.params.get("Filters", [])}
    owners, types, names = wanted.get("Owner", ["Self"]), wanted.get("DocumentType"), wanted.get("Name")
    held = [
        documents
        for _, documents in sorted(backend._documents.items())
        if (d := documents.get_default_version()).owner == request.account
        and not {"Self", "Private", "All"}.isdisjoint(owners)
        and (types is None or d.document_type in types)
        and (names is None or d.name in names)
    ]
    return page(request, held, "DocumentIdentifiers", identifier, default=10)


def list_document_versions(request: Request) -> dict[str, Any]:
    name = str(request.params.get("Name")).rsplit("document/", 1)[-1]
    documents = ssm_backends[request.account][request.region]._documents.get(name)
    if documents is None:
        raise AwsError("InvalidDocument", "The specified document does not exist.")
    held = [
        {
            "Name": name,
            "DocumentVersion": number,
            "CreatedDate": document.created_date,
            "IsDefaultVersion": number == documents.default_version,
            "DocumentFormat": document.document_format,
            "Status": "Active",
        }
        for number, document in reversed(documents.versions.items())
    ]
    return page(request, held, "DocumentVersions")


def identifier(documents: Any) -> dict[str, Any]:
    document = documents.get_default_version()
    return {
        "Name": document.name,
        "Owner": document.owner,
        "CreatedDate": document.created_date,
        "PlatformTypes": ["Linux"],
        "DocumentVersion": documents.default_version,
        "DocumentType": document.document_type,
        "DocumentFormat": document.document_format,
        "SchemaVersion": document.schema_version,
    }


def setting_id(request: Request) -> str:
    id = str(request.params["SettingId"])
    id = "/" + id.split("servicesetting/", 1)[1] if id.startswith("arn:") else id
    if id not in DEFAULT_SETTINGS:
        message = (
            "The specified service setting wasn't found. Either the service name or the setting has not been "
            "provisioned by the AWS service team."
        )
        raise AwsError("ServiceSettingNotFound", message)
    return id


def get_service_setting(request: Request) -> dict[str, Any]:
    id = setting_id(request)
    changed = extra(request.account, request.region).settings
    setting = {
        "SettingId": id,
        "SettingValue": changed.get(id, DEFAULT_SETTINGS[id]),
        "LastModifiedUser": "System",
        "ARN": f"arn:aws:ssm:{request.region}:{request.account}:servicesetting{id}",
        "Status": "Customized" if id in changed else "Default",
    }
    return {"ServiceSetting": setting}


def describe_instance_information(request: Request) -> dict[str, Any]:
    """Every running EC2 instance with an agent is a managed node; hybrid ones come from the state."""
    held = extra(request.account, request.region)
    backend = ec2_backends[request.account][request.region]
    nodes = [
        node_item(instance.id) | {"AgentVersion": held.agents.get(instance.id, "3.3.987.0")}
        for reservation in backend.reservations.values()
        for instance in reservation.instances
        if instance.state == "running" and instance.id not in held.unmanaged
    ]
    ended = [node_item(id) | {"PingStatus": "ConnectionLost"} for id in held.ended_nodes]
    return page(request, nodes + ended + held.hybrid_nodes, "InstanceInformationList")


def node_item(id: str) -> dict[str, Any]:
    return {
        "InstanceId": id,
        "PingStatus": "Online",
        "AgentVersion": "3.3.987.0",
        "IsLatestVersion": True,
        "PlatformType": "Linux",
        "ResourceType": "EC2Instance",
    }


def describe_patch_baselines(request: Request) -> dict[str, Any]:
    backend = ssm_backends[request.account][request.region]
    owners = next((f["Values"] for f in request.params.get("Filters", []) if f["Key"] == "OWNER"), ["Self", "AWS"])
    held = [b for b in backend.baselines.values() if ("Self" if b.id.startswith("pb-") else "AWS") in owners]
    return page(request, held, "BaselineIdentities", baseline, most=100)


def baseline(held: Any) -> dict[str, Any]:
    return {
        "BaselineId": held.id,
        "BaselineName": held.name,
        "OperatingSystem": held.operating_system,
        "DefaultBaseline": not held.id.startswith("pb-"),
    } | ({"BaselineDescription": held.description} if held.description else {})


def get_patch_baseline(request: Request) -> dict[str, Any]:
    backend = ssm_backends[request.account][request.region]
    found = backend.baselines.get(str(request.params["BaselineId"]))
    if found is None:
        raise AwsError("DoesNotExistException", "Maintenance window patch baseline does not exist")
    sources = extra(request.account, request.region).patch_sources.get(found.id) or found.sources or []
    return {
        "BaselineId": found.id,
        "Name": found.name,
        "OperatingSystem": found.operating_system,
        "Sources": sources,
    } | ({"Description": found.description} if found.description else {})


HANDLERS = {
    "ssm.DescribeParameters": describe_parameters,
    "ssm.ListDocuments": list_documents,
    "ssm.ListDocumentVersions": list_document_versions,
    "ssm.GetServiceSetting": get_service_setting,
    "ssm.DescribeInstanceInformation": describe_instance_information,
    "ssm.DescribePatchBaselines": describe_patch_baselines,
    "ssm.GetPatchBaseline": get_patch_baseline,
}
