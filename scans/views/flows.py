"""The page and the export of the data-flow map."""

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
from governance.identity.web import permission_required
from scans.insight.flows import drawing, export_rows, summary
from scans.queries import exports
from scans.queries import flows as queries
from scans.queries.choices import choices_for
from scans.queries.extent import EXTENT_HEADER, extent_of
from scans.queries.findings import FindingFilter
from scans.views.shared import accounts_for, parse_finding_filter

CONTENT_TYPES = {"csv": "text/csv", "jsonl": "application/x-ndjson", "dot": "text/vnd.graphviz"}
SHOWN_LINES = 120


@require_safe
@permission_required(Permission.FINDING_VIEW)
def flow_map(request: HttpRequest) -> HttpResponse:
    visible = accounts_for(request, Permission.FINDING_VIEW)
    wanted = parse_finding_filter(request)
    found = queries.build_flow_map(visible, chosen=require_chosen_accounts(visible, wanted), region=wanted.region)
    rows = summary.group_flows(found.flows, folded=len(found.accounts) > 1)
    context = {
        "wanted": wanted,
        "map": found,
        "read": extent_of(require_chosen_accounts(visible, wanted), region=wanted.region),
        "totals": summary.count_flows(found.flows),
        "lines": rows[:SHOWN_LINES],
        "left_out": max(0, len(rows) - SHOWN_LINES),
        "picture": drawing.draw_flows(rows),
        "choices": choices_for(visible, wanted),
        "names": {account.account_id: account.name for account in found.accounts},
    }
    return render(request, "scans/flows.html", context)


@require_safe
@permission_required(Permission.OUTCOME_EXPORT)
def flows_export(request: HttpRequest) -> StreamingHttpResponse:
    """All flows of the chosen accounts as a file, streamed account by account."""
    format = request.GET.get("format", "")
    if format not in CONTENT_TYPES:
        raise BadRequest("format must be csv, jsonl or dot.")
    visible = accounts_for(request, Permission.OUTCOME_EXPORT)
    wanted = parse_finding_filter(request)
    read = queries.iterate_account_flows(
        visible, require_chosen_accounts(visible, wanted).order_by("account_id").iterator(), wanted.region
    )
    name = f"data-flow-{timezone.now():%Y%m%dT%H%MZ}.{format}"
    extent = extent_of(require_chosen_accounts(visible, wanted), region=wanted.region)
    headers = {"Content-Disposition": f'attachment; filename="{name}"', EXTENT_HEADER: extent.text()}
    return StreamingHttpResponse(
        export_flow_lines(read, format), content_type=f"{CONTENT_TYPES[format]}; charset=utf-8", headers=headers
    )


def require_chosen_accounts(visible: QuerySet[Account], wanted: FindingFilter) -> QuerySet[Account]:
    """The accounts that match the filters. Raises Http404 for an account that the reader can't see."""
    found = wanted.accounts(visible)
    if wanted.account and not found.exists():
        raise Http404(f"There is no account {wanted.account} that you can see.")
    return found


def export_flow_lines(read: Iterator[queries.AccountFlows], format: str) -> Iterator[str]:
    if format == "dot":
        yield from (f"{line}\n" for line in export_rows.render_accounts_dot(read))
        return
    yield from exports.format_rows(export_rows.build_flow_rows(read), format=format, columns=export_rows.FLOW_COLUMNS)
