"""Resource Access Manager: parameters that are shared, and with whom."""

from __future__ import annotations

from typing import Any
from uuid import NAMESPACE_URL, uuid5

from demo.cloud.handlers._pages import page
from demo.cloud.membership import organization_of
from demo.cloud.protocol import Request
from demo.cloud.state import extra


def share_arn(request: Request, resource: str) -> str:
    return f"arn:aws:ram:{request.region}:{request.account}:resource-share/{uuid5(NAMESPACE_URL, resource)}"


def shared(request: Request) -> dict[str, list[str]]:
    """The parameters that this account shares with others, as far as the request asks for them."""
    asked = request.params
    if asked.get("resourceOwner") == "OTHER-ACCOUNTS" or asked.get("resourceType", "ssm:Parameter") != "ssm:Parameter":
        return {}
    wanted = asked.get("resourceArns") or [arn for arn in [asked.get("resourceArn")] if arn]
    held, shares = extra(request.account, request.region).shared_parameters, asked.get("resourceShareArns")
    return {
        arn: principals
        for arn, principals in held.items()
        if (not wanted or arn in wanted) and (not shares or share_arn(request, arn) in shares)
    }


def list_resources(request: Request) -> dict[str, Any]:
    def shape(arn: str) -> dict[str, Any]:
        return {"arn": arn, "type": "ssm:Parameter", "resourceShareArn": share_arn(request, arn), "status": "AVAILABLE"}

    return page(request, sorted(shared(request)), "resources", shape, size="maxResults", token="nextToken", most=500)


def list_principals(request: Request) -> dict[str, Any]:
    def shape(pair: tuple[str, str]) -> dict[str, Any]:
        arn, principal = pair
        return {
            "id": principal,
            "resourceShareArn": share_arn(request, arn),
            "external": is_external(request, principal),
        }

    held = sorted((arn, principal) for arn, principals in shared(request).items() for principal in principals)
    return page(request, held, "principals", shape, size="maxResults", token="nextToken", most=500)


def is_external(request: Request, principal: str) -> bool:
    """Whether an account is outside this one's organization."""
    if not principal.isdecimal():
        return False
    mine, theirs = organization_of(request.account), organization_of(principal)
    return mine is None or theirs is None or mine.id != theirs.id


HANDLERS = {"ram.ListResources": list_resources, "ram.ListPrincipals": list_principals}
