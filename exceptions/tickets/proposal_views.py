"""Views to propose tickets for several findings, and of the ticket rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.queries import visible_accounts
from exceptions.common import input_checks
from exceptions.common.view_helpers import build_findings_url, find_chosen_findings, parse_whole_number
from exceptions.errors import InvalidRequestError
from exceptions.tickets import bulk_proposals, ticket_queries, ticket_rules
from exceptions.tickets import rule_visibility as queries
from exceptions.tickets.trackers import load_trackers
from governance.core.policy import Permission
from governance.identity.web import get_request_actor, permission_required
from scans.queries import controls, unit_choices


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(Permission.TICKET_PROPOSE)
def propose_chosen_findings(request: HttpRequest) -> HttpResponse:
    """Show the selected findings with a choice of tracker, or propose them and redirect to the page of the result."""
    chosen, tracker, note = (
        find_chosen_findings(request),
        request.POST.get("tracker", "none"),
        request.POST.get("note", ""),
    )
    if request.method == "POST" and ("propose" not in request.POST or not chosen):
        return redirect(build_findings_url("tickets-propose", chosen))
    context: dict[str, Any] = {
        "findings": chosen,
        "trackers": [(name, each.label) for name, each in sorted(load_trackers().items())],
        "tracker": tracker,
        "note": note,
        "faults": {},
    }
    if request.method != "POST":
        return render(request, "exceptions/propose.html", context)
    try:
        # An invalid note is invalid for every group. Checked first, it is reported once, beside the field.
        input_checks.validate_text("note", note)
    except InvalidRequestError as error:
        return render(request, "exceptions/propose.html", {**context, "faults": error.fields}, status=422)
    report_results(
        request,
        bulk_proposals.propose_each(actor=get_request_actor(request), findings=chosen, tracker=tracker, note=note),
    )
    return redirect(build_findings_url("tickets-proposed", chosen))


def report_results(request: HttpRequest, results: list[bulk_proposals.ProposalResult]) -> None:
    """Add the messages that the next page shows once. The tickets themselves, it reads from the database."""
    made = [result for result in results if result.ticket]
    if made:
        messages.success(request, f"{len(made)} proposed." if len(made) > 1 else f"{made[0].ticket} is proposed.")
    for result in results:
        if result.ticket is None:
            first = result.findings[0]
            where = f"{first.control} in {first.account.name}, {first.region}"
            messages.error(request, f"No ticket was proposed for {where}. {result.why_not}")


@require_safe
@permission_required(Permission.TICKET_VIEW)
def show_proposed_tickets(request: HttpRequest) -> HttpResponse:
    """The tickets of these findings, as they are now."""
    groups = ticket_queries.group_tickets(get_request_actor(request), find_chosen_findings(request))
    return render(request, "exceptions/proposed.html", {"groups": groups})


@require_safe
@permission_required(Permission.TICKET_VIEW)
def show_ticket_rules(request: HttpRequest) -> HttpResponse:
    return render_rules_page(request)


@require_POST
@permission_required(Permission.TICKET_PROPOSE)
def create_ticket_rule(request: HttpRequest) -> HttpResponse:
    actor = get_request_actor(request)
    given = {name: request.POST.get(name, "") for name in ("name", "control", "severity", "ou", "tracker")}
    if any("\x00" in value for value in given.values()):
        raise BadRequest("A field contains a character that can't be stored (NUL). Remove it.")
    organization = get_object_or_404(
        queries.fully_visible_organizations(actor), org_id=request.POST.get("organization", "")
    )
    try:
        made = ticket_rules.create_rule(actor=actor, organization=organization, **given)
    except InvalidRequestError as error:
        return render_rules_page(request, faults=error.fields, status=422)
    messages.success(request, f"{made} proposes tickets from the next scan on.")
    return redirect("ticket-rules")


@require_POST
@permission_required(Permission.TICKET_PROPOSE)
def switch_ticket_rule(request: HttpRequest, pk: int) -> HttpResponse:
    actor = get_request_actor(request)
    rule = get_object_or_404(queries.visible_rules(actor), pk=pk)
    enabled = bool(parse_whole_number(request.POST.get("enabled", ""), "enabled"))
    ticket_rules.set_enabled(actor=actor, rule=rule, enabled=enabled)
    messages.success(request, f"{rule} is {'enabled' if rule.enabled else 'disabled'}.")
    return redirect("ticket-rules")


def render_rules_page(request: HttpRequest, faults: Mapping[str, str] | None = None, status: int = 200) -> HttpResponse:
    """Render the page, for readers who see the tickets of a whole organization: rules act on all of it."""
    actor = get_request_actor(request)
    organizations = list(queries.fully_visible_organizations(actor))
    if not organizations:
        raise PermissionDenied
    may_make = queries.can_create_rules(actor)
    context = {
        "rules": queries.rules_with_ticket_counts(actor),
        "may_make": may_make,
        "organizations": organizations,
        "faults": faults or {},
        "typed": request.POST,
        "controls": controls.list_control_choices(),
        "severities": ticket_queries.SEVERITIES,
        "ous": unit_choices.list_unit_choices(visible_accounts(actor, Permission.TICKET_PROPOSE)) if may_make else [],
        "trackers": [(name, each.label) for name, each in sorted(load_trackers().items())],
    }
    return render(request, "exceptions/rules.html", context, status=status)
