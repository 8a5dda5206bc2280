"""What the workflow adds to the pages of findings."""

from __future__ import annotations

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString

from exceptions.common.finding_overlays import history_of
from exceptions.requests.request_filters import state_of, visible_requests
from exceptions.tickets.ticket_queries import visible_tickets
from governance.core.policy import Permission, decide
from governance.identity.web import actor_of_request
from scans.hooks import BulkAct
from scans.models import Finding
from scans.pipeline.start import place_of

SHOWN = 10


def of_finding(request: HttpRequest, finding: Finding) -> SafeString:
    """What can be asked for here, and every exception and ticket that there was, as far as the reader may see them."""
    actor, now = actor_of_request(request), timezone.now()
    place = place_of(finding.account.organization, finding.account)
    sees = decide(actor, Permission.EXCEPTION_VIEW, now, place)
    asked = visible_requests(actor).filter(pk__in=history_of(finding).order_by().values("pk"))
    sees_tickets = decide(actor, Permission.TICKET_VIEW, now, place)
    tickets = visible_tickets(actor).filter(items__finding=finding)
    open_ones, failing = finding.state == "open", finding.verdict == "fail"
    context = {
        "finding": finding, "requests": [(row, state_of(row, now)) for row in asked[:SHOWN]], "now": now, "tickets": list(tickets[:SHOWN]),
        "may_ask": open_ones and decide(actor, Permission.EXCEPTION_REQUEST, now, place),
        "may_propose": open_ones and failing and decide(actor, Permission.TICKET_PROPOSE, now, place),
        "sees": sees or sees_tickets,
    }  # fmt: skip
    return render_to_string("exceptions/_finding_panel.html", context, request)


def bulk_acts(request: HttpRequest) -> list[BulkAct]:
    """For the ticked ones on the list of findings."""
    actor, now = actor_of_request(request), timezone.now()
    offers = (
        (Permission.EXCEPTION_REQUEST, "Ask for an exception", "exception-new"),
        (Permission.TICKET_PROPOSE, "Propose tickets", "tickets-propose"),
    )
    return [BulkAct(label, reverse(name)) for wanted, label, name in offers if decide(actor, wanted, now)]
