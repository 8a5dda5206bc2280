"""Organizations: pages (an empty one among them), and refusals to those who may not look."""

from __future__ import annotations

from typing import Any

from demo.cloud.membership import Membership, organization_of
from demo.cloud.protocol import AwsError, Request

PAGE = 5


def members(request: Request) -> Any:
    """The organization's backend, for the management account or a delegated administrator."""
    organization = membership(request)
    if organization.may_read_organization:
        return organization.backend
    raise AwsError("AccessDeniedException", "You don't have permissions to access this resource.")


def membership(request: Request) -> Membership:
    organization = organization_of(request.account)
    if organization is None:
        raise AwsError("AWSOrganizationsNotInUseException", "Your account is not a member of an organization.")
    return organization


def page(request: Request, items: list[Any], key: str) -> dict[str, Any]:
    """Pages of five, the second of which is empty but not the last: AWS says that this may happen."""
    token = str(request.params.get("NextToken") or "0")
    start = int(token.removesuffix("e"))
    if start == PAGE and not token.endswith("e"):
        return {key: [], "NextToken": f"{start}e"}
    answer: dict[str, Any] = {key: items[start : start + PAGE]}
    return answer | ({"NextToken": str(start + PAGE)} if start + PAGE < len(items) else {})


def describe_organization(request: Request) -> dict[str, Any]:
    organization = membership(request)
    held = organization.backend.org
    management = organization.master_account_id
    return {
        "Organization": {
            "Id": held.id,
            "Arn": f"arn:aws:organizations::{management}:organization/{held.id}",
            "FeatureSet": held.feature_set,
            "MasterAccountArn": f"arn:aws:organizations::{management}:account/{held.id}/{management}",
            "MasterAccountId": management,
            "MasterAccountEmail": "aws@company.invalid",
        }
    }


def list_roots(request: Request) -> dict[str, Any]:
    roots = [unit for unit in members(request).ou if unit.type == "ROOT"]
    return {"Roots": [{"Id": r.id, "Arn": r.arn, "Name": r.name, "PolicyTypes": []} for r in roots]}


def list_organizational_units_for_parent(request: Request) -> dict[str, Any]:
    parent = request.params.get("ParentId")
    units = [u for u in members(request).ou if u.type != "ROOT" and u.parent_id == parent]
    return page(request, [{"Id": u.id, "Arn": u.arn, "Name": u.name} for u in units], "OrganizationalUnits")


def list_accounts_for_parent(request: Request) -> dict[str, Any]:
    backend = members(request)
    parent = request.params.get("ParentId")
    return page(request, [account(backend, a) for a in backend.accounts if a.parent_id == parent], "Accounts")


def list_accounts(request: Request) -> dict[str, Any]:
    backend = members(request)
    return page(request, [account(backend, a) for a in backend.accounts], "Accounts")


def account(backend: Any, held: Any) -> dict[str, Any]:
    management = backend.org.master_account_id
    return {
        "Id": held.id,
        "Arn": f"arn:aws:organizations::{management}:account/{backend.org.id}/{held.id}",
        "Email": held.email,
        "Name": held.name,
        "Status": held.status,
        "State": held.status,
        "JoinedMethod": "CREATED",
        "JoinedTimestamp": 1700000000,
    }


def list_tags_for_resource(request: Request) -> dict[str, Any]:
    backend = members(request)
    id = request.params.get("ResourceId")
    found = next((a for a in backend.accounts if a.id == id), None) or next((u for u in backend.ou if u.id == id), None)
    if found is None:
        raise AwsError("TargetNotFoundException", "You specified a target that doesn't exist.")
    return {"Tags": [{"Key": key, "Value": value} for key, value in (getattr(found, "tags", None) or {}).items()]}


HANDLERS = {
    "organizations.DescribeOrganization": describe_organization,
    "organizations.ListRoots": list_roots,
    "organizations.ListOrganizationalUnitsForParent": list_organizational_units_for_parent,
    "organizations.ListAccountsForParent": list_accounts_for_parent,
    "organizations.ListAccounts": list_accounts,
    "organizations.ListTagsForResource": list_tags_for_resource,
}
