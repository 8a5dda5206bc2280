"""Helpers of the workflow's views: parse what was posted, find chosen findings, act on selected rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar, cast

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse

from accounts.queries import visible_accounts
from exceptions.errors import WorkflowError
from governance.core.policy import NotPermittedError, Permission
from governance.identity.models import User
from governance.identity.web import get_request_actor
from scans.models import Finding
from scans.queries.findings import visible_findings

MAX_AT_ONCE = 200
Row = TypeVar("Row", bound=Model)


def signed_in_person(request: HttpRequest) -> User:
    return cast(User, request.user)


def parse_posted_version(request: HttpRequest) -> int:
    """The version that the page showed. Raises BadRequest."""
    return parse_whole_number(request.POST.get("version", ""), "version")


def parse_whole_number(text: str, name: str) -> int:
    # Nine digits fit into the database's integers; a longer number would fail there with an error 500.
    if not text.isdecimal() or len(text) > 9:
        raise BadRequest(f"{name} must be a whole number.")
    return int(text)


def parse_ids(values: Iterable[str]) -> list[int]:
    """The ids of the selected rows. Raises BadRequest."""
    ids = list(dict.fromkeys(parse_whole_number(value, "id") for value in values))
    if len(ids) > MAX_AT_ONCE:
        raise BadRequest(f"Select at most {MAX_AT_ONCE} at once.")
    return ids


def find_chosen_findings(request: HttpRequest) -> list[Finding]:
    """The findings that a form (by fingerprint) or a URL (?ids=1,2) names. Raises BadRequest for too many."""
    given = request.POST if request.method == "POST" else request.GET
    fingerprints = [each for each in given.getlist("findings") if "\x00" not in each]
    ids = parse_ids(part for part in request.GET.get("ids", "").split(",") if part) if request.method != "POST" else []
    if len(fingerprints) > MAX_AT_ONCE:
        raise BadRequest(f"Select at most {MAX_AT_ONCE} at once.")
    # A finding that this person can't see is left out, just like one that doesn't exist: no answer tells which.
    visible = visible_accounts(get_request_actor(request), Permission.FINDING_VIEW)
    rows = visible_findings(visible.order_by()).filter(Q(fingerprint__in=fingerprints) | Q(pk__in=ids))
    return list(rows.select_related("account__organization", "account__ou").order_by("account_id", "control", "id"))


def build_findings_url(name: str, findings: Iterable[Finding]) -> str:
    """The URL of a page about these findings, which can be reloaded and shared."""
    return f"{reverse(name)}?ids={','.join(str(finding.pk) for finding in findings)}"


def parse_ticked_rows(request: HttpRequest) -> dict[int, int]:
    """The selected rows: id -> the version that the page showed, posted as id:version. Raises BadRequest."""
    found: dict[int, int] = {}
    for value in request.POST.getlist("ids"):
        id, _, version = value.partition(":")
        found[parse_whole_number(id, "id")] = parse_whole_number(version, "version")
    if len(found) > MAX_AT_ONCE:
        raise BadRequest(f"Select at most {MAX_AT_ONCE} at once.")
    return found


def apply_to_ticked(
    request: HttpRequest, rows: QuerySet[Row], act: Callable[[Row, int], Any], *, done: str, prefix: str
) -> None:
    """Act on each selected row by itself, in the version that the page showed. A message names each row that failed.

    prefix: begins the reference of a row that was not found. A missing second factor is raised, not reported: it is
    missing for every row, so the first one raises it before anything is done.
    """
    wanted = parse_ticked_rows(request)
    known = rows.in_bulk(wanted)
    failed: list[str] = []
    for id, version in wanted.items():
        row = known.get(id)
        try:
            if row is None:
                failed.append(f"{prefix}{id}: not found.")
            else:
                act(row, version)
        except (WorkflowError, NotPermittedError) as error:
            failed.append(f"{row}: {error}")
    if len(wanted) > len(failed):
        messages.success(request, f"{len(wanted) - len(failed)} {done}.")
    for text in failed:
        messages.error(request, text)
    if not wanted:
        messages.warning(request, "Nothing was selected.")
