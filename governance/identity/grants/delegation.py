"""Lends an approver's Grant to another person until a date. It also ends with the Grant itself."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from governance.core.policy import Actor, NotPermittedError, Permission, Role, is_permitted
from governance.identity.factors import step_up
from governance.identity.grants import services
from governance.identity.grants.services import GrantError
from governance.identity.models import Grant, User

MAX_DELEGATION = timedelta(days=90)
LENDABLE_ROLES = frozenset({Role.GOVERNANCE_APPROVER})


def delegate_grant(*, actor: Actor, grant: Grant, to: User, ends_at: datetime) -> Grant:
    """Lend the actor's own Grant until a time. Raises GrantError, NotPermittedError, StepUpRequiredError.

    The borrower's decisions count as the lender's too: neither can decide what the other one requested
    (governance.core.policy.is_permitted_disinterested).
    """
    now = timezone.now()
    refuse_delegation(actor, grant, now)
    step_up.require_fresh_factor(actor, now)
    services.forbid_self_grant(actor, to)
    services.validate_grant_terms(to, Role(grant.role), ends_at, now)
    latest = min(end for end in (grant.ends_at, now + MAX_DELEGATION) if end is not None)
    if ends_at > latest:
        raise GrantError(f"The latest end date is {latest:%Y-%m-%d %H:%M} UTC.")
    lent = Grant.objects.filter(user=to, delegated_from=grant, ended_at=None)
    try:
        with transaction.atomic():
            # An expired delegation still counts for the constraint delegation_once; ending it makes room.
            lent.filter(ends_at__lte=now).update(ended_at=now)
            made = Grant.objects.create(
                user=to,
                role=grant.role,
                scope_kind=grant.scope_kind,
                scope_id=grant.scope_id,
                granted_by_id=actor.user_id,
                ends_at=ends_at,
                delegated_from=grant,
            )
            services.record_grant_change(actor, "grant.delegate", made, lent_by=actor.name)
            services.notify_grant_holder(
                made, "A grant was lent to you", f"{actor.name} lent you a grant: you now have"
            )
    except IntegrityError as error:
        if lent.exists():
            raise GrantError(f"You have already lent this grant to {to}; end that first.") from error
        raise
    return made


def refuse_delegation(actor: Actor, grant: Grant, now: datetime) -> None:
    """Only the holder can lend a grant, only one of LENDABLE_ROLES, and only while it is active."""
    if (
        actor.user_id is None
        or actor.user_id != grant.user_id
        or not is_permitted(actor, Permission.GRANT_DELEGATE, now)
    ):
        raise NotPermittedError("Only the holder of a grant can lend it.")
    if grant.role not in LENDABLE_ROLES:
        raise GrantError(f"A grant as {grant.role.replace('_', ' ')} can't be lent; only a governance approver's can.")
    # Lent on, it would hide its first lender from the checks of conflicts of interest.
    if grant.delegated_from_id is not None:
        raise GrantError("This grant was lent to you and can't be lent again.")
    if not services.current_grants(now).filter(pk=grant.pk).exists():
        raise GrantError("This grant has ended, so it can't be lent.")
