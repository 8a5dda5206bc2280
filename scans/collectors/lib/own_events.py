"""Tells the events of the portal's own scans, and of SSM Agent's background work, from those of other clients. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from accounts.aws.calls import SESSION_PREFIX

# Operations of Systems Manager that only SSM Agent calls, by itself: AWS's SDKs don't have them.
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssystemsmanager.html
AGENT_OPERATIONS = frozenset(
    {
        "GetManifest", "ListInstanceAssociations", "PutConfigurePackageResult", "RegisterManagedInstance",
        "RequestManagedInstanceRoleToken", "UpdateInstanceAssociationStatus", "UpdateInstanceInformation",
    }
)  # fmt: skip
# Operations that SSM Agent calls by itself as the node's role, though others may call them: the policy that nodes need.
# The session of a node's role has the node's id for a name.
# https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AmazonSSMManagedInstanceCore.html
NODE_OPERATIONS = frozenset(
    {
        "DescribeAssociation", "DescribeDocument", "GetDeployablePatchSnapshotForInstance", "GetDocument",
        "ListAssociations", "PutComplianceItems", "PutInventory", "UpdateAssociationStatus",
    }
)  # fmt: skip
NODE_SESSION = re.compile(r"arn:[a-z-]+:sts::[0-9]{12}:assumed-role/[^/]+/m?i-(?:[0-9a-f]{8}|[0-9a-f]{17})")
USER_AGENT = "tutela"


def is_background_event(record: Mapping[str, Any], partition: str, account: str, roles: Collection[str]) -> bool:
    """Whether this CloudTrail record says nothing of the company's own clients."""
    return is_agent_event(record) or is_own_event(record, partition, account, roles)


def is_agent_event(record: Mapping[str, Any]) -> bool:
    """Whether SSM Agent made the call by itself."""
    if record.get("eventName") in AGENT_OPERATIONS:
        return True
    identity = record.get("userIdentity")
    session = str(identity.get("arn")) if isinstance(identity, Mapping) else ""
    return record.get("eventName") in NODE_OPERATIONS and NODE_SESSION.fullmatch(session) is not None


def is_own_event(record: Mapping[str, Any], partition: str, account: str, roles: Collection[str]) -> bool:
    """Whether a scan of this portal made the call: as one of its roles, in a session that it names, as its client.

    All three are needed. Another tool may use the same role, and may call its session anything in a role of its own.
    roles: their names, with path."""
    identity = record.get("userIdentity")
    if not isinstance(identity, Mapping) or identity.get("type") != "AssumedRole":
        return False
    agent = record.get("userAgent")
    if not isinstance(agent, str) or USER_AGENT not in agent.lower():
        return False
    arn, issuer = str(identity.get("arn")), get_issuer(identity)
    for role in roles:
        session = f"arn:{partition}:sts::{account}:assumed-role/{role.rpartition('/')[2]}/{SESSION_PREFIX}"
        if arn.startswith(session) and issuer == f"arn:{partition}:iam::{account}:role/{role}":
            return True
    return False


def get_issuer(identity: Mapping[str, Any]) -> str:
    """The role of a session, by its ARN; empty if the record doesn't say."""
    context = identity.get("sessionContext")
    issuer = context.get("sessionIssuer") if isinstance(context, Mapping) else None
    return str(issuer.get("arn", "")) if isinstance(issuer, Mapping) else ""
