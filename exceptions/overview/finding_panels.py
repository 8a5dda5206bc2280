"""Adds exceptions and tickets to the pages of findings: a panel on one finding, bulk acts on the list."""

from __future__ import annotations

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString

from accounts.scopes import find_account_place
from exceptions.common.finding_overlays import requests_for_finding
from exceptions.requests.request_filters import board_state, visible_requests
from exceptions.tickets.ticket_queries import visible_tickets
from governance.core.policy import Actor, Permission, is_permitted
from governance.identity.web import get_request_actor
from scans.hooks import BulkAction
from scans.models import Finding

MAX_SHOWN = 10


def render_finding_panel(request: HttpRequest, finding: Finding) -> SafeString:
    """Render the finding's exceptions and tickets that the reader can see, and the acts that are open to them."""
    actor, now = get_request_actor(request), timezone.now()
    place = find_account_place(finding.account)
    sees = is_permitted(actor, Permission.EXCEPTION_VIEW, now, place)
    asked = visible_requests(actor).filter(pk__in=requests_for_finding(finding).order_by().values("pk"))
    sees_tickets = is_permitted(actor, Permission.TICKET_VIEW, now, place)
    tickets = visible_tickets(actor).filter(items__finding=finding)
    open_ones, failing = finding.state == "open", finding.verdict == "fail"
    context = {
        "finding": finding,
        "requests": [(row, board_state(row, now)) for row in asked[:MAX_SHOWN]],
        "now": now,
        "tickets": list(tickets[:MAX_SHOWN]),
        "may_ask": open_ones and is_permitted(actor, Permission.EXCEPTION_REQUEST, now, place),
        "may_propose": open_ones and failing and is_permitted(actor, Permission.TICKET_PROPOSE, now, place),
        "sees": sees or sees_tickets,
        **find_superseded_work(actor, finding),
    }
    return render_to_string("exceptions/_finding_panel.html", context, request)


def find_superseded_work(actor: Actor, finding: Finding) -> dict[str, object]:
    """The requests and tickets of the findings for which this one stands. They don't move to it."""
    if not finding.supersedes.exists():
        return {"earlier_requests": [], "earlier_tickets": []}
    asked = visible_requests(actor).filter(covered__finding__superseded_by=finding).exclude(state="draft")
    tickets = visible_tickets(actor).filter(items__finding__superseded_by=finding)
    own = requests_for_finding(finding).order_by().values("pk")
    return {
        "earlier_requests": list(asked.exclude(pk__in=own).distinct()[:MAX_SHOWN]),
        "earlier_tickets": list(tickets.exclude(items__finding=finding).distinct()[:MAX_SHOWN]),
    }


def list_bulk_acts(request: HttpRequest) -> list[BulkAction]:
    """The acts on selected findings of the list."""
    actor, now = get_request_actor(request), timezone.now()
    offers = (
        (Permission.EXCEPTION_REQUEST, "Request an exception", "exception-new"),
        (Permission.TICKET_PROPOSE, "Propose tickets", "tickets-propose"),
    )
    return [BulkAction(label, reverse(name)) for wanted, label, name in offers if is_permitted(actor, wanted, now)]
