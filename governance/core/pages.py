"""Signed keyset cursors for lists, and the page for a bad request."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from django.core import signing
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

CURSOR_SALT = "tutela.page"
BAD_CURSOR = "This page link was changed or belongs to other filters. Go back to the first page of the list."


def render_bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The 400 page. It shows a reason only if the portal itself wrote it: Django's may quote the client's input."""
    reason = str(exception) if isinstance(exception, BadRequest) else ""
    return render(request, "400.html", {"reason": reason}, status=400)


def write_cursor(last: int, filters: Mapping[str, str]) -> str:
    """A cursor to the page after the row `last`, bound to the filters."""
    # Signed: the number alone would let a reader probe ids, and a cursor of other filters would skip rows silently.
    return signing.dumps([last, digest_filters(filters)], salt=CURSOR_SALT)


def read_cursor(text: str, filters: Mapping[str, str]) -> int | None:
    """The id below which the page starts; None for the first page. Raises BadRequest."""
    if not text:
        return None
    try:
        last, bound = signing.loads(text, salt=CURSOR_SALT)
    except (signing.BadSignature, ValueError) as error:
        raise BadRequest(BAD_CURSOR) from error
    if bound != digest_filters(filters):
        raise BadRequest(BAD_CURSOR)
    return int(last)


def digest_filters(filters: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(sorted(filters.items())).encode()).hexdigest()[:24]
