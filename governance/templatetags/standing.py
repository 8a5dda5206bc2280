"""Template tags for coverage and for the status of a framework's requirement: by color, shape and word."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

# value -> (looks of a verdict, glyph, word)
COVERAGE_BADGES = {
    "complete": ("pass", "✔", "complete"),
    "partial": ("unknown", "?", "partial"),
    "never_read": ("fail", "✖", "never read"),
    "not_applicable": ("not_applicable", "–", "not applicable"),
}
REQUIREMENT_BADGES = {
    "holds": ("pass", "✔", "holds"),
    "broken": ("fail", "✖", "fails"),
    "unknown": ("unknown", "?", "unknown"),
    "nothing": ("not_applicable", "–", "nothing judged"),
    "attested": ("attested", "§", "attested by AWS"),
}


@register.simple_tag
def cover_state(value: str) -> SafeString:
    return render_badge(*COVERAGE_BADGES[value])


@register.simple_tag
def standing(value: str, read: Any = None) -> SafeString:
    """A badge of a requirement's status. read: the Extent behind it."""
    # Not knowing is never a pass: what holds in the accounts that were read is not known to hold in the others.
    looks, glyph, word = REQUIREMENT_BADGES[value]
    somewhere = value == "holds" and read is not None and not read.all_read
    return render_badge(looks, glyph, f"{word} where it was read" if somewhere else word)


@register.filter
def standing_word(value: str) -> str:
    return REQUIREMENT_BADGES[value][2]


def render_badge(looks: str, glyph: str, word: str) -> SafeString:
    return format_html(
        '<span class="verdict verdict-{}"><span aria-hidden="true">{}</span> {}</span>', looks, glyph, word
    )
