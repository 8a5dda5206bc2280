"""Template filters for rows of the audit trail."""

from __future__ import annotations

from typing import Any

from django import template
from django.urls import NoReverseMatch, reverse

register = template.Library()

# Kinds of subject whose page has another URL name.
PAGES = {"user": "person"}


@register.filter
def page_of(subject: str) -> str:
    """The URL of a subject such as scan:17; empty if it has no page."""
    kind, _, which = subject.partition(":")
    try:
        return reverse(PAGES.get(kind, kind), args=[which]) if which else ""
    except NoReverseMatch:
        return ""


@register.filter
def told(body: dict[str, Any]) -> list[tuple[str, str]]:
    """The details of an act as (name, text), without empty ones."""
    texts = ((spaced(name), format_json_value(value)) for name, value in sorted(body.items()))
    return [(name, value) for name, value in texts if value]


def format_json_value(value: Any) -> str:
    """A JSON value as text: "eu-west-1, us-east-1", "accounts 2; regions eu-west-1", "yes"."""
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
    """account_owner -> account owner"""
    return str(word).replace("_", " ")
