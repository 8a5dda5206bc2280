"""Changes to what moto's Systems Manager lacks, so that a demo can be put right by hand and scanned again."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from demo.cloud.handlers.ssm import get_service_setting, setting_id
from demo.cloud.protocol import AwsError, Request, Response
from demo.cloud.state import Extra, extra
from demo.cloud.through import moto


def state(request: Request) -> Extra:
    return extra(request.account, request.region)


def update_service_setting(request: Request) -> dict[str, Any]:
    state(request).settings[setting_id(request)] = str(request.params["SettingValue"])
    return {}


def reset_service_setting(request: Request) -> dict[str, Any]:
    state(request).settings.pop(setting_id(request), None)
    return get_service_setting(request)


def create_association(request: Request) -> dict[str, Any]:
    made = {**request.params, "AssociationId": str(uuid4()), "AssociationVersion": "1"}
    state(request).associations[made["AssociationId"]] = made
    return {"AssociationDescription": made}


def delete_association(request: Request) -> dict[str, Any]:
    if state(request).associations.pop(str(request.params.get("AssociationId")), None) is None:
        raise AwsError("AssociationDoesNotExist", "")
    return {}


def create_resource_data_sync(request: Request) -> dict[str, Any]:
    made = {"SyncType": "SyncToDestination", **request.params, "LastStatus": "Successful"}
    state(request).data_syncs[made["SyncName"]] = made
    return {}


def delete_resource_data_sync(request: Request) -> dict[str, Any]:
    if state(request).data_syncs.pop(str(request.params["SyncName"]), None) is None:
        raise AwsError("ResourceDataSyncNotFoundException", "")
    return {}


def start_automation_execution(request: Request) -> dict[str, Any]:
    id = str(uuid4())
    state(request).automations[id] = {
        "AutomationExecutionId": id,
        "DocumentName": request.params["DocumentName"],
        "Parameters": request.params.get("Parameters", {}),
        "StepExecutions": [],
        "AutomationExecutionStatus": "Success",
        "ExecutionStartTime": datetime.now(UTC),
    }
    return {"AutomationExecutionId": id}


def create_ops_item(request: Request) -> dict[str, Any]:
    id = "oi-" + uuid4().hex[:12]
    times = dict.fromkeys(("CreatedTime", "LastModifiedTime"), datetime.now(UTC))
    state(request).ops_items[id] = {**request.params, **times, "OpsItemId": id, "Status": "Open"}
    return {"OpsItemId": id}


def create_activation(request: Request) -> dict[str, Any]:
    made = {**request.params, "ActivationId": str(uuid4()), "CreatedDate": datetime.now(UTC)}
    state(request).activations.append(made)
    return {"ActivationId": made["ActivationId"], "ActivationCode": uuid4().hex[:20]}


def delete_activation(request: Request) -> dict[str, Any]:
    held = state(request).activations
    held[:] = [a for a in held if a["ActivationId"] != request.params["ActivationId"]]
    return {}


def send_command(request: Request) -> Response:
    """moto's own answer, which drops the log group that the output goes to."""
    response, group = moto(request), request.params.get("CloudWatchOutputConfig")
    if response.status != 200 or not group:
        return response
    body = json.loads(response.body)
    state(request).command_log_groups[body["Command"]["CommandId"]] = group
    body["Command"]["CloudWatchOutputConfig"] = group
    return Response(200, response.headers, json.dumps(body).encode())


HANDLERS = {
    "ssm.UpdateServiceSetting": update_service_setting,
    "ssm.ResetServiceSetting": reset_service_setting,
    "ssm.CreateAssociation": create_association,
    "ssm.DeleteAssociation": delete_association,
    "ssm.CreateResourceDataSync": create_resource_data_sync,
    "ssm.DeleteResourceDataSync": delete_resource_data_sync,
    "ssm.StartAutomationExecution": start_automation_execution,
    "ssm.CreateOpsItem": create_ops_item,
    "ssm.CreateActivation": create_activation,
    "ssm.DeleteActivation": delete_activation,
    "ssm.SendCommand": send_command,
}
