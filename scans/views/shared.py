"""Helpers of the views: visible accounts, filters, pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic

from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.models import Account
from accounts.queries import visible_accounts
from governance.core.list_filters import parse_filter
from governance.core.pages import read_cursor, write_cursor
from governance.core.policy import Permission
from governance.identity.web import get_request_actor
from scans.queries.findings import FindingFilter, Row, load_keyset_page

PAGE_SIZE = 50


def accounts_for(request: HttpRequest, permission: Permission) -> QuerySet[Account]:
    """The Accounts for which the person has this permission. Every list starts from these."""
    return visible_accounts(get_request_actor(request), permission)


def parse_finding_filter(request: HttpRequest) -> FindingFilter:
    """The filters in the URL. Raises BadRequest."""
    return parse_filter(FindingFilter, request.GET.dict())


@dataclass(frozen=True)
class Slice(Generic[Row]):
    """One page of a list. next: the next page's cursor, empty on the last page. first: whether it is the first."""

    rows: list[Row]
    next: str
    first: bool


def slice_of(
    request: HttpRequest, rows: QuerySet[Row], filters: Mapping[str, str], size: int = PAGE_SIZE
) -> Slice[Row]:
    """The page in ?page=, of rows in descending order of id. Raises BadRequest for an invalid cursor."""
    below = read_cursor(request.GET.get("page", ""), filters)
    page = load_keyset_page(rows, below, size)
    return Slice(page.rows, write_cursor(page.last, filters) if page.last is not None else "", below is None)
