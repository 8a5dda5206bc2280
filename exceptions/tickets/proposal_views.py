"""Proposing tickets for several findings at once, and the standing rules that do it by themselves."""

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
from exceptions.common.view_helpers import address_of, seen_findings, whole_number
from exceptions.errors import InvalidRequestError
from exceptions.tickets import bulk_proposals, ticket_queries, ticket_rules
from exceptions.tickets import rule_visibility as queries
from exceptions.tickets.trackers import trackers
from governance.core.policy import Permission
from governance.identity.web import actor_of_request, permission
from scans.queries import controls, unit_choices


@require_http_methods(["GET", "HEAD", "POST"])
@permission(Permission.TICKET_PROPOSE)
def propose(request: HttpRequest) -> HttpResponse:
    """First the ticked findings with the choice of tracker; proposing them leads to the page of what came of it."""
    chosen, tracker, note = seen_findings(request), request.POST.get("tracker", "none"), request.POST.get("note", "")
    if request.method == "POST" and ("propose" not in request.POST or not chosen):
        return redirect(address_of("tickets-propose", chosen))
    context: dict[str, Any] = {
        "findings": chosen, "trackers": [(name, each.label) for name, each in sorted(trackers().items())],
        "tracker": tracker, "note": note, "faults": {},
    }  # fmt: skip
    if request.method != "POST":
        return render(request, "exceptions/propose.html", context)
    try:
        input_checks.checked_text("note", note)  # wrong for one is wrong for all: said once, beside the field
    except InvalidRequestError as error:
        return render(request, "exceptions/propose.html", {**context, "faults": error.fields}, status=422)
    report_results(
        request,
        bulk_proposals.propose_each(actor=actor_of_request(request), findings=chosen, tracker=tracker, note=note),
    )
    return redirect(address_of("tickets-proposed", chosen))


def report_results(request: HttpRequest, results: list[bulk_proposals.Proposed]) -> None:
    """What the next page says once; what lasts, it reads from the tickets."""
    made = [result for result in results if result.ticket]
    if made:
        messages.success(request, f"{len(made)} proposed." if len(made) > 1 else f"{made[0].ticket} is proposed.")
    for result in results:
        if result.ticket is None:
            first = result.findings[0]
            where = f"{first.control} in {first.account.name}, {first.region}"
            messages.error(request, f"Nothing was proposed for {where}. {result.why_not}")


@require_safe
@permission(Permission.TICKET_VIEW)
def proposed(request: HttpRequest) -> HttpResponse:
    """The tickets of these findings, as they are now."""
    groups = ticket_queries.tickets_of(actor_of_request(request), seen_findings(request))
    return render(request, "exceptions/proposed.html", {"groups": groups})


@require_safe
@permission(Permission.TICKET_VIEW)
def rules(request: HttpRequest) -> HttpResponse:
    return rules_page(request)


@require_POST
@permission(Permission.TICKET_PROPOSE)
def rule_create(request: HttpRequest) -> HttpResponse:
    actor = actor_of_request(request)
    given = {name: request.POST.get(name, "") for name in ("name", "control", "severity", "ou", "tracker")}
    if any("\x00" in value for value in given.values()):
        raise BadRequest("A field holds a character that can't be kept.")
    organization = get_object_or_404(queries.organizations(actor), org_id=request.POST.get("organization", ""))
    try:
        made = ticket_rules.create_rule(actor=actor, organization=organization, **given)
    except InvalidRequestError as error:
        return rules_page(request, faults=error.fields, status=422)
    messages.success(request, f"{made} proposes tickets from the next scan on.")
    return redirect("ticket-rules")


@require_POST
@permission(Permission.TICKET_PROPOSE)
def rule_switch(request: HttpRequest, pk: int) -> HttpResponse:
    actor = actor_of_request(request)
    rule = get_object_or_404(queries.visible_rules(actor), pk=pk)
    enabled = bool(whole_number(request.POST.get("enabled", ""), "enabled"))
    ticket_rules.set_enabled(actor=actor, rule=rule, enabled=enabled)
    messages.success(request, f"{rule} is {'enabled' if rule.enabled else 'disabled'}.")
    return redirect("ticket-rules")


def rules_page(request: HttpRequest, faults: Mapping[str, str] | None = None, status: int = 200) -> HttpResponse:
    """For those who see tickets of a whole organization; a part of it doesn't show what acts on all of it."""
    actor = actor_of_request(request)
    organizations = list(queries.organizations(actor))
    if not organizations:
        raise PermissionDenied
    may_make = queries.may_make(actor)
    context = {
        "rules": queries.counted(actor), "may_make": may_make, "organizations": organizations, "faults": faults or {},
        "typed": request.POST, "controls": controls.choices(), "severities": ["critical", "high", "medium", "low"],
        "ous": unit_choices.choices(visible_accounts(actor, Permission.TICKET_PROPOSE)) if may_make else [],
        "trackers": [(name, each.label) for name, each in sorted(trackers().items())],
    }  # fmt: skip
    return render(request, "exceptions/rules.html", context, status=status)
