"""Filters of lists: what they accept, what they answer to the rest, and that a URL leads back to the same filter."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from urllib.parse import parse_qsl

import pytest
from django.core.exceptions import BadRequest

from exceptions.overview.request_board import BoardFilter
from exceptions.tickets.ticket_queries import TicketFilter
from governance.audit.trail import TrailFilter
from governance.core.list_filters import UNSEARCHABLE, FilterError, ListFilter, filter_field, parse_filter
from governance.identity.grants.queries import GrantFilter
from scans.queries.findings import FindingFilter
from scans.views.compare import CompareFilter


def refuse_seven(name: str, value: str) -> None:
    if value == "7":
        raise FilterError(f"{name} can't be seven.")


@dataclass(frozen=True, slots=True)
class NoteFilter(ListFilter):
    state: str = filter_field("open", choices=("open", "closed"))
    color: str = filter_field(choices=lambda: ["red"], problem="Only red.")
    key: str = filter_field(upper=True, pattern=re.compile("[A-Z]+"), problem="key has letters.")
    number: str = filter_field(check=refuse_seven)
    q: str = filter_field()


def test_absent_and_empty_values_are_the_defaults() -> None:
    assert NoteFilter.parse({}) == NoteFilter() == NoteFilter.parse({"state": " ", "q": "", "page": "x"})
    assert NoteFilter().state == "open"
    assert NoteFilter().query() == ""


def test_values_are_stripped_and_uppercased_if_declared() -> None:
    wanted = NoteFilter.parse({"key": " ab ", "q": " Ab "})
    assert (wanted.key, wanted.q) == ("AB", "Ab")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"state": "gone"}, "state is 'gone'; use open, closed."),
        ({"color": "blue"}, "Only red."),
        ({"key": "a1"}, "key has letters."),
        ({"number": "7"}, "number can't be seven."),
        ({"q": "a\x00b"}, UNSEARCHABLE),
    ],
)
def test_other_values_are_refused_with_what_is_possible(given: dict[str, str], said: str) -> None:
    with pytest.raises(FilterError, match=f"^{re.escape(said)}$"):
        NoteFilter.parse(given)
    with pytest.raises(BadRequest, match=f"^{re.escape(said)}$"):
        parse_filter(NoteFilter, given)


def test_the_query_names_what_differs_and_leads_back() -> None:
    wanted = NoteFilter.parse({"state": "closed", "q": "a&b=c é"})
    assert wanted.query(page="2", sort="") == "state=closed&q=a%26b%3Dc+%C3%A9&page=2"
    assert NoteFilter.parse(dict(parse_qsl(wanted.query()))) == wanted


@pytest.mark.parametrize(
    "wanted",
    [
        BoardFilter(state="expiring", severity="high", scope="ou", control="x", account="1", mine="yes", q="é &"),
        CompareFilter(kind="fixed", control="SSM-PS-001", since="000000000001"),
        FindingFilter(control="S3", severity="low", ou="none", region="global", state="all", verdict="fail"),
        FindingFilter(coverage="bare", account="1", q="a b"),
        GrantFilter(user="ann", role="auditor", holds="ended"),
        TicketFilter(state="all", severity="medium", control="SSM-PS-001", account="1", tracker="console", q="x"),
        TrailFilter(actor="ann", action="grant", subject="user:1", since="2026-01-31", until="9999-12-31"),
    ],
    ids=lambda wanted: type(wanted).__name__,
)
def test_every_list_of_the_portal_is_found_again_by_its_url(wanted: ListFilter) -> None:
    kind = type(wanted)
    assert kind.parse(dict(parse_qsl(wanted.query()))) == wanted
    assert kind.parse({}) == kind()
    for name in (each.name for each in fields(kind)):
        with pytest.raises(FilterError, match=re.escape(UNSEARCHABLE)):
            kind.parse({name: "a\x00"})


@pytest.mark.parametrize(
    ("kind", "given", "said"),
    [
        (BoardFilter, {"mine": "no"}, "mine is 'no'; use yes."),
        (BoardFilter, {"scope": "x"}, "scope is 'x'; use findings, resource, account, ou, tag."),
        (CompareFilter, {"since": "1"}, "since must be an account id of 12 digits."),
        (CompareFilter, {"control": "s3"}, "control must be a public id like SSM-PS-001."),
        (FindingFilter, {"severity": "x"}, "severity is 'x'; use critical, high, medium, low, informational."),
        (FindingFilter, {"coverage": "x"}, "coverage is 'x'; use excepted, requested, bare."),
        (FindingFilter, {"control": "a b"}, "control must be a public id like SSM-PS-001, or a group like PS."),
        (TicketFilter, {"tracker": "x"}, "tracker is 'x'; use console, none."),
        (TrailFilter, {"until": "1.1."}, "until is '1.1.'; enter a day such as 2026-01-31."),
    ],
)
def test_refusals_say_what_is_possible(kind: type[ListFilter], given: dict[str, str], said: str) -> None:
    with pytest.raises(FilterError, match=f"^{re.escape(said)}$"):
        kind.parse(given)
