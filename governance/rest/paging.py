"""Keyset pages, without offsets and counts. A cursor is signed and belongs to one list with its filters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import Model, QuerySet
from rest_framework.request import Request

from governance.core.pages import read_cursor, write_cursor

PAGING_PARAMETERS = ("cursor", "limit")


@dataclass(frozen=True, slots=True)
class ResultPage:
    """rows; next: the URL of the next page, None on the last one."""

    rows: list[Any]
    next: str | None = None


def paginate_rows(
    request: Request, query: Mapping[str, Any], rows: QuerySet[Any], *, ascending: bool = False
) -> ResultPage:
    """One page of rows by id, newest first unless ascending. Raises BadRequest for a cursor of another list."""
    filters = read_page_filters(request)
    last = read_cursor(query["cursor"], filters)
    rows = rows.order_by("pk" if ascending else "-pk")
    if last is not None:
        rows = rows.filter(**{"pk__gt" if ascending else "pk__lt": last})
    # One row more than asked for tells whether there is a next page, without counting a table of millions.
    found: list[Model] = list(rows[: query["limit"] + 1])
    kept = found[: query["limit"]]
    return ResultPage(kept, build_page_url(request, kept[-1].pk, filters) if len(found) > len(kept) else None)


def read_page_filters(request: Request, **more: str) -> dict[str, str]:
    """What a cursor is bound to: the list's path and its filters."""
    asked = {name: value for name, value in request.query_params.dict().items() if name not in PAGING_PARAMETERS}
    return {**asked, **more, "": request.path}


def build_page_url(request: Request, last: int, filters: Mapping[str, str]) -> str:
    """The URL of the page after the row `last`, with the same filters."""
    asked = {name: value for name, value in filters.items() if name}
    limit = {"limit": request.query_params["limit"]} if "limit" in request.query_params else {}
    query = urlencode({**asked, **limit, "cursor": write_cursor(last, filters)})
    return request.build_absolute_uri(f"{request.path}?{query}")
