"""Tickets: the board, one of them, and what its people do with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from exceptions.common.view_helpers import parsed, tell_each, version_of
from exceptions.errors import InvalidRequestError, WorkflowError
from exceptions.models import Ticket
from exceptions.tickets import lifecycle as services
from exceptions.tickets import rule_visibility, verification
from exceptions.tickets import ticket_queries as queries
from exceptions.tickets.ticket_queries import TicketFilter, visible_tickets
from exceptions.tickets.trackers import trackers
from governance.core.policy import Permission
from governance.identity.web import actor_of_request, permission
from scans.views.enqueue import hand_over
from scans.views.shared import slice_of


@require_safe
@permission(Permission.TICKET_VIEW)
def board(request: HttpRequest) -> HttpResponse:
    actor, now, wanted = actor_of_request(request), timezone.now(), parsed(TicketFilter.parse, request)
    rows = visible_tickets(actor)
    page = slice_of(request, queries.counted(wanted.narrow(rows, now)), {"list": "tickets", **wanted.given()})
    decidable = set(
        queries.waiting_tickets(actor).filter(pk__in=[r.pk for r in page.rows]).values_list("pk", flat=True)
    )
    context = {
        "wanted": wanted, "page": page, "totals": queries.totals(rows, now), "views": queries.VIEWS, "now": now,
        "severities": queries.SEVERITIES, "trackers": sorted(trackers()), "decidable": decidable,
        "sees_rules": rule_visibility.organizations(actor).exists(),
    }  # fmt: skip
    return render(request, "exceptions/tickets.html", context)


@require_safe
@permission(Permission.TICKET_VIEW)
def ticket(request: HttpRequest, pk: int) -> HttpResponse:
    return shown(request, ticket_or_404(request, pk))


@require_POST
@permission(Permission.TICKET_DECIDE)
def approve(request: HttpRequest, pk: int) -> HttpResponse:
    def act(found: Ticket) -> None:
        services.approve(actor=actor_of_request(request), ticket=found, version=version_of(request))

    return acted(request, pk, act, "Approved. Its time starts to run.")


@require_POST
@permission(Permission.TICKET_DECIDE)
def reject(request: HttpRequest, pk: int) -> HttpResponse:
    def act(found: Ticket) -> None:
        services.reject(
            actor=actor_of_request(request), ticket=found, version=version_of(request), reason=typed(request, "reason")
        )

    return acted(request, pk, act, "Rejected.")


@require_POST
@permission(Permission.TICKET_WORK)
def start(request: HttpRequest, pk: int) -> HttpResponse:
    def act(found: Ticket) -> None:
        services.start(
            actor=actor_of_request(request), ticket=found, version=version_of(request),
            assignee=typed(request, "assignee"),
        )  # fmt: skip

    return acted(request, pk, act, "Started.")


@require_POST
@permission(Permission.TICKET_WORK)
def claim(request: HttpRequest, pk: int) -> HttpResponse:
    def act(found: Ticket) -> None:
        scan = verification.claim_fix(actor=actor_of_request(request), ticket=found, version=version_of(request))
        hand_over(request, scan.pk)

    return acted(request, pk, act, "The resources are read again now. If every one of them passes, the ticket closes.")


@require_POST
@permission(Permission.TICKET_WORK)
def verify(request: HttpRequest, pk: int) -> HttpResponse:
    def act(found: Ticket) -> None:
        scan = verification.verify_again(actor=actor_of_request(request), ticket=found, version=version_of(request))
        hand_over(request, scan.pk)

    return acted(request, pk, act, "The resources are read again now.")


@require_POST
@permission(Permission.TICKET_PROPOSE)
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    def act(found: Ticket) -> None:
        services.cancel(
            actor=actor_of_request(request), ticket=found, version=version_of(request), reason=typed(request, "reason")
        )

    return acted(request, pk, act, "Cancelled. Its findings are as they were.")


@require_POST
@permission(Permission.TICKET_WORK)
def note(request: HttpRequest, pk: int) -> HttpResponse:
    def act(found: Ticket) -> None:
        services.say(actor=actor_of_request(request), ticket=found, text=typed(request, "text"))

    return acted(request, pk, act, "Your note is there.")


@require_POST
@permission(Permission.TICKET_DECIDE)
def decide_several(request: HttpRequest) -> HttpResponse:
    """Each by itself: what can't be decided says why, and the others are."""
    actor, reason = actor_of_request(request), typed(request, "reason")
    rows = visible_tickets(actor)
    if request.POST.get("act") == "reject":

        def reject(found: Ticket, version: int) -> None:
            services.reject(actor=actor, ticket=found, version=version, reason=reason)

        tell_each(request, rows, reject, done="rejected", prefix="TK-")
    else:

        def approve(found: Ticket, version: int) -> None:
            services.approve(actor=actor, ticket=found, version=version)

        tell_each(request, rows, approve, done="approved", prefix="TK-")
    return redirect("inbox" if request.POST.get("from") == "inbox" else "tickets")


def typed(request: HttpRequest, name: str) -> str:
    return str(request.POST.get(name, ""))


def acted(request: HttpRequest, pk: int, act: Callable[[Ticket], None], done: str) -> HttpResponse:
    """Back to the page; where it was refused, the page with what was typed and why."""
    found = ticket_or_404(request, pk)
    try:
        act(found)
    except InvalidRequestError as error:
        return shown(request, ticket_or_404(request, pk), faults=error.fields, status=422)
    except WorkflowError as error:
        return shown(request, ticket_or_404(request, pk), problem=str(error), status=409)
    messages.success(request, done)
    return redirect("ticket", pk=pk)


def shown(
    request: HttpRequest,
    found: Ticket,
    *,
    problem: str = "",
    faults: Mapping[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    context: dict[str, Any] = {
        "ticket": found, "page": queries.page_of(found, actor_of_request(request), timezone.now()),
        "problem": problem, "faults": faults or {}, "typed": request.POST if request.method == "POST" else {},
    }  # fmt: skip
    return render(request, "exceptions/ticket.html", context, status=status)


def ticket_or_404(request: HttpRequest, pk: int) -> Ticket:
    return get_object_or_404(visible_tickets(actor_of_request(request)), pk=pk)
