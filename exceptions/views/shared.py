"""What the views of the workflow share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar, cast

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from exceptions.errors import WorkflowError
from exceptions.models import ExceptionRequest, Ticket
from exceptions.queries.requests import visible_requests
from exceptions.queries.tickets import visible_tickets
from governance.core.policy import NotPermittedError
from governance.identity.models import User
from governance.identity.web import actor_of_request
from scans.queries.findings import FilterError

MOST_AT_ONCE = 200
Filter = TypeVar("Filter")
Row = TypeVar("Row")


def request_or_404(request: HttpRequest, pk: int) -> ExceptionRequest:
    return get_object_or_404(visible_requests(actor_of_request(request)), pk=pk)


def ticket_or_404(request: HttpRequest, pk: int) -> Ticket:
    return get_object_or_404(visible_tickets(actor_of_request(request)), pk=pk)


def person_of(request: HttpRequest) -> User:
    return cast(User, request.user)


def version_of(request: HttpRequest) -> int:
    """The version that the page was made from. Raises BadRequest."""
    return whole_number(request.POST.get("version", ""), "version")


def whole_number(text: str, name: str) -> int:
    if not text.isdecimal() or len(text) > 9:
        raise BadRequest(f"{name} must be a whole number.")
    return int(text)


def ids_of(values: Iterable[str]) -> list[int]:
    """The ticked rows. Raises BadRequest."""
    ids = list(dict.fromkeys(whole_number(value, "id") for value in values))
    if len(ids) > MOST_AT_ONCE:
        raise BadRequest(f"At most {MOST_AT_ONCE} at once.")
    return ids


def parsed(parse: Callable[[Mapping[str, str]], Filter], request: HttpRequest) -> Filter:
    """The filters in the URL. Raises BadRequest."""
    try:
        return parse(request.GET.dict())
    except FilterError as error:
        raise BadRequest(str(error)) from error


def tell_each(request: HttpRequest, rows: Iterable[Row], act: Callable[[Row], Any], done: str) -> list[tuple[Row, str]]:
    """Do it for each by itself; (row, why not) for those for which it can't be done, with a message for each.

    A second factor that is missing is missing for all of them: that is raised before anything is done.
    """
    failed: list[tuple[Row, str]] = []
    count = 0
    for row in rows:
        try:
            act(row)
        except (WorkflowError, NotPermittedError) as error:
            failed.append((row, str(error)))
        else:
            count += 1
    if count:
        messages.success(request, f"{count} {done}.")
    for row, why in failed:
        messages.error(request, f"{row}: {why}")
    if not count and not failed:
        messages.warning(request, "Nothing was ticked.")
    return failed
