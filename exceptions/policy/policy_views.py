"""Views of the exception policy: show it, propose a change, confirm or drop one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from exceptions.common.view_helpers import signed_in_person
from exceptions.errors import InvalidRequestError, WorkflowError
from exceptions.policy import policy_page as queries
from exceptions.policy import policy_table as services
from governance.core.policy import Permission
from governance.identity.web import get_request_actor, permission_required

MAX_SHOWN_CHANGES = 20
NUMBER_FIELDS = ("quorum", "max_days", "max_renewals")


@require_safe
@permission_required(Permission.POLICY_VIEW)
def show_policy(request: HttpRequest) -> HttpResponse:
    return render_policy_page(request)


@require_POST
@permission_required(Permission.POLICY_PROPOSE)
def propose_policy_change(request: HttpRequest) -> HttpResponse:
    changed, days = find_changed_rules(request.POST), find_changed_sla(request.POST)
    try:
        services.propose_change(
            actor=get_request_actor(request), changed=changed, sla=days, reason=request.POST.get("reason", "")
        )
    except InvalidRequestError as error:
        return render_policy_page(request, faults=error.fields, status=422)
    messages.success(request, "Change proposed. It takes effect when another security admin confirms it.")
    return redirect("exception-policy")


@require_POST
@permission_required(Permission.POLICY_CONFIRM)
def decide_policy_change(request: HttpRequest, pk: int) -> HttpResponse:
    change = get_object_or_404(queries.list_policy_changes(), pk=pk)
    confirm = request.POST.get("act") == "confirm"
    try:
        services.decide_change(actor=get_request_actor(request), change=change, confirm=confirm)
    except WorkflowError as error:
        return render_policy_page(request, faults={"change": str(error)}, status=409)
    messages.success(
        request, "Change confirmed; it applies now." if confirm else "Change dropped; the policy is unchanged."
    )
    return redirect("exception-policy")


def find_changed_rules(given: Mapping[str, str]) -> list[dict[str, Any]]:
    """The rows that differ from the present policy. Text that isn't a number is kept, for the service to refuse it."""
    changed: list[dict[str, Any]] = []
    for row in queries.list_policy_rows():
        place = f"{row.severity}-{row.kind}"
        typed = {
            name: parse_policy_number(given.get(f"{place}-{name}"), getattr(row.rule, name)) for name in NUMBER_FIELDS
        }
        if any(typed[name] != getattr(row.rule, name) for name in NUMBER_FIELDS):
            changed.append({"severity": row.severity, "scope_kind": row.kind, **typed})
    return changed


def find_changed_sla(given: Mapping[str, str]) -> dict[str, Any]:
    typed = {
        severity: parse_policy_number(given.get(f"sla-{severity}"), days)
        for severity, days in queries.list_sla_days().items()
    }
    return {severity: days for severity, days in typed.items() if days != queries.list_sla_days()[severity]}


def build_row_fields(row: queries.PolicyRow, typed: Mapping[str, str]) -> list[tuple[str, Any]]:
    """(name, value) of each field of a row: the typed value, or the present one."""
    names = {f"{row.severity}-{row.kind}-{name}": getattr(row.rule, name) for name in NUMBER_FIELDS}
    return [(name, typed.get(name, held)) for name, held in names.items()]


def parse_policy_number(text: str | None, held: int) -> Any:
    """A field that wasn't posted keeps its present value."""
    if text is None:
        return held
    stripped = text.strip()
    return int(stripped) if stripped.isdecimal() and len(stripped) < 10 else stripped


def render_policy_page(
    request: HttpRequest, faults: Mapping[str, str] | None = None, status: int = 200
) -> HttpResponse:
    # "change" is an error of confirming or dropping. That form holds no numbers, so nothing was typed.
    typed = request.POST if faults and "change" not in faults else {}
    changes = list(queries.list_policy_changes()[:MAX_SHOWN_CHANGES])
    context = {
        "rows": [(row, build_row_fields(row, typed)) for row in queries.list_policy_rows()],
        "sla": [(f"sla-{s}", s, typed.get(f"sla-{s}", days)) for s, days in queries.list_sla_days().items()],
        "reason": typed.get("reason", ""),
        "faults": faults or {},
        "waiting": [c for c in changes if c.confirmed is None],
        "decided": [c for c in changes if c.confirmed is not None],
        "me": signed_in_person(request).pk,
    }
    return render(request, "exceptions/policy.html", context, status=status)
