"""Views of the list of exception requests: the page, its export, and withdrawing several at once."""

from __future__ import annotations

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.queries import visible_accounts
from exceptions.common.view_helpers import apply_to_ticked
from exceptions.models import ExceptionRequest
from exceptions.overview import request_board as queries
from exceptions.overview.request_board import BoardFilter
from exceptions.requests import drafting
from exceptions.requests.form_choices import SCOPE_KINDS
from exceptions.requests.request_filters import visible_requests
from governance.core.list_filters import parse_filter
from governance.core.policy import Permission
from governance.core.states import EXCEPTION
from governance.identity.web import get_request_actor, permission_required
from scans.queries import exports
from scans.views.findings import CONTENT_TYPES as FORMATS
from scans.views.shared import slice_of


@require_safe
@permission_required(Permission.EXCEPTION_VIEW)
def show_exception_board(request: HttpRequest) -> HttpResponse:
    actor, now, wanted = get_request_actor(request), timezone.now(), parse_filter(BoardFilter, request.GET.dict())
    rows, visible = visible_requests(actor), visible_accounts(actor, Permission.EXCEPTION_VIEW)
    page = slice_of(
        request, wanted.apply_filters(rows, actor.user_id, now, visible), {"list": "exceptions", **wanted.given()}
    )
    own = [r.pk for r in page.rows if r.requested_by_id == actor.user_id and r.state in EXCEPTION.sources("withdraw")]
    context = {
        "wanted": wanted,
        "page": page,
        "lines": queries.build_board_lines(page.rows, now, visible),
        "totals": queries.count_by_state(rows, now),
        "states": queries.STATES,
        "severities": queries.SEVERITIES,
        "kinds": SCOPE_KINDS,
        "own": own,
        "query": wanted.query(),
    }
    return render(request, "exceptions/board.html", context)


@require_safe
@permission_required(Permission.EXCEPTION_VIEW)
def export_exceptions(request: HttpRequest) -> StreamingHttpResponse:
    """Export every request that the filters match, with its decisions, for auditors."""
    format = request.GET.get("format", "")
    if format not in FORMATS:
        raise BadRequest("format must be csv or jsonl.")
    actor, now = get_request_actor(request), timezone.now()
    rows = parse_filter(BoardFilter, request.GET.dict()).apply_filters(
        visible_requests(actor), actor.user_id, now, visible_accounts(actor, Permission.EXCEPTION_VIEW)
    )
    found = queries.export_requests(rows, visible_accounts(actor, Permission.EXCEPTION_VIEW), now)
    body = exports.format_rows(found, format=format, columns=queries.COLUMNS)
    headers = {"Content-Disposition": f'attachment; filename="exceptions-{now:%Y%m%dT%H%MZ}.{format}"'}
    return StreamingHttpResponse(body, content_type=f"{FORMATS[format]}; charset=utf-8", headers=headers)


@require_POST
@permission_required(Permission.EXCEPTION_VIEW)
def withdraw_several_exceptions(request: HttpRequest) -> HttpResponse:
    """Withdraw each selected request by itself; a message names each one that can't be withdrawn, and why."""
    actor, reason = get_request_actor(request), request.POST.get("reason", "")

    def withdraw(found: ExceptionRequest, version: int) -> None:
        drafting.withdraw(actor=actor, request=found, version=version, reason=reason)

    apply_to_ticked(request, visible_requests(actor), withdraw, done="withdrawn", prefix="EX-")
    return redirect("exceptions")
