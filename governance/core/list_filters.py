"""Filters of a list: declared once as fields, read from a URL's query, checked, and written back into a URL.

A filter is a frozen dataclass whose fields are text:

    @dataclass(frozen=True, slots=True)
    class NoteFilter(ListFilter):
        state: str = filter_field("open", choices=("open", "closed"))
        q: str = filter_field()
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self, TypeVar
from urllib.parse import urlencode

from django.core.exceptions import BadRequest

UNSEARCHABLE = "A filter contains a character that can't be searched for (NUL). Remove it."
RULE = "list_filters.rule"


class FilterError(ValueError):
    """An invalid filter; the message says what is possible."""


@dataclass(frozen=True, slots=True)
class FilterRule:
    """What one field accepts. An empty value, which becomes the field's default, is always accepted.

    choices: the possible values; a function where they are known only once Django is ready.
    pattern: what the whole value matches.
    problem: the message for a value that isn't accepted; without it, the message lists the choices.
    upper: the value is written in capitals before it is checked.
    check: raises FilterError for a value that can't be used; it is given the field's name and the value.
    """

    choices: Iterable[str] | Callable[[], Iterable[str]] | None = None
    pattern: re.Pattern[str] | None = None
    problem: str = ""
    upper: bool = False
    check: Callable[[str, str], object] | None = None

    def parse_value(self, name: str, value: str) -> str:
        """Raises FilterError."""
        value = value.upper() if self.upper else value
        if not value:
            return value
        if self.choices is not None:
            possible = [str(each) for each in (self.choices() if callable(self.choices) else self.choices)]
            if value not in possible:
                raise FilterError(self.problem or f"{name} is {value!r}; use {', '.join(possible)}.")
        if self.pattern is not None and not self.pattern.fullmatch(value):
            raise FilterError(self.problem)
        if self.check is not None:
            self.check(name, value)
        return value


def filter_field(
    default: str = "",
    *,
    choices: Iterable[str] | Callable[[], Iterable[str]] | None = None,
    pattern: re.Pattern[str] | None = None,
    problem: str = "",
    upper: bool = False,
    check: Callable[[str, str], object] | None = None,
) -> Any:
    """A field of a ListFilter; the arguments are FilterRule's. default: what an absent or empty value means."""
    return field(default=default, metadata={RULE: FilterRule(choices, pattern, problem, upper, check)})


@dataclass(frozen=True, slots=True)
class ListFilter:
    """The base of every list's filter."""

    @classmethod
    def parse(cls, given: Mapping[str, str]) -> Self:
        """From a URL's query; other parameters of it are ignored. Raises FilterError."""
        values = {f.name: given.get(f.name, "").strip() or str(f.default) for f in fields(cls)}
        if any("\x00" in value for value in values.values()):
            raise FilterError(UNSEARCHABLE)
        return cls(**{f.name: f.metadata[RULE].parse_value(f.name, values[f.name]) for f in fields(cls)})

    def given(self) -> dict[str, str]:
        """What differs from the list without filters, as a URL says it."""
        values = {f.name: (getattr(self, f.name), f.default) for f in fields(self)}
        return {name: value for name, (value, default) in values.items() if value != default}

    def query(self, **more: str) -> str:
        """The query of a URL that leads to this list again. more: further parameters; empty ones are left out."""
        return urlencode({**self.given(), **{name: value for name, value in more.items() if value}})


Filter = TypeVar("Filter", bound=ListFilter)


def parse_filter(kind: type[Filter], given: Mapping[str, str]) -> Filter:
    """For views: the filter in a URL's query. Raises BadRequest, which becomes a page that says what is possible."""
    try:
        return kind.parse(given)
    except FilterError as error:
        raise BadRequest(str(error)) from error
