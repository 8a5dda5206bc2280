"""Gives, extends and revokes Grants. Each change is audited and mailed; users can't change their own Grants."""

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

# Roles that a service account can't have. Their special rights need a second factor, which no token has, so the role
# would only be a risk.
PEOPLE_ONLY_ROLES = frozenset({Role.SECURITY_ADMIN, Role.GOVERNANCE_APPROVER})


class GrantError(ValueError):
    """The change isn't possible; the message says why and what to do."""


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
            # An expired row still counts for the constraint grant_once. Ending it makes room; it stays as history.
            same.filter(ended_at=None, ends_at__lte=now).update(ended_at=F("ends_at"))
            grant = Grant.objects.create(
                user=user, role=role, scope_kind=scope, scope_id=scope_id, granted_by_id=actor.user_id, ends_at=ends_at
            )
            record_grant_change(actor, "grant.create", grant)
            notify_grant_holder(grant, "You received a grant", "You now have")
    except IntegrityError as error:
        if same.filter(ended_at=None).exists():
            raise GrantError(
                f"{user} already has {role.replace('_', ' ')} in this scope; extend or revoke that grant."
            ) from error
        raise
    return grant


def extend_grant(*, actor: Actor, grant: Grant, ends_at: datetime | None) -> Grant:
    """Set another end, later or sooner; None: no end.

    The actor is recorded beside the giver, who stays: the holder can't decide requests of either."""
    now = timezone.now()
    forbid_self_grant(actor, grant.user)
    require_grant_manager(actor, ScopeKind(grant.scope_kind), grant.scope_id, now)
    if grant.delegated_from_id is not None:
        raise GrantError("This grant is lent; only the lender can extend it.")
    validate_grant_terms(grant.user, Role(grant.role), ends_at, now)
    with transaction.atomic():
        before = grant.ends_at
        if not current_grants(now).filter(pk=grant.pk).update(ends_at=ends_at):
            raise GrantError("This grant has ended; create a new one.")
        if actor.user_id is not None:
            grant.extenders.add(actor.user_id)
        grant.refresh_from_db()
        record_grant_change(actor, "grant.extend", grant, was=before)
        notify_grant_holder(grant, "The end date of your grant changed", "You have")
    return grant


def list_grantors(user: User, role: Role) -> set[int]:
    """The Users (ids) who gave this person a Grant of this role or set its end; for a lent one also those who did so
    for its lender.

    Expired Grants count as long as they were not ended: in doubt, a conflict of interest is assumed."""
    held = Grant.objects.filter(user=user, role=role, ended_at=None)
    rows = held.values_list("granted_by", "extenders", "delegated_from__granted_by", "delegated_from__extenders")
    return {pk for row in rows for pk in row if pk is not None}


def revoke_grant(*, actor: Actor, grant: Grant, reason: str = "") -> Grant:
    """End a Grant now, and the Grants lent from it. A lent Grant can be ended by its lender and its borrower too."""
    now = timezone.now()
    if grant.delegated_from is None or actor.user_id not in {grant.user_id, grant.delegated_from.user_id}:
        require_grant_manager(actor, ScopeKind(grant.scope_kind), grant.scope_id, now)
    with transaction.atomic():
        # Two admins who revoke each other take turns here; the second one finds that they are the last admin.
        audit.hold_trail_end("grant.revoke")
        protect_last_admin(grant, now)
        if not end_grants(current_grants(now).filter(pk=grant.pk), actor, now):
            raise GrantError("This grant has already ended.")
        end_grants(Grant.objects.filter(delegated_from=grant, ended_at=None), actor, now)
        grant.refresh_from_db()
        record_grant_change(actor, "grant.revoke", grant, reason=reason)
        notify_grant_holder(grant, "Your grant has ended", "You no longer have")
    return grant


def end_grants(grants: QuerySet[Grant], actor: Actor, now: datetime) -> int:
    return grants.update(ended_at=now, ended_by_id=actor.user_id)


def current_grants(now: datetime) -> QuerySet[Grant]:
    """The active Grants; a lent one is active only while the one that it was lent from is."""
    holds = Q(ended_at=None) & (Q(ends_at=None) | Q(ends_at__gt=now))
    source = Q(delegated_from__ended_at=None) & (Q(delegated_from__ends_at=None) | Q(delegated_from__ends_at__gt=now))
    return Grant.objects.filter(holds & (Q(delegated_from=None) | source))


def visible_grants(actor: Actor, permission: Permission = Permission.GRANT_VIEW) -> QuerySet[Grant]:
    """The Grants in scopes where the actor holds this permission."""
    rows = Grant.objects.select_related("user", "granted_by", "ended_by", "delegated_from__user")
    return rows.filter(scopes.get_scope_inventory().within(actor, permission))


def forbid_self_grant(actor: Actor, user: User) -> None:
    """Raises GrantError if the actor and the user are the same person."""
    # Not NotPermittedError: no other role would help, and the form shows a GrantError with the input kept.
    if actor.user_id is not None and actor.user_id == user.pk:
        raise GrantError("You can't give a grant to yourself; ask another security admin.")


def require_grant_manager(actor: Actor, scope: ScopeKind, scope_id: str, now: datetime) -> None:
    """Require the permission to manage grants in this scope, and a fresh second factor."""
    if actor.system:
        return
    # A scope that isn't in the inventory has no place. For a manager of grants anywhere, the error below names the id.
    spot = scopes.locate_scope(scope, scope_id)
    if not is_permitted(actor, Permission.GRANT_MANAGE, now, spot.place if spot else None):
        raise NotPermittedError(
            f"{actor.name} is not allowed to manage grants in this scope; this needs a security admin of the scope."
        )
    if spot is None:
        raise GrantError(f"There is no {SCOPE_KIND_NAMES[scope]} {scope_id} in the inventory. Check the id.")
    step_up.require_fresh_factor(actor, now)


SCOPE_KIND_NAMES = {ScopeKind.ORGANIZATION: "organization", ScopeKind.OU: "OU", ScopeKind.ACCOUNT: "account"}


def validate_grant_terms(user: User, role: Role, ends_at: datetime | None, now: datetime) -> None:
    if not user.is_active:
        raise GrantError(f"{user} is disabled. Enable the person first.")
    if user.is_service and role in PEOPLE_ONLY_ROLES:
        raise GrantError(f"{user} is a service account; the role {role.replace('_', ' ')} is for people only.")
    if ends_at is not None and ends_at <= now:
        raise GrantError("The end date must be in the future.")


def protect_last_admin(grant: Grant, now: datetime) -> None:
    """Raises GrantError if no other security admin of the organization would be left, who could give grants."""
    if grant.role != Role.SECURITY_ADMIN or grant.scope_kind != ScopeKind.ORGANIZATION:
        return
    others = current_grants(now).filter(role=grant.role, scope_kind=grant.scope_kind, scope_id=grant.scope_id)
    if not others.filter(user__is_active=True).exclude(user=grant.user_id).exists():
        raise GrantError(
            f"{grant.user} is the last security admin of {grant.scope_id}; give the role to another person first."
        )


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
    """Mail the holder of the Grant. words: the beginning of the sentence."""
    until = f", until {grant.ends_at:%Y-%m-%d %H:%M} UTC" if grant.ends_at and grant.ended_at is None else ""
    role, kind = grant.role.replace("_", " "), SCOPE_KIND_NAMES[ScopeKind(grant.scope_kind)]
    sentence = f"{words} the role {role} on the {kind} {grant.scope_id}{until}."
    mail.mail_person(grant.user, subject, [sentence, "", "If you don't expect this, tell a security admin."])
