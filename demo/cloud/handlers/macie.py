"""Macie, which is off until somebody enables it: then AWS denies with a message of its own."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from demo.cloud.protocol import AwsError, Request
from demo.cloud.regions import WITHOUT_MACIE
from demo.cloud.state import Extra, extra

SINCE = datetime(2024, 1, 1, tzinfo=UTC).isoformat()


def enabled(request: Request) -> Extra:
    if request.region in WITHOUT_MACIE:
        # In AWS its host doesn't exist, which this one can't play.
        raise AwsError("UnknownEndpoint", f"Macie is not offered in {request.region}.", 400)
    state = extra(request.account, request.region)
    if state.macie_status == "DISABLED":
        raise AwsError("AccessDeniedException", "Macie is not enabled.", 403)
    return state


def get_macie_session(request: Request) -> dict[str, Any]:
    role = f"arn:aws:iam::{request.account}:role/aws-service-role/macie.amazonaws.com/AWSServiceRoleForAmazonMacie"
    status = enabled(request).macie_status
    return {
        "createdAt": SINCE,
        "updatedAt": SINCE,
        "findingPublishingFrequency": "FIFTEEN_MINUTES",
        "serviceRole": role,
        "status": status,
    }


def get_automated_discovery_configuration(request: Request) -> dict[str, Any]:
    held = enabled(request)
    if held.macie_administrator:
        raise not_for_members()
    # An administrator's configuration is that of its organization, whose accounts have a status each.
    status = "ENABLED" if held.macie_members else held.macie_discovery
    return {"status": status, "autoEnableOrganizationMembers": "NONE"}


def not_for_members() -> AwsError:
    message = "You must be the Macie administrator for an organization or have a standalone Macie account."
    return AwsError("AccessDeniedException", message, 403)


def get_administrator_account(request: Request) -> dict[str, Any]:
    """Without an administrator a null: an answer without any member would be a broken one (accounts.aws.client_guards)."""
    account = enabled(request).macie_administrator
    return {"administrator": {"accountId": account, "relationshipStatus": "Enabled"} if account else None}


def list_automated_discovery_accounts(request: Request) -> dict[str, Any]:
    """An administrator is told of every account, a member of itself, if at all."""
    held = enabled(request)
    if not held.macie_tells_member:
        raise not_for_members()
    statuses = {request.account: held.macie_discovery, **held.macie_members}
    return {"items": [{"accountId": account, "status": status} for account, status in statuses.items()]}


def list_classification_jobs(request: Request) -> dict[str, Any]:
    enabled(request)
    return {"items": []}


def describe_buckets(request: Request) -> dict[str, Any]:
    enabled(request)
    return {"buckets": []}


def enable_macie(request: Request) -> dict[str, Any]:
    extra(request.account, request.region).macie_status = str(request.params.get("status", "ENABLED"))
    return {}


def disable_macie(request: Request) -> dict[str, Any]:
    enabled(request).macie_status = "DISABLED"
    return {}


def update_automated_discovery_configuration(request: Request) -> dict[str, Any]:
    enabled(request).macie_discovery = str(request.params["status"])
    return {}


HANDLERS = {
    "macie2.EnableMacie": enable_macie,
    "macie2.DisableMacie": disable_macie,
    "macie2.UpdateAutomatedDiscoveryConfiguration": update_automated_discovery_configuration,
    "macie2.ListClassificationJobs": list_classification_jobs,
    "macie2.DescribeBuckets": describe_buckets,
    "macie2.GetMacieSession": get_macie_session,
    "macie2.GetAdministratorAccount": get_administrator_account,
    "macie2.ListAutomatedDiscoveryAccounts": list_automated_discovery_accounts,
    "macie2.GetAutomatedDiscoveryConfiguration": get_automated_discovery_configuration,
}
