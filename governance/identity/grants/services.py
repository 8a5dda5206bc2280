"""Giving, extending and revoking Grants. Nobody does it for themselves, and each is audited and mailed."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from governance.core import audit
from governance.core.policy import Actor, NotPermittedError, Permission, Role, ScopeKind, is_permitted
from governance.identity import mail
from governance.identity.factors import step_up
from governance.identity.grants import scopes
from governance.identity.models import Grant, User

# What a service account may hold: a token decides nothing, so these would only be in the wrong hands.
PEOPLE_ONLY_ROLES = frozenset({Role.SECURITY_ADMIN, Role.GOVERNANCE_APPROVER})


class GrantError(ValueError):
    """What was asked can't be; the message says why and what to do."""


def grant_role(
    *, actor: Actor, user: User, role: Role, scope: ScopeKind, scope_id: str, ends_at: datetime | None = None
) -> Grant:
    """Give a portal role in a scope, until a time. Raises GrantError, NotPermittedError, StepUpRequiredError."""
    now = timezone.now()
    forbid_self_grant(actor, user)
    require_grant_manager(actor, scope, scope_id, now)
    validate_grant_terms(user, role, ends_at, now)
    same = Grant.objects.filter(user=user, role=role, scope_kind=scope, scope_id=scope_id, delegated_from=None)
    try:
        with transaction.atomic():
            # A row whose time is over makes room; it stays, as what once was.
            same.filter(ended_at=None, ends_at__lte=now).update(ended_at=F("ends_at"))
            grant = Grant.objects.create(
                user=user, role=role, scope_kind=scope, scope_id=scope_id, granted_by_id=actor.user_id, ends_at=ends_at
            )
            record_grant_change(actor, "grant.create", grant)
            notify_grant_holder(grant, "You were given a role", "You now hold")
    except IntegrityError as error:
        if same.filter(ended_at=None).exists():
            raise GrantError(f"{user} holds {role} there already; extend or revoke that grant.") from error
        raise
    return grant


def extend_grant(*, actor: Actor, grant: Grant, ends_at: datetime | None) -> Grant:
    """Set another end, later or sooner; None: no end. Whoever sets it answers for the Grant as its giver does.

    The giver stays: what they ask for, the person can't decide, whoever else prolongs the Grant."""
    now = timezone.now()
    forbid_self_grant(actor, grant.user)
    require_grant_manager(actor, ScopeKind(grant.scope_kind), grant.scope_id, now)
    if grant.delegated_from_id is not None:
        raise GrantError("This is lent by somebody; only they can lend it again.")
    validate_grant_terms(grant.user, Role(grant.role), ends_at, now)
    with transaction.atomic():
        before = grant.ends_at
        if not current_grants(now).filter(pk=grant.pk).update(ends_at=ends_at):
            raise GrantError("This grant has ended; give the role anew.")
        if actor.user_id is not None:
            grant.extenders.add(actor.user_id)
        grant.refresh_from_db()
        record_grant_change(actor, "grant.extend", grant, was=before)
        notify_grant_holder(grant, "The end of your role was changed", "You hold")
    return grant


def list_grantors(user: User, role: Role) -> set[int]:
    """The Users (ids) who gave this person a Grant of this role that wasn't ended, or who set its end; of one that is
    lent also those who did so for its lender."""
    held = Grant.objects.filter(user=user, role=role, ended_at=None)
    rows = held.values_list("granted_by", "extenders", "delegated_from__granted_by", "delegated_from__extenders")
    return {pk for row in rows for pk in row if pk is not None}


def revoke_grant(*, actor: Actor, grant: Grant, reason: str = "") -> Grant:
    """End a Grant now, and whatever was lent from it. A lender and a borrower may end what was lent themselves."""
    now = timezone.now()
    if grant.delegated_from is None or actor.user_id not in {grant.user_id, grant.delegated_from.user_id}:
        require_grant_manager(actor, ScopeKind(grant.scope_kind), grant.scope_id, now)
    with transaction.atomic():
        audit.hold_trail_end("grant.revoke")  # two admins who revoke each other come one after the other
        protect_last_admin(grant, now)
        if not end_grants(current_grants(now).filter(pk=grant.pk), actor, now):
            raise GrantError("This grant has ended already.")
        end_grants(Grant.objects.filter(delegated_from=grant, ended_at=None), actor, now)
        grant.refresh_from_db()
        record_grant_change(actor, "grant.revoke", grant, reason=reason)
        notify_grant_holder(grant, "Your role has ended", "You no longer hold")
    return grant


def end_grants(grants: QuerySet[Grant], actor: Actor, now: datetime) -> int:
    return grants.update(ended_at=now, ended_by_id=actor.user_id)


def current_grants(now: datetime) -> QuerySet[Grant]:
    """The Grants that hold now; a lent one holds no longer than the one it was lent from."""
    holds = Q(ended_at=None) & (Q(ends_at=None) | Q(ends_at__gt=now))
    source = Q(delegated_from__ended_at=None) & (Q(delegated_from__ends_at=None) | Q(delegated_from__ends_at__gt=now))
    return Grant.objects.filter(holds & (Q(delegated_from=None) | source))


def visible_grants(actor: Actor, permission: Permission = Permission.GRANT_VIEW) -> QuerySet[Grant]:
    """The Grants in scopes where the actor holds this permission."""
    rows = Grant.objects.select_related("user", "granted_by", "ended_by", "delegated_from__user")
    return rows.filter(scopes.get_scope_inventory().within(actor, permission))


def forbid_self_grant(actor: Actor, user: User) -> None:
    """A GrantError, and so told beside the form: it is no lack of permission, which another role would mend."""
    if actor.user_id is not None and actor.user_id == user.pk:
        raise GrantError("Nobody grants to themselves; ask another security admin.")


def require_grant_manager(actor: Actor, scope: ScopeKind, scope_id: str, now: datetime) -> None:
    """The actor manages grants in this scope, and has just proved a second factor."""
    if actor.system:
        return
    spot = scopes.locate_scope(scope, scope_id)
    if not is_permitted(actor, Permission.GRANT_MANAGE, now, spot.place if spot else None):
        raise NotPermittedError(f"{actor.name} may not manage grants there; a grant of security admin is needed.")
    if spot is None:
        raise GrantError(f"There is no {SCOPE_KIND_NAMES[scope]} {scope_id} in the inventory.")
    step_up.require_fresh_factor(actor, now)


SCOPE_KIND_NAMES = {ScopeKind.ORGANIZATION: "organization", ScopeKind.OU: "OU", ScopeKind.ACCOUNT: "account"}


def validate_grant_terms(user: User, role: Role, ends_at: datetime | None, now: datetime) -> None:
    if not user.is_active:
        raise GrantError(f"{user} is disabled, so a grant would mean nothing.")
    if user.is_service and role in PEOPLE_ONLY_ROLES:
        raise GrantError(f"{user} is a service account; {role} is for people.")
    if ends_at is not None and ends_at <= now:
        raise GrantError("The end must lie in the future.")


def protect_last_admin(grant: Grant, now: datetime) -> None:
    """Somebody must be left who can grant."""
    if grant.role != Role.SECURITY_ADMIN or grant.scope_kind != ScopeKind.ORGANIZATION:
        return
    others = current_grants(now).filter(role=grant.role, scope_kind=grant.scope_kind, scope_id=grant.scope_id)
    if not others.filter(user__is_active=True).exclude(user=grant.user_id).exists():
        raise GrantError(f"{grant.user} is the last security admin of {grant.scope_id}; name another one first.")


def record_grant_change(actor: Actor, action: str, grant: Grant, **more: object) -> None:
    audit.record(
        actor=actor,
        action=action,
        subject=f"user:{grant.user_id}",
        grant=grant.pk,
        username=grant.user.get_username(),
        role=grant.role,
        scope=f"{grant.scope_kind}:{grant.scope_id}",
        ends_at=grant.ends_at,
        **more,
    )


def notify_grant_holder(grant: Grant, subject: str, words: str) -> None:
    """Mail the person. words: how the sentence begins."""
    until = f", until {grant.ends_at:%Y-%m-%d %H:%M} UTC" if grant.ends_at and grant.ended_at is None else ""
    role, kind = grant.role.replace("_", " "), SCOPE_KIND_NAMES[ScopeKind(grant.scope_kind)]
    said = f"{words} the role {role} on the {kind} {grant.scope_id}{until}."
    mail.mail_person(grant.user, subject, [said, "", "If you don't expect this, tell a security admin."])
