"""Queries of ticket rules. A rule acts on a whole organization, so only readers who see all of it see its rules."""

from __future__ import annotations

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from accounts.models import Organization
from exceptions.models import TicketRule
from governance.core.policy import Actor, Location, Permission, is_permitted
from governance.core.states import TICKET_ENDED


def fully_visible_organizations(actor: Actor) -> QuerySet[Organization]:
    return permitted_organizations(actor, Permission.TICKET_VIEW)


def can_create_rules(actor: Actor) -> bool:
    return permitted_organizations(actor, Permission.TICKET_PROPOSE).exists()


def permitted_organizations(actor: Actor, permission: Permission) -> QuerySet[Organization]:
    """The organizations for which the actor holds the permission as a whole."""
    # Each organization is asked by the pure policy, which knows tokens' limits too. A portal has few of them.
    now = timezone.now()
    known = Organization.objects.values_list("pk", "org_id")
    return Organization.objects.filter(
        pk__in=[pk for pk, id in known if is_permitted(actor, permission, now, Location(id))]
    )


def visible_rules(actor: Actor) -> QuerySet[TicketRule]:
    return TicketRule.objects.filter(organization__in=fully_visible_organizations(actor)).select_related(
        "organization", "ou", "by"
    )


def rules_with_ticket_counts(actor: Actor) -> QuerySet[TicketRule]:
    """The visible rules, each with the number of tickets that it proposed (all) and of those not ended (live)."""
    live = Count("tickets", filter=~Q(tickets__state__in=TICKET_ENDED))
    return visible_rules(actor).annotate(all=Count("tickets"), live=live).order_by("name")
