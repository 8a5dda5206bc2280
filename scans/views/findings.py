"""The pages and the export of findings."""

from __future__ import annotations

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from governance.core.policy import Permission
from governance.identity.web import get_request_actor, permission_required
from scans import hooks
from scans.pipeline.rescan import can_rescan, explain_unscannable
from scans.queries import cells, detail, exports
from scans.queries import findings as queries
from scans.queries.choices import choices_for
from scans.queries.extent import EXTENT_HEADER
from scans.views.shared import accounts_for, parse_finding_filter, slice_of

CONTENT_TYPES = {"csv": "text/csv", "jsonl": "application/x-ndjson"}


@require_safe
@permission_required(Permission.FINDING_VIEW)
def finding_list(request: HttpRequest) -> HttpResponse:
    visible = accounts_for(request, Permission.FINDING_VIEW)
    wanted = parse_finding_filter(request)
    rows = queries.filter_findings(visible, wanted)
    page = slice_of(request, rows, wanted.given())
    total = queries.total_of(rows)
    over = hooks.find_overlays(page.rows, timezone.now())
    context = {
        "lines": [(row, title, over.get(row.pk)) for row, title in queries.pair_with_titles(page.rows)],
        "acts": hooks.list_bulk_actions(request),
        "wanted": wanted,
        "page": page,
        "choices": choices_for(visible, wanted),
        "total": min(total, queries.COUNT_LIMIT),
        "more": total > queries.COUNT_LIMIT,
        "read": queries.extent_for(visible, wanted),
    }
    return render(request, "scans/findings.html", context)


@require_safe
@permission_required(Permission.FINDING_VIEW)
def findings_by_control(request: HttpRequest) -> HttpResponse:
    visible = accounts_for(request, Permission.FINDING_VIEW)
    wanted = parse_finding_filter(request)
    lines = cells.rank_controls(wanted.accounts(visible), wanted.controls(), wanted.region, wanted.severity)
    context = {
        "wanted": wanted,
        "lines": lines,
        "choices": choices_for(visible, wanted),
        "total": cells.sum_counts(line.counts for line in lines),
        "place": wanted.place_query(),
        "read": queries.extent_for(visible, wanted),
        "left_out": bool(wanted.q or wanted.verdict or wanted.coverage or wanted.state != "open"),
    }
    return render(request, "scans/findings_by_control.html", context)


@require_safe
@permission_required(Permission.FINDING_VIEW)
def finding_detail(request: HttpRequest, pk: int) -> HttpResponse:
    visible = accounts_for(request, Permission.FINDING_VIEW)
    rows = queries.visible_findings(visible).select_related("account__organization", "account__ou")
    found = get_object_or_404(rows, pk=pk)
    context = {
        "finding": found,
        "detail": detail.load_finding_detail(found, visible),
        "overlay": hooks.find_overlays([found], timezone.now()).get(found.pk),
        "panels": [panel(request, found) for panel in hooks.extensions.current().panels],
        "may_rescan": can_rescan(get_request_actor(request), found.account) and not explain_unscannable(found.account),
    }
    return render(request, "scans/finding.html", context)


@require_safe
@permission_required(Permission.OUTCOME_EXPORT)
def findings_export(request: HttpRequest) -> StreamingHttpResponse:
    """All findings that match the filters of the list, as a file."""
    # Streamed, so that an export of any length needs little memory.
    format = request.GET.get("format", "")
    if format not in CONTENT_TYPES:
        raise BadRequest("format must be csv or jsonl.")
    visible, wanted = accounts_for(request, Permission.OUTCOME_EXPORT), parse_finding_filter(request)
    rows = queries.filter_findings(visible, wanted)
    shown = exports.iterate_finding_records(rows.iterator(chunk_size=1000), timezone.now())
    body = exports.format_rows(shown, format=format, columns=exports.EXPORTED_FINDING_COLUMNS)
    name = f"findings-{timezone.now():%Y%m%dT%H%MZ}.{format}"
    read = queries.extent_for(visible, wanted)
    headers = {"Content-Disposition": f'attachment; filename="{name}"', EXTENT_HEADER: read.text()}
    return StreamingHttpResponse(body, content_type=f"{CONTENT_TYPES[format]}; charset=utf-8", headers=headers)
