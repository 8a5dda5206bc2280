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
from exceptions.errors import InvalidRequestError
from exceptions.queries import standing as queries
from exceptions.services import bulk, checking, standing
from exceptions.ticketing import trackers
from exceptions.views.shared import MOST_AT_ONCE, whole_number
from governance.core.policy import Permission
from governance.identity.web import actor_of_request, permission
from scans.models import Finding
from scans.queries import controls, places
from scans.queries.findings import visible_findings


@require_http_methods(["GET", "HEAD", "POST"])
@permission(Permission.TICKET_PROPOSE)
def propose(request: HttpRequest) -> HttpResponse:
    """First the ticked findings with the choice of tracker, then a result for each ticket."""
    chosen, tracker, note = chosen_findings(request), request.POST.get("tracker", "none"), request.POST.get("note", "")
    context: dict[str, Any] = {
        "findings": chosen, "trackers": [(name, each.label) for name, each in sorted(trackers().items())],
        "tracker": tracker, "note": note, "faults": {},
    }  # fmt: skip
    if "propose" not in request.POST or not chosen:
        return render(request, "exceptions/propose.html", context)
    try:
        checking.checked_text("note", note)  # wrong for one is wrong for all: said once, beside the field
    except InvalidRequestError as error:
        return render(request, "exceptions/propose.html", {**context, "faults": error.fields}, status=422)
    results = bulk.propose_each(actor=actor_of_request(request), findings=chosen, tracker=tracker, note=note)
    return render(request, "exceptions/proposed.html", {"results": results})


def chosen_findings(request: HttpRequest) -> list[Finding]:
    """Those that this person may see; others are unknown to them. Raises BadRequest for too many."""
    given = request.POST if request.method == "POST" else request.GET
    marks = [mark for mark in given.getlist("findings") if "\x00" not in mark]
    if len(marks) > MOST_AT_ONCE:
        raise BadRequest(f"At most {MOST_AT_ONCE} at once.")
    visible = visible_accounts(actor_of_request(request), Permission.FINDING_VIEW)
    rows = visible_findings(visible.order_by()).filter(fingerprint__in=marks)
    return list(rows.select_related("account__organization", "account__ou").order_by("account_id", "control", "id"))


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
        made = standing.create_rule(actor=actor, organization=organization, **given)
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
    standing.set_enabled(actor=actor, rule=rule, enabled=enabled)
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
        "ous": places.choices(visible_accounts(actor, Permission.TICKET_PROPOSE)) if may_make else [],
        "trackers": [(name, each.label) for name, each in sorted(trackers().items())],
    }  # fmt: skip
    return render(request, "exceptions/rules.html", context, status=status)
