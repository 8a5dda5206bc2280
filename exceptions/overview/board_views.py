"""The board of exception requests, what is exported of it, and withdrawing several at once."""

from __future__ import annotations

from urllib.parse import urlencode

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.queries import visible_accounts
from exceptions.common.view_helpers import parsed, tell_each
from exceptions.models import ExceptionRequest
from exceptions.overview import request_board as queries
from exceptions.overview.request_board import BoardFilter
from exceptions.requests import drafting
from exceptions.requests.form_choices import KINDS
from exceptions.requests.request_filters import visible_requests
from governance.core.policy import Permission
from governance.core.states import EXCEPTION
from governance.identity.web import actor_of_request, permission
from scans.queries import exports
from scans.views.findings import KINDS as FORMATS
from scans.views.shared import slice_of


@require_safe
@permission(Permission.EXCEPTION_VIEW)
def board(request: HttpRequest) -> HttpResponse:
    actor, now, wanted = actor_of_request(request), timezone.now(), parsed(BoardFilter.parse, request)
    rows, visible = visible_requests(actor), visible_accounts(actor, Permission.EXCEPTION_VIEW)
    page = slice_of(request, wanted.narrow(rows, actor.user_id, now, visible), {"list": "exceptions", **wanted.given()})
    own = [r.pk for r in page.rows if r.requested_by_id == actor.user_id and r.state in EXCEPTION.sources("withdraw")]
    context = {
        "wanted": wanted, "page": page, "lines": queries.lines(page.rows, now, visible),
        "totals": queries.totals(rows, now),
        "states": queries.STATES, "severities": queries.SEVERITIES, "kinds": KINDS, "own": own,
        "query": urlencode(wanted.given()),
    }  # fmt: skip
    return render(request, "exceptions/board.html", context)


@require_safe
@permission(Permission.EXCEPTION_VIEW)
def export(request: HttpRequest) -> StreamingHttpResponse:
    """What the board shows, whole, with every decision: for auditors."""
    format = request.GET.get("format", "")
    if format not in FORMATS:
        raise BadRequest("format must be csv or jsonl.")
    actor, now = actor_of_request(request), timezone.now()
    rows = parsed(BoardFilter.parse, request).narrow(
        visible_requests(actor), actor.user_id, now, visible_accounts(actor, Permission.EXCEPTION_VIEW)
    )
    found = queries.export(rows, visible_accounts(actor, Permission.EXCEPTION_VIEW), now)
    body = exports.lines(found, format=format, columns=queries.COLUMNS)
    headers = {"Content-Disposition": f'attachment; filename="exceptions-{now:%Y%m%dT%H%MZ}.{format}"'}
    return StreamingHttpResponse(body, content_type=f"{FORMATS[format]}; charset=utf-8", headers=headers)


@require_POST
@permission(Permission.EXCEPTION_VIEW)
def withdraw_several(request: HttpRequest) -> HttpResponse:
    """Each by itself: what can't be withdrawn says why, and the others are."""
    actor, reason = actor_of_request(request), request.POST.get("reason", "")

    def withdraw(found: ExceptionRequest, version: int) -> None:
        drafting.withdraw(actor=actor, request=found, version=version, reason=reason)

    tell_each(request, visible_requests(actor), withdraw, done="withdrawn", prefix="EX-")
    return redirect("exceptions")
