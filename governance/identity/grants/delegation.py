"""Lending one's approver's Grant to somebody else for a while. It ends by time, and with the Grant itself."""

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
    """Let another person hold one's own Grant until a time. Raises GrantError, NotPermittedError, StepUpRequiredError.

    What they decide counts as decided by a hand of the lender's: governance.core.policy.decide_disinterested lets
    neither decide on what the other asked for.
    """
    now = timezone.now()
    refuse_delegation(actor, grant, now)
    step_up.require_fresh_factor(actor, now)
    services.forbid_self_grant(actor, to)
    services.validate_grant_terms(to, Role(grant.role), ends_at, now)
    latest = min(end for end in (grant.ends_at, now + MAX_DELEGATION) if end is not None)
    if ends_at > latest:
        raise GrantError(f"It can be lent until {latest:%Y-%m-%d %H:%M} UTC at most.")
    lent = Grant.objects.filter(user=to, delegated_from=grant, ended_at=None)
    try:
        with transaction.atomic():
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
                made, "You were lent a role", f"{actor.name} lends you their grant: you now hold"
            )
    except IntegrityError as error:
        if lent.exists():
            raise GrantError(f"{to} holds it from you already; end that first.") from error
        raise
    return made


def refuse_delegation(actor: Actor, grant: Grant, now: datetime) -> None:
    """Only the holder, only what can be lent, only while it holds."""
    if (
        actor.user_id is None
        or actor.user_id != grant.user_id
        or not is_permitted(actor, Permission.GRANT_DELEGATE, now)
    ):
        raise NotPermittedError("Only the person who holds a grant can lend it.")
    if grant.role not in LENDABLE_ROLES:
        raise GrantError(f"{grant.role} can't be lent; only governance approver can.")
    if grant.delegated_from_id is not None:
        raise GrantError("This was lent to you; it can't be lent on.")
    if not services.current_grants(now).filter(pk=grant.pk).exists():
        raise GrantError("This grant has ended.")
