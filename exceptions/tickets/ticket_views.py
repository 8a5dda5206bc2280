"""Views of tickets: the list, one ticket's page, and the acts on tickets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from exceptions.common.view_helpers import apply_to_ticked, parse_posted_version
from exceptions.errors import InvalidRequestError, WorkflowError
from exceptions.models import Ticket
from exceptions.tickets import lifecycle as services
from exceptions.tickets import rule_visibility, verification
from exceptions.tickets import ticket_queries as queries
from exceptions.tickets.ticket_queries import TicketFilter, visible_tickets
from exceptions.tickets.trackers import load_trackers
from governance.core.list_filters import parse_filter
from governance.core.policy import Permission
from governance.identity.web import get_request_actor, permission_required
from scans.views.enqueue import enqueue_with_message
from scans.views.shared import slice_of


@require_safe
@permission_required(Permission.TICKET_VIEW)
def show_ticket_board(request: HttpRequest) -> HttpResponse:
    actor, now, wanted = get_request_actor(request), timezone.now(), parse_filter(TicketFilter, request.GET.dict())
    rows = visible_tickets(actor)
    page = slice_of(
        request, queries.annotate_finding_counts(wanted.apply_filters(rows, now)), {"list": "tickets", **wanted.given()}
    )
    decidable = set(
        queries.waiting_tickets(actor).filter(pk__in=[r.pk for r in page.rows]).values_list("pk", flat=True)
    )
    context = {
        "wanted": wanted,
        "page": page,
        "totals": queries.count_by_view(rows, now),
        "views": queries.VIEWS,
        "now": now,
        "severities": queries.SEVERITIES,
        "trackers": sorted(load_trackers()),
        "decidable": decidable,
        "sees_rules": rule_visibility.fully_visible_organizations(actor).exists(),
    }
    return render(request, "exceptions/tickets.html", context)


@require_safe
@permission_required(Permission.TICKET_VIEW)
def show_ticket(request: HttpRequest, pk: int) -> HttpResponse:
    return render_ticket_page(request, ticket_or_404(request, pk))


@require_POST
@permission_required(Permission.TICKET_DECIDE)
def approve_ticket(request: HttpRequest, pk: int) -> HttpResponse:
    def act(found: Ticket) -> None:
        services.approve(actor=get_request_actor(request), ticket=found, version=parse_posted_version(request))

    return act_on_ticket(request, pk, act, "Ticket approved; its due date is set.")


@require_POST
@permission_required(Permission.TICKET_DECIDE)
def reject_ticket(request: HttpRequest, pk: int) -> HttpResponse:
    def act(found: Ticket) -> None:
        services.reject(
            actor=get_request_actor(request),
            ticket=found,
            version=parse_posted_version(request),
            reason=read_posted_text(request, "reason"),
        )

    return act_on_ticket(request, pk, act, "Ticket rejected.")


@require_POST
@permission_required(Permission.TICKET_WORK)
def start_ticket(request: HttpRequest, pk: int) -> HttpResponse:
    def act(found: Ticket) -> None:
        services.start_work(
            actor=get_request_actor(request),
            ticket=found,
            version=parse_posted_version(request),
            assignee=read_posted_text(request, "assignee"),
        )

    return act_on_ticket(request, pk, act, "Work started.")


@require_POST
@permission_required(Permission.TICKET_WORK)
def claim_ticket(request: HttpRequest, pk: int) -> HttpResponse:
    def act(found: Ticket) -> None:
        scan = verification.claim_fix(
            actor=get_request_actor(request), ticket=found, version=parse_posted_version(request)
        )
        enqueue_with_message(request, scan.pk)

    return act_on_ticket(request, pk, act, "Rescan started. The ticket closes if every resource passes.")


@require_POST
@permission_required(Permission.TICKET_WORK)
def verify_ticket(request: HttpRequest, pk: int) -> HttpResponse:
    def act(found: Ticket) -> None:
        scan = verification.verify_again(
            actor=get_request_actor(request), ticket=found, version=parse_posted_version(request)
        )
        enqueue_with_message(request, scan.pk)

    return act_on_ticket(request, pk, act, "Rescan started.")


@require_POST
@permission_required(Permission.TICKET_PROPOSE)
def cancel_ticket(request: HttpRequest, pk: int) -> HttpResponse:
    def act(found: Ticket) -> None:
        services.cancel(
            actor=get_request_actor(request),
            ticket=found,
            version=parse_posted_version(request),
            reason=read_posted_text(request, "reason"),
        )

    return act_on_ticket(request, pk, act, "Ticket cancelled; its findings are unchanged.")


@require_POST
@permission_required(Permission.TICKET_WORK)
def add_ticket_note(request: HttpRequest, pk: int) -> HttpResponse:
    def act(found: Ticket) -> None:
        services.post_note(actor=get_request_actor(request), ticket=found, text=read_posted_text(request, "text"))

    return act_on_ticket(request, pk, act, "Note added.")


@require_POST
@permission_required(Permission.TICKET_DECIDE)
def decide_several_tickets(request: HttpRequest) -> HttpResponse:
    """Decide each selected ticket by itself; a message names each one that can't be decided, and why."""
    actor, reason = get_request_actor(request), read_posted_text(request, "reason")
    rows = visible_tickets(actor)
    if request.POST.get("act") == "reject":

        def reject(found: Ticket, version: int) -> None:
            services.reject(actor=actor, ticket=found, version=version, reason=reason)

        apply_to_ticked(request, rows, reject, done="rejected", prefix="TK-")
    else:

        def approve(found: Ticket, version: int) -> None:
            services.approve(actor=actor, ticket=found, version=version)

        apply_to_ticked(request, rows, approve, done="approved", prefix="TK-")
    return redirect("inbox" if request.POST.get("from") == "inbox" else "tickets")


def read_posted_text(request: HttpRequest, name: str) -> str:
    return str(request.POST.get(name, ""))


def act_on_ticket(request: HttpRequest, pk: int, act: Callable[[Ticket], None], done: str) -> HttpResponse:
    """Act and redirect to the page. If the act is refused, show the page with the reason and the typed text."""
    found = ticket_or_404(request, pk)
    try:
        act(found)
    except InvalidRequestError as error:
        return render_ticket_page(request, ticket_or_404(request, pk), faults=error.fields, status=422)
    except WorkflowError as error:
        return render_ticket_page(request, ticket_or_404(request, pk), problem=str(error), status=409)
    messages.success(request, done)
    return redirect("ticket", pk=pk)


def render_ticket_page(
    request: HttpRequest,
    found: Ticket,
    *,
    problem: str = "",
    faults: Mapping[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    context: dict[str, Any] = {
        "ticket": found,
        "page": queries.build_ticket_page(found, get_request_actor(request), timezone.now()),
        "problem": problem,
        "faults": faults or {},
        "typed": request.POST if request.method == "POST" else {},
    }
    return render(request, "exceptions/ticket.html", context, status=status)


def ticket_or_404(request: HttpRequest, pk: int) -> Ticket:
    return get_object_or_404(visible_tickets(get_request_actor(request)), pk=pk)
