"""How pages show the audit trail."""

from __future__ import annotations

from typing import Any

from django import template
from django.urls import NoReverseMatch, reverse

register = template.Library()

# The page of each kind of subject that has one named otherwise.
PAGES = {"user": "person"}


@register.filter
def page_of(subject: str) -> str:
    """The address of what an act was about, like scan:17; empty if it has no page."""
    kind, _, which = subject.partition(":")
    try:
        return reverse(PAGES.get(kind, kind), args=[which]) if which else ""
    except NoReverseMatch:
        return ""


@register.filter
def told(body: dict[str, Any]) -> list[tuple[str, str]]:
    """What an act's row says beyond who, what and which, in words: without what is empty."""
    said = ((spaced(name), format_json_value(value)) for name, value in sorted(body.items()))
    return [(name, value) for name, value in said if value]


def format_json_value(value: Any) -> str:
    """A value of JSON as people read it: "eu-west-1, us-east-1", "accounts 2; regions eu-west-1", "yes"."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case dict():
            parts = ((spaced(name), format_json_value(part)) for name, part in value.items())
            return "; ".join(f"{name} {part}" for name, part in parts if part)
        case list() | tuple():
            return ", ".join(filter(None, map(format_json_value, value)))
        case _:
            return str(value)


@register.filter
def spaced(word: str) -> str:
    """account_owner as people read it."""
    return str(word).replace("_", " ")
