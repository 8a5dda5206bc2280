"""KMS: keys by id, ARN and alias; AWS's own keys told apart; refusals that moto doesn't give."""

from __future__ import annotations

from typing import Any

from moto.kms.models import kms_backends

from demo.cloud.handlers._pages import page
from demo.cloud.protocol import AwsError, Request


def find(request: Request) -> Any:
    """The key that KeyId names. A key of another account is refused, as AWS does without its policy's leave."""
    text = str(request.params.get("KeyId", ""))
    if text.startswith("arn:") and text.split(":")[4] != request.account:
        raise AwsError(
            "AccessDeniedException",
            f"User is not authorized to perform: kms:{request.operation} on this resource because the resource does not "
            "exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access",
        )
    keys = kms_backends[request.account][request.region].keys
    wanted = (text.partition(":alias/")[2] and "alias/" + text.partition(":alias/")[2]) or text
    if wanted.startswith("alias/"):
        found = next((key for key in keys.values() if wanted in key.aliases), None)
        if found is None:
            raise AwsError(
                "NotFoundException", f"Alias arn:aws:kms:{request.region}:{request.account}:{wanted} is not found."
            )
        return found
    found = keys.get(text.rpartition("/")[2])
    if found is None:
        raise AwsError("NotFoundException", f"Key '{text}' does not exist")
    return found


def describe_key(request: Request) -> dict[str, Any]:
    key = find(request)
    metadata = {
        "AWSAccountId": request.account,
        "KeyId": key.id,
        "Arn": key.arn,
        "CreationDate": key.creation_date,
        "Enabled": key.key_state == "Enabled",
        "Description": key.description,
        "KeyUsage": key.key_usage,
        "KeyState": key.key_state,
        "Origin": key.origin,
        "KeyManager": manager(key),
        "KeySpec": key.key_spec,
        "CustomerMasterKeySpec": key.key_spec,
        "MultiRegion": bool(key.multi_region),
    }
    if key.key_spec == "SYMMETRIC_DEFAULT":
        metadata["EncryptionAlgorithms"] = ["SYMMETRIC_DEFAULT"]
    if key.deletion_date:
        metadata["DeletionDate"] = key.deletion_date
    if key.multi_region:
        metadata["MultiRegionConfiguration"] = key.multi_region_configuration
    return {"KeyMetadata": metadata}


def manager(key: Any) -> str:
    """moto says CUSTOMER of all keys; the names alias/aws/… are AWS's own."""
    return "AWS" if any(name.startswith("alias/aws/") for name in key.aliases) else str(key.key_manager)


def get_key_rotation_status(request: Request) -> dict[str, Any]:
    key = find(request)
    if key.key_state == "PendingDeletion":
        raise AwsError("KMSInvalidStateException", f"{key.arn} is pending deletion.")
    if key.key_spec != "SYMMETRIC_DEFAULT" or key.origin != "AWS_KMS":
        raise AwsError("UnsupportedOperationException", "")
    answer: dict[str, Any] = {"KeyId": key.id, "KeyRotationEnabled": bool(key.key_rotation_status)}
    period = getattr(key, "rotation_period_in_days", None) or 365
    return answer | ({"RotationPeriodInDays": period} if key.key_rotation_status else {})


def get_key_policy(request: Request) -> dict[str, Any]:
    return {"Policy": find(request).policy, "PolicyName": "default"}


def list_aliases(request: Request) -> dict[str, Any]:
    keys = kms_backends[request.account][request.region].keys
    only = find(request).id if request.params.get("KeyId") else None
    held = sorted((name, key.id) for key in keys.values() for name in key.aliases if only in {None, key.id})
    prefix = f"arn:aws:kms:{request.region}:{request.account}:"
    answer = page(
        request,
        held,
        "Aliases",
        lambda alias: {"AliasName": alias[0], "AliasArn": prefix + alias[0], "TargetKeyId": alias[1]},
        size="Limit",
        token="Marker",
        following="NextMarker",
        most=100,
    )
    return answer | {"Truncated": "NextMarker" in answer}


HANDLERS = {
    "kms.DescribeKey": describe_key,
    "kms.GetKeyRotationStatus": get_key_rotation_status,
    "kms.GetKeyPolicy": get_key_policy,
    "kms.ListAliases": list_aliases,
}
