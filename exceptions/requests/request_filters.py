"""Queries of exception requests: which ones a reader can see, by state, and those waiting for a decision."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from accounts.queries import visible_accounts
from exceptions.models import Cover, CoveredFinding, ExceptionRequest
from exceptions.rules import effective_state
from governance.core.policy import Actor, Permission

EXPIRING_WITHIN = timedelta(days=30)


def visible_requests(actor: Actor) -> QuerySet[ExceptionRequest]:
    """The actor's own requests, and every submitted one that covers an account whose exceptions the actor can see."""
    rows = ExceptionRequest.objects.select_related("organization", "account", "ou", "requested_by", "on_behalf_of")
    rows = rows.order_by("-id")
    if actor.system:
        return rows
    accounts = visible_accounts(actor, Permission.EXCEPTION_VIEW).order_by().values("pk")
    covered = Exists(Cover.objects.filter(request=OuterRef("pk"), account__in=accounts))
    shared = Q(covered) & ~Q(state="draft")
    mine: Q = Q(requested_by=actor.user_id) if actor.user_id else Q(pk__in=[])
    if actor.token_id is not None:
        # The requests of the token's service account, but only for the accounts that this token is limited to.
        outside = Exists(Cover.objects.filter(request=OuterRef("pk")).exclude(account__in=accounts))
        named = Exists(CoveredFinding.objects.filter(request=OuterRef("pk")).exclude(finding__account__in=accounts))
        mine = mine & ~Q(outside) & ~Q(named) & (Q(account=None) | Q(account__in=accounts))
    return rows.filter(mine | shared)


def filter_by_state(rows: QuerySet[ExceptionRequest], wanted: str, now: datetime) -> QuerySet[ExceptionRequest]:
    return rows.filter(state_is(wanted, now))


def state_is(wanted: str, now: datetime) -> Q:
    """Matches the state that people see: pending, active and expired depend on the clock.

    rules.effective_state says the same of one row; the two must agree."""
    match wanted:
        case "pending":
            return Q(state="approved", starts_at__gt=now, expires_at__gt=now)
        case "active":
            return Q(state="approved", starts_at__lte=now, expires_at__gt=now)
        case "expiring":
            return Q(state="approved", expires_at__gt=now, expires_at__lte=now + EXPIRING_WITHIN)
        case "expired":
            late = ["approved", "suspended", "submitted", "changes_requested"]
            return Q(state="expired") | Q(state__in=late, expires_at__lte=now)
        case "submitted" | "suspended":
            return Q(state=wanted, expires_at__gt=now)
        case "changes_requested":
            return Q(state=wanted) & (Q(expires_at=None) | Q(expires_at__gt=now))
        case "":
            return Q()
        case _:
            return Q(state=wanted)


def requests_to_decide(actor: Actor, now: datetime) -> QuerySet[ExceptionRequest]:
    """The requests that this person's grants allow to decide, oldest first. The page shows conflicts of interest."""
    accounts = visible_accounts(actor, Permission.EXCEPTION_DECIDE).order_by().values("pk")
    covered = Exists(Cover.objects.filter(request=OuterRef("pk"), account__in=accounts))
    rows = visible_requests(actor).filter(covered, state__in=["submitted", "suspended"], expires_at__gt=now)
    decided = Q(decisions__by=actor.user_id, decisions__round=F("round"))
    return rows.exclude(requested_by=actor.user_id).exclude(decided).order_by("submitted_at", "id")


def board_state(row: ExceptionRequest, now: datetime) -> str:
    state = effective_state(row.state, row.starts_at, row.expires_at, now)
    soon = row.expires_at is not None and row.expires_at <= now + EXPIRING_WITHIN
    return "expiring" if state == "active" and soon else state
