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
def told(body: dict[str, Any]) -> list[tuple[str, Any]]:
    """What an act's row says beyond who, what and which: without what is empty."""
    return [(name.replace("_", " "), value) for name, value in sorted(body.items()) if value not in (None, "", [], {})]


@register.filter
def spaced(word: str) -> str:
    """account_owner as people read it."""
    return str(word).replace("_", " ")
