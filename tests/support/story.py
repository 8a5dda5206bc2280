"""People and acts of the workflow, for its tests: the shop's owner asks, two approvers decide."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from django.utils import timezone

from exceptions.common.request_scope import resolve_scope
from exceptions.models import ExceptionRequest
from exceptions.requests import deciding, drafting
from exceptions.requests.request_input import RequestInput
from exceptions.requests.snapshots import record_snapshot, take_snapshot
from governance.core.policy import Actor, Role, ScopeKind
from governance.identity.models import User
from governance.identity.queries import build_actor
from tests.support.inventory import ORG, Inventory
from tests.support.people import person

WHY = "The vendor's agent can only read plain parameters until its next release."


def acting(user: User, *, fresh: bool = True) -> Actor:
    """The person, with a second factor of just now (or of an hour ago)."""
    age = timedelta(0) if fresh else timedelta(hours=1)
    return replace(build_actor(user), second_factor_at=timezone.now() - age)


def show_snapshot(request: ExceptionRequest) -> tuple[str, dict[str, Any]]:
    """What the page of the decision shows now, recorded as the page does: its digest and its body."""
    snapshot = take_snapshot(request, resolve_scope(request))
    record_snapshot(snapshot)
    return snapshot.digest, dict(snapshot.body)


@dataclass
class Cast:
    inventory: Inventory
    owner: User
    approver: User
    second: User
    admin: User
    outsider: User

    def wanted(self, **more: Any) -> RequestInput:
        """A request for the shop's plain parameter, thirty days at most for its severity."""
        given = {
            "scope_kind": "findings", "findings": [self.inventory.secret.fingerprint], "justification": WHY,
            "business_owner": "Head of Shop", "expires_at": timezone.now() + timedelta(days=20), **more,
        }  # fmt: skip
        return RequestInput(**given)

    def drafted(self, **more: Any) -> ExceptionRequest:
        return drafting.create_draft(
            actor=acting(self.owner), organization=self.inventory.organization, wanted=self.wanted(**more)
        )

    def submitted(self, **more: Any) -> ExceptionRequest:
        request = self.drafted(**more)
        drafting.submit(actor=acting(self.owner), request=request, version=request.version)
        request.refresh_from_db()
        return request

    def decides(self, request: ExceptionRequest, by: User, act: str = "approve", **more: Any) -> ExceptionRequest:
        digest, body = show_snapshot(request)
        return deciding.decide_request(
            actor=acting(by), request=request, act=act, version=body["version"], digest=digest, **more
        )

    def approved(self, **more: Any) -> ExceptionRequest:
        request = self.decides(self.submitted(**more), self.approver)
        if request.state == "submitted":
            request = self.decides(request, self.second)
        assert request.state == "approved"
        return request


def cast(inventory: Inventory) -> Cast:
    whole = (ScopeKind.ORGANIZATION, ORG)
    shop = (ScopeKind.ACCOUNT, inventory.shop.account_id)
    return Cast(
        inventory=inventory,
        owner=person("owen", (Role.ACCOUNT_OWNER, *shop)),
        approver=person("ada", (Role.GOVERNANCE_APPROVER, *whole)),
        second=person("bea", (Role.GOVERNANCE_APPROVER, *whole)),
        admin=person("grace", (Role.SECURITY_ADMIN, *whole)),
        outsider=person("otto", (Role.ACCOUNT_OWNER, ScopeKind.ACCOUNT, inventory.play.account_id)),
    )
