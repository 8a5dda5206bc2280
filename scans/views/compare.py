"""The pages that compare two scans."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_safe

from governance.core.list_filters import ListFilter, filter_field, parse_filter
from governance.core.policy import Permission
from governance.identity.web import permission_required
from scans import registry
from scans.queries import compare as queries
from scans.queries.asked_scopes import load_asked_scopes
from scans.queries.scans import list_scan_lines, visible_scans
from scans.views.shared import accounts_for

ACCOUNT_ID = re.compile(r"\d{12}")


@dataclass(frozen=True, slots=True)
class CompareFilter(ListFilter):
    """since: the account after which the page starts."""

    kind: str = filter_field(choices=queries.KINDS, problem=f"kind must be one of {', '.join(queries.KINDS)}.")
    control: str = filter_field(choices=registry.controls, problem="control must be a public id like SSM-PS-001.")
    since: str = filter_field(pattern=ACCOUNT_ID, problem="since must be an account id of 12 digits.")


@require_safe
@permission_required(Permission.FINDING_VIEW)
def scan_compare(request: HttpRequest, before: int, after: int) -> HttpResponse:
    visible = accounts_for(request, Permission.FINDING_VIEW)
    scans = visible_scans(visible)
    old, new = get_object_or_404(scans, pk=before), get_object_or_404(scans, pk=after)
    if old.organization_id != new.organization_id:
        raise BadRequest(f"Scans {before} and {after} are of different organizations and can't be compared.")
    asked = parse_filter(CompareFilter, request.GET.dict())
    controls = [asked.control] if asked.control else []
    page = queries.load_diff_page(old, new, visible, controls=controls, kind=asked.kind, since=asked.since)
    others = queries.others_of(new, visible)
    read = load_asked_scopes([old, new, *others], visible)
    sums = {line.scan.pk: line for line in list_scan_lines([old, new], visible)}
    context = {
        "before": old,
        "read_before": read[old.pk],
        "after": new,
        "read_after": read[new.pk],
        "line_before": sums[old.pk],
        "line_after": sums[new.pk],
        "in_part": any(scope.regions or scope.controls for scope in (read[old.pk], read[new.pk])),
        "others": [(other, read[other.pk]) for other in others],
        "asked": asked,
        "page": page,
        "more": asked.query(since=page.next),
        "kinds": queries.KINDS,
        "controls": registry.controls(),
    }
    return render(request, "scans/compare.html", context)


@require_safe
@permission_required(Permission.FINDING_VIEW)
def scan_compare_with(request: HttpRequest, pk: int) -> HttpResponse:
    """Redirects to the comparison with the scan in ?with=, or with the last earlier scan of the same scope."""
    visible = accounts_for(request, Permission.FINDING_VIEW)
    found = get_object_or_404(visible_scans(visible), pk=pk)
    wanted = request.GET.get("with", "")
    if not wanted:
        earlier = queries.previous_of(found, visible)
        if earlier is None:
            return render(request, "scans/compare_none.html", {"scan": found})
        return redirect("scan-compare", before=earlier.pk, after=pk)
    # 17 digits: a longer id overflows the database's integer, which is a server error instead of a 400.
    if not wanted.isdecimal() or len(wanted) > 17:
        raise BadRequest("with must be the id of a scan.")
    return redirect("scan-compare", before=int(wanted), after=pk)
