"""Decides who may do what, where. This is the only policy module. Pure: no Django. Default deny."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Permission(StrEnum):
    """Everything that can be done in the portal. governance.core.permissions describes each permission."""

    ACCOUNT_VIEW = "account.view"
    ACCOUNT_SET_OWNERS = "account.set_owners"
    SCAN_VIEW = "scan.view"
    SCAN_RUN = "scan.run"
    SCAN_RESCAN = "scan.rescan"
    SCAN_SCHEDULE = "scan.schedule"
    FINDING_VIEW = "finding.view"
    CONTROL_VIEW = "control.view"
    OUTCOME_EXPORT = "outcome.export"
    EXCEPTION_VIEW = "exception.view"
    EXCEPTION_REQUEST = "exception.request"
    EXCEPTION_REQUEST_OU = "exception.request_ou"
    EXCEPTION_COMMENT = "exception.comment"
    EXCEPTION_DECIDE = "exception.decide"
    EXCEPTION_REVOKE = "exception.revoke"
    TICKET_VIEW = "ticket.view"
    TICKET_PROPOSE = "ticket.propose"
    TICKET_DECIDE = "ticket.decide"
    TICKET_WORK = "ticket.work"
    GRANT_VIEW = "grant.view"
    GRANT_MANAGE = "grant.manage"
    GRANT_DELEGATE = "grant.delegate"
    USER_VIEW = "user.view"
    USER_MANAGE = "user.manage"
    USER_RESET_FACTOR = "user.reset_factor"
    SESSION_END = "session.end"
    TOKEN_VIEW = "token.view"  # noqa: S105  (a permission's name)
    TOKEN_MANAGE = "token.manage"  # noqa: S105
    POLICY_VIEW = "policy.view"
    POLICY_PROPOSE = "policy.propose"
    POLICY_CONFIRM = "policy.confirm"
    AUDIT_VIEW = "audit.view"
    AUDIT_EXPORT = "audit.export"


P = Permission

# Acts that need a second factor of the last few minutes (governance.identity.factors.step_up), so no token can do them.
STEP_UP = frozenset(
    {
        P.EXCEPTION_DECIDE,
        P.EXCEPTION_REVOKE,
        P.TICKET_DECIDE,
        P.GRANT_MANAGE,
        P.GRANT_DELEGATE,
        P.USER_RESET_FACTOR,
        P.TOKEN_MANAGE,
        P.POLICY_PROPOSE,
        P.POLICY_CONFIRM,
        P.AUDIT_EXPORT,
    }
)


def known_permissions(names: Iterable[object]) -> frozenset[Permission]:
    """The Permissions of these names. Stored names that this release no longer has are left out."""
    return frozenset(each for each in Permission if each.value in {name for name in names if isinstance(name, str)})


class Role(StrEnum):
    """A portal role, which counts only inside a Grant."""

    SECURITY_ADMIN = "security_admin"
    GOVERNANCE_APPROVER = "governance_approver"
    AUDITOR = "auditor"
    ACCOUNT_OWNER = "account_owner"
    SCAN_OPERATOR = "scan_operator"
    INTEGRATION = "integration"


class ScopeKind(StrEnum):
    ORGANIZATION = "organization"
    OU = "ou"
    ACCOUNT = "account"


_SCANS = frozenset({P.ACCOUNT_VIEW, P.SCAN_VIEW, P.CONTROL_VIEW})
_READ = _SCANS | {P.FINDING_VIEW, P.OUTCOME_EXPORT, P.EXCEPTION_VIEW, P.TICKET_VIEW}
_TRAIL = frozenset({P.AUDIT_VIEW, P.AUDIT_EXPORT, P.GRANT_VIEW, P.USER_VIEW, P.TOKEN_VIEW, P.POLICY_VIEW})

# Each role has the least that it needs. Duties are separated: a security admin gives grants and so can't decide on
# exceptions or tickets, and an approver can't request them. docs/permissions.md is written from this table.
ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.SECURITY_ADMIN: _READ
    | _TRAIL
    | {
        P.ACCOUNT_SET_OWNERS,
        P.EXCEPTION_REQUEST_OU,
        P.EXCEPTION_COMMENT,
        P.EXCEPTION_REVOKE,
        P.TICKET_PROPOSE,
        P.GRANT_MANAGE,
        P.USER_MANAGE,
        P.USER_RESET_FACTOR,
        P.SESSION_END,
        P.TOKEN_MANAGE,
        P.POLICY_PROPOSE,
        P.POLICY_CONFIRM,
    },
    Role.GOVERNANCE_APPROVER: _READ
    | {P.EXCEPTION_DECIDE, P.EXCEPTION_REVOKE, P.EXCEPTION_COMMENT, P.TICKET_DECIDE, P.GRANT_DELEGATE, P.POLICY_VIEW},
    Role.AUDITOR: _READ | _TRAIL,
    Role.ACCOUNT_OWNER: _READ
    | {P.SCAN_RESCAN, P.EXCEPTION_REQUEST, P.EXCEPTION_COMMENT, P.TICKET_PROPOSE, P.TICKET_WORK},
    Role.SCAN_OPERATOR: _SCANS | {P.SCAN_RUN, P.SCAN_RESCAN, P.SCAN_SCHEDULE},
    Role.INTEGRATION: _READ
    | {P.SCAN_RUN, P.SCAN_RESCAN, P.EXCEPTION_REQUEST, P.EXCEPTION_COMMENT, P.TICKET_PROPOSE, P.TICKET_WORK},
}


@dataclass(frozen=True, slots=True)
class GrantFact:
    """A Grant as the policy sees it: role x scope x end date. lent_by: for a lent Grant, the id of its lender."""

    role: Role
    scope: ScopeKind
    scope_id: str
    ends_at: datetime | None = None
    lent_by: int | None = None

    def holds(self, now: datetime) -> bool:
        return self.ends_at is None or now < self.ends_at


@dataclass(frozen=True, slots=True)
class Location:
    """Where an act happens: an Account with the ids of its OUs (its own first, then the parents)."""

    organization: str
    ous: tuple[str, ...] = ()
    account: str = ""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a User with Grants (in person, or by an API token), or the system (a schedule, a worker, a command).

    second_factor_at: when this session last verified one; None for tokens. scopes: the permissions that a token is
    limited to. within: the places that it is limited to; a grant must cover the place as well. None: no limit.
    """

    name: str
    grants: tuple[GrantFact, ...] = ()
    system: bool = False
    user_id: int | None = None
    now: datetime | None = field(default=None, compare=False)
    second_factor_at: datetime | None = field(default=None, compare=False)
    token_id: int | None = None
    scopes: frozenset[Permission] | None = None
    within: tuple[GrantFact, ...] | None = None

    def can_reach(self, place: Location) -> bool:
        return self.within is None or any(covers_place(limit, place) for limit in self.within)

    def may_ever(self, permission: Permission) -> bool:
        """False for a permission outside a token's limits, and for a token's act that needs a second factor."""
        if self.scopes is not None and permission not in self.scopes:
            return False
        return self.token_id is None or permission not in STEP_UP


SYSTEM = Actor(name="system", system=True)


def list_active_grants(actor: Actor, permission: Permission, now: datetime) -> list[GrantFact]:
    """The actor's grants that carry this permission now."""
    if not actor.may_ever(permission):
        return []
    return [g for g in actor.grants if g.holds(now) and permission in ROLE_PERMISSIONS[g.role]]


def is_permitted(actor: Actor, permission: Permission, now: datetime, place: Location | None = None) -> bool:
    """True if the actor may do this in this place; without a place: anywhere at all."""
    if actor.system:
        return True
    grants = list_active_grants(actor, permission, now)
    if place is None:
        return bool(grants)
    return actor.can_reach(place) and any(covers_place(grant, place) for grant in grants)


def is_permitted_org_wide(actor: Actor, permission: Permission, now: datetime) -> bool:
    """True if the actor may do this over a whole organization: for what can't be split by Account (audit trail)."""
    if actor.system:
        return True
    whole = (g for g in list_active_grants(actor, permission, now) if g.scope is ScopeKind.ORGANIZATION)
    return any(actor.can_reach(Location(g.scope_id)) for g in whole)


def is_permitted_disinterested(
    actor: Actor, permission: Permission, now: datetime, place: Location, interested: Collection[int]
) -> bool:
    """Like is_permitted, but only by Grants without an interested User (by id), as the actor or as the lender.

    So a person can't decide their own request, nor lend a Grant to have it decided.
    """
    if actor.system:
        return True
    if actor.user_id is None or actor.user_id in interested or not actor.can_reach(place):
        return False
    grants = (g for g in list_active_grants(actor, permission, now) if g.lent_by is None or g.lent_by not in interested)
    return any(covers_place(grant, place) for grant in grants)


def covers_place(grant: GrantFact, place: Location) -> bool:
    match grant.scope:
        case ScopeKind.ORGANIZATION:
            return grant.scope_id == place.organization
        case ScopeKind.OU:
            return grant.scope_id in place.ous
        case ScopeKind.ACCOUNT:
            # A place without an account is a whole organization or OU, which no grant on an account covers.
            return bool(place.account) and grant.scope_id == place.account


class NotPermittedError(PermissionError):
    """The actor's grants don't carry this permission here."""
