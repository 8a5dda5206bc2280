"""The data-flow map: drawn, as a table, and exported."""

from __future__ import annotations

from collections.abc import Iterator

from django.core.exceptions import BadRequest
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.models import Account
from governance.core.policy import Permission
from governance.identity.web import permission
from scans.insight.flows import drawing, export_rows, summary
from scans.queries import exports
from scans.queries import flows as queries
from scans.queries.choices import choices_for
from scans.queries.extent import EXTENT_HEADER, extent_of
from scans.queries.findings import FindingFilter
from scans.views.shared import accounts_for, filter_of

KINDS = {"csv": "text/csv", "jsonl": "application/x-ndjson", "dot": "text/vnd.graphviz"}
SHOWN_LINES = 120


@require_safe
@permission(Permission.FINDING_VIEW)
def flows(request: HttpRequest) -> HttpResponse:
    visible = accounts_for(request, Permission.FINDING_VIEW)
    wanted = filter_of(request)
    found = queries.map_of(visible, chosen=chosen(visible, wanted), region=wanted.region)
    rows = summary.summarise(found.flows, folded=len(found.accounts) > 1)
    context = {
        "wanted": wanted, "map": found, "read": extent_of(chosen(visible, wanted), region=wanted.region), "totals": summary.totals(found.flows), "lines": rows[:SHOWN_LINES],
        "left_out": max(0, len(rows) - SHOWN_LINES), "picture": drawing.draw(rows), "choices": choices_for(visible, wanted),
        "names": {account.account_id: account.name for account in found.accounts},
    }  # fmt: skip
    return render(request, "scans/flows.html", context)


@require_safe
@permission(Permission.OUTCOME_EXPORT)
def flows_export(request: HttpRequest) -> StreamingHttpResponse:
    """Every flow of the chosen accounts, however many: streamed, account after account."""
    format = request.GET.get("format", "")
    if format not in KINDS:
        raise BadRequest("format must be csv, jsonl or dot.")
    visible = accounts_for(request, Permission.OUTCOME_EXPORT)
    wanted = filter_of(request)
    read = queries.every(visible, chosen(visible, wanted).order_by("account_id").iterator(), wanted.region)
    name = f"data-flow-{timezone.now():%Y%m%dT%H%MZ}.{format}"
    extent = extent_of(chosen(visible, wanted), region=wanted.region)
    headers = {"Content-Disposition": f'attachment; filename="{name}"', EXTENT_HEADER: extent.text()}
    return StreamingHttpResponse(
        exported(read, format), content_type=f"{KINDS[format]}; charset=utf-8", headers=headers
    )


def chosen(visible: QuerySet[Account], wanted: FindingFilter) -> QuerySet[Account]:
    """The accounts that the filters name. An account that the reader may not see is not found."""
    found = wanted.accounts(visible)
    if wanted.account and not found.exists():
        raise Http404(f"There is no account {wanted.account} that you may see.")
    return found


def exported(read: Iterator[queries.Read], format: str) -> Iterator[str]:
    if format == "dot":
        yield from (f"{line}\n" for line in export_rows.dot_of(read))
        return
    yield from exports.lines(export_rows.rows(read), format=format, columns=export_rows.COLUMNS)
