"""IAM: the root user's state, the credential report, authorization details in pages."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from typing import Any

from moto.iam.models import iam_backends

from demo.cloud.aws_policies import published
from demo.cloud.handlers._pages import page
from demo.cloud.membership import organization_of
from demo.cloud.protocol import AwsError, Request
from demo.cloud.state import account_extra, default_document

PARTITION = "aws"
ROOT = "<root_account>"
NO_CERTIFICATES = {"cert_1_active": "false", "cert_2_active": "false"}
FILTERS = {
    "User": "UserDetailList", "Group": "GroupDetailList", "Role": "RoleDetailList", "LocalManagedPolicy": "Policies",
}  # fmt: skip
KEY_COLUMNS = ("active", "last_rotated", "last_used_date", "last_used_region", "last_used_service")
COLUMNS = (
    "user", "arn", "user_creation_time", "password_enabled", "password_last_used", "password_last_changed",
    "password_next_rotation", "mfa_active", *(f"access_key_{n}_{c}" for n in (1, 2) for c in KEY_COLUMNS),
    "cert_1_active", "cert_1_last_rotated", "cert_2_active", "cert_2_last_rotated",
)  # fmt: skip


def backend_of(request: Request) -> Any:
    return iam_backends[request.account][PARTITION]


def get_account_summary(request: Request) -> dict[str, Any]:
    backend, state = backend_of(request), account_extra(request.account)
    return {
        "SummaryMap": {
            "AccountMFAEnabled": int(state.root_mfa),
            "AccountAccessKeysPresent": state.root_keys,
            "Users": len(backend.users),
            "Roles": len(backend.roles),
        }
    }


def generate_credential_report(_request: Request) -> dict[str, Any]:
    return {"State": "COMPLETE", "Description": "No report exists. Starting a new report generation task"}


def get_credential_report(request: Request) -> dict[str, Any]:
    """Rows of the state come before those that follow from moto's users, by name; the root user is always there."""
    rows = {row["user"]: row for row in (root_row(request), *map(user_row, backend_of(request).users.values()))}
    rows |= {row["user"]: row for row in account_extra(request.account).credential_rows}
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, restval="N/A", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows.values())
    return {"Content": out.getvalue().encode(), "ReportFormat": "text/csv", "GeneratedTime": datetime.now(UTC)}


def root_row(request: Request) -> dict[str, str]:
    state = account_extra(request.account)
    slots = {f"access_key_{n}_active": word(n <= state.root_keys) for n in (1, 2)}
    return {
        "user": ROOT,
        "arn": f"arn:{PARTITION}:iam::{request.account}:root",
        "user_creation_time": "2020-01-01T00:00:00+00:00",
        "password_enabled": "not_supported",
        "password_last_used": "no_information",
        "password_last_changed": "not_supported",
        "password_next_rotation": "not_supported",
        "mfa_active": word(state.root_mfa),
        **slots,
        **NO_CERTIFICATES,
    }


def user_row(user: Any) -> dict[str, str]:
    row = {
        "user": user.name,
        "arn": user.arn,
        "user_creation_time": moment(user.create_date),
        "password_enabled": word(user.password is not None),
        "password_last_used": moment(user.password_last_used) if user.password_last_used else "no_information",
        "mfa_active": word(user.mfa_devices),
        **{f"access_key_{n}_active": "false" for n in (1, 2)},
        **NO_CERTIFICATES,
    }
    for number, key in enumerate(user.access_keys[:2], start=1):
        row[f"access_key_{number}_active"] = word(key.status == "Active")
        row[f"access_key_{number}_last_rotated"] = moment(key.create_date)
        if key.last_used:
            row[f"access_key_{number}_last_used_date"] = moment(key.last_used.timestamp)
    return row


def moment(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S+00:00")


def word(value: object) -> str:
    return "true" if value else "false"


def list_virtual_mfa_devices(request: Request) -> dict[str, Any]:
    """All of them, unless those with or without a user are asked for."""
    asked = request.params.get("AssignmentStatus", "Any")
    found = [
        device
        for device in account_extra(request.account).virtual_mfa
        if asked == "Any" or ("User" in device) == (asked == "Assigned")
    ]
    return {"VirtualMFADevices": found, "IsTruncated": False}


def get_account_authorization_details(request: Request) -> dict[str, Any]:
    """MaxItems counts over the four lists together, in this order."""
    wanted = {FILTERS.get(name, "") for name in request.params.get("Filter", FILTERS)}
    items = [(kind, i) for kind, found in details(backend_of(request)).items() if kind in wanted for i in found]
    paged = page(request, items, "items", size="MaxItems", token="Marker", default=100, most=1000)
    answer: dict[str, Any] = {kind: [] for kind in FILTERS.values()}
    for kind, item in paged.pop("items"):
        answer[kind].append(item)
    return answer | paged | {"IsTruncated": "Marker" in paged}


def list_policies(request: Request) -> dict[str, Any]:
    """Of AWS's policies only those that are attached: no test lists the whole catalogue through here."""
    held = [p for p in backend_of(request).managed_policies.values() if ":aws:policy/" in p.arn and p.attachment_count]
    paged = page(request, held, "Policies", shape=summary, size="MaxItems", token="Marker", default=100, most=1000)
    return paged | {"IsTruncated": "Marker" in paged}


def summary(held: Any) -> dict[str, Any]:
    return {
        "PolicyName": held.name, "Arn": held.arn, "Path": held.path, "IsAttachable": True,
        "DefaultVersionId": held.default_version_id, "AttachmentCount": held.attachment_count,
    }  # fmt: skip


def get_policy_version(request: Request) -> dict[str, Any]:
    version, document = published(request.params["PolicyArn"])
    if version != request.params["VersionId"]:
        raise AwsError("NoSuchEntity", "Policy version does not exist or is not attachable.", 404)
    return {"PolicyVersion": {"VersionId": version, "IsDefaultVersion": True, "Document": json.dumps(document)}}


def list_organizations_features(request: Request) -> dict[str, Any]:
    """Only who may read the organization may ask."""
    membership = organization_of(request.account)
    if membership is None:
        raise AwsError("OrganizationNotFoundException", "The account is not a member of an organization.", 404)
    if not membership.may_read_organization:
        message = "Only the management account or a delegated administrator may call this operation."
        raise AwsError("AccountNotManagementOrDelegatedAdministratorException", message, 403)
    return {
        "OrganizationId": membership.id,
        "EnabledFeatures": list(account_extra(membership.master_account_id).root_features),
    }


def details(backend: Any) -> dict[str, list[dict[str, Any]]]:
    users = [
        principal("User", user)
        | {"GroupList": user.group_list, "UserPolicyList": inline(user), "CreateDate": user.create_date}
        for user in backend.users.values()
    ]
    groups = [principal("Group", group) | {"GroupPolicyList": inline(group)} for group in backend.groups.values()]
    roles = [
        principal("Role", role) | {"AssumeRolePolicyDocument": text(role.assume_role_policy_document), "RolePolicyList": inline(role)}
        | ({"PermissionsBoundary": role.permissions_boundary} if role.permissions_boundary_arn else {})
        for role in backend.roles.values()
    ]  # fmt: skip
    local = [policy(p) for p in backend.managed_policies.values() if ":aws:policy/" not in p.arn]
    return {"UserDetailList": users, "GroupDetailList": groups, "RoleDetailList": roles, "Policies": local}


def principal(kind: str, held: Any) -> dict[str, Any]:
    attached = [{"PolicyName": p.name, "PolicyArn": p.arn} for p in held.managed_policies.values()]
    return {
        "Path": held.path,
        f"{kind}Name": held.name,
        f"{kind}Id": held.id,
        "Arn": held.arn,
        "AttachedManagedPolicies": attached,
    }


def inline(held: Any) -> list[dict[str, Any]]:
    return [{"PolicyName": name, "PolicyDocument": text(document)} for name, document in held.policies.items()]


def policy(held: Any) -> dict[str, Any]:
    version = {"Document": text(default_document(held)), "VersionId": held.default_version_id, "IsDefaultVersion": True}
    return {
        "PolicyName": held.name, "PolicyId": held.id, "Arn": held.arn, "Path": held.path,
        "DefaultVersionId": held.default_version_id, "AttachmentCount": held.attachment_count, "IsAttachable": True,
        "PolicyVersionList": [version],
    }  # fmt: skip


def text(document: Any) -> str:
    return document if isinstance(document, str) else json.dumps(document)


HANDLERS = {
    "iam.GetAccountSummary": get_account_summary,
    "iam.GenerateCredentialReport": generate_credential_report,
    "iam.GetCredentialReport": get_credential_report,
    "iam.ListVirtualMFADevices": list_virtual_mfa_devices,
    "iam.GetAccountAuthorizationDetails": get_account_authorization_details,
    "iam.ListPolicies": list_policies,
    "iam.GetPolicyVersion": get_policy_version,
    "iam.ListOrganizationsFeatures": list_organizations_features,
}
