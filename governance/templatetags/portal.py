"""Template tags and filters for verdicts, times, numbers and prose. Everything from outside is escaped here."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

# Color, shape and word, so that color is never the only sign. In the order in which pages always list verdicts.
VERDICTS = {
    "pass": ("✔", "pass"),
    "excepted": ("◆", "excepted"),
    "requested": ("◇", "requested"),
    "fail": ("✖", "fail"),
    "unknown": ("?", "unknown"),
    "not_applicable": ("–", "not applicable"),
}
STEPS = (
    (timedelta(days=1), "d"),
    (timedelta(hours=1), "h"),
    (timedelta(minutes=1), "min"),
    (timedelta(seconds=1), "s"),
)
ENDS = {"excepted": "ends", "requested": "would end"}
# The events of a finding's history, in words.
EVENTS = {
    "open": "opened",
    "fix": "fixed",
    "vanish": "gone",
    "lapse": "no longer applies",
    "supersede": "superseded",
    "reopen": "reopened",
    "note": "noted",
    "not_applicable": "no longer applies",
}
SCOPE_NAMES = {"ou": "OU"}
SHORT_LENGTH = 400
ITEM = re.compile(r"\s*([-*]|\d+\.) ")
MARKS = (
    (re.compile(r"`([^`]+)`"), r"<code>\1</code>"),
    (re.compile(r"\*\*([^*]+)\*\*"), r"<strong>\1</strong>"),
    (re.compile(r"(?<![\w*])\*([^*\s][^*]*)\*(?![\w*])"), r"<em>\1</em>"),
)


# [words](https://address), or an address by itself. The text is escaped when this is searched for.
LINK = re.compile(r"\[([^\]]+)\]\((https://[^\s()]+)\)|(https://[^\s<>()]*[^\s<>().,;:])")


@register.simple_tag
def verdict(value: str) -> SafeString:
    glyph, word = VERDICTS.get(value, ("", value))
    return format_html(
        '<span class="verdict verdict-{}"><span aria-hidden="true">{}</span> {}</span>', value, glyph, word
    )


@register.simple_tag
def overlaid(overlay: Any) -> SafeString:
    """The exception or request that covers a finding, with a link and its end. overlay: scans.hooks.FindingOverlay."""
    return format_html(
        '{} <a class="small nowrap" href="{}">{}</a>{}',
        verdict(overlay.kind),
        overlay.url,
        overlay.label,
        format_html(' <span class="small muted">{} {}</span>', ENDS[overlay.kind], ago(overlay.until))
        if overlay.until
        else "",
    )


@register.simple_tag
def shortened(text: str) -> SafeString:
    """A paragraph; of a long text the beginning, which opens the whole."""
    if len(text) <= SHORT_LENGTH:
        return format_html('<p class="breakable">{}</p>', text)
    start = text[: SHORT_LENGTH // 2].rpartition(" ")[0] or text[: SHORT_LENGTH // 2]
    return format_html(
        '<details class="shortened"><summary class="breakable">{} …</summary><p class="breakable">{}</p></details>',
        start,
        text,
    )


@register.simple_tag
def severity(value: str) -> SafeString:
    return format_html('<span class="tag severity-{}">{}</span>', value, value)


@register.simple_tag
def state(value: str) -> SafeString:
    return format_html('<span class="tag state-{}">{}</span>', value, value.replace("_", " "))


@register.simple_tag
def share(counts: Any) -> SafeString:
    """A small bar of passing, failing and unknown, with the percentage in text. counts: scans.queries.cells.Counts."""
    judged = counts.passed + counts.failed + counts.unknown
    if not judged:
        return format_html('<span class="muted">{}</span>', "nothing judged" if counts.known else "not judged yet")
    # The ends of the parts are rounded, not their widths: widths rounded one by one would leave a gap at the end.
    ends = [100 * n // judged for n in (counts.passed, counts.passed + counts.failed, judged)]
    parts = zip(("pass", "fail", "unknown"), [0, *ends], ends, strict=False)
    rects = format_html_join(
        "", '<rect class="bar-{}" x="{}" width="{}" height="8"/>', ((word, a, b - a) for word, a, b in parts)
    )
    return format_html(
        '<span class="nowrap"><svg class="share" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">{}'
        "</svg> {}% pass</span>",
        rects,
        ends[0],
    )


@register.filter
def event(kind: str) -> str:
    """An event of a Finding's history. The prefix "replay." means that stored evidence was judged again."""
    plain_kind = kind.removeprefix("replay.")
    text = EVENTS.get(plain_kind, plain_kind)
    return text if plain_kind == kind else f"judged again: {text}"


@register.filter
def structured(value: Any) -> bool:
    """True for a fact's value that is shown as JSON."""
    return isinstance(value, (dict, list)) and bool(value)


@register.filter
def difference(kind: str) -> str:
    """A kind of difference between two scans, in words."""
    return kind.replace("_", " ")


@register.filter
def plain(value: Any) -> str:
    """A fact's value in words; the template escapes it."""
    if value is None or value in ("", [], {}):
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


@register.simple_tag
def ago(value: datetime | str | None, never: str = "never") -> SafeString:
    """A relative time with the exact one in its title."""
    if not value:
        return format_html('<span class="muted">{}</span>', never)
    at = (datetime.fromisoformat(value) if isinstance(value, str) else value).astimezone(UTC)
    return format_html(
        '<time class="nowrap" datetime="{}" title="{} UTC">{}</time>',
        at.isoformat(),
        at.strftime("%Y-%m-%d %H:%M:%S"),
        format_elapsed(timezone.now() - at),
    )


def format_elapsed(passed: timedelta) -> str:
    if abs(passed) < timedelta(seconds=5):
        return "just now"
    return f"{span(passed)} ago" if passed > timedelta(0) else f"in {span(-passed)}"


@register.filter
def span(length: timedelta) -> str:
    """Roughly how long: 3 d, 5 h, 12 min, 40 s."""
    for step, unit in STEPS:
        if length >= step:
            return f"{length // step} {unit}"
    return "0 s"


@register.filter
def number(value: int | None) -> str:
    return f"{value or 0:,}"


@register.filter
def date_value(value: Any) -> str:
    """A date in the form that <input type="date"> needs. Text that was typed stays as it is."""
    return value.isoformat() if isinstance(value, date) else str(value or "")


@register.filter
def words(value: str) -> str:
    """The name of a state or an act, with spaces for underscores."""
    return str(value).replace("_", " ")


@register.filter
def scope_name(value: str) -> str:
    """The kind of a scope, of a grant or of an exception."""
    return SCOPE_NAMES.get(str(value), words(value))


@register.filter
def pretty(value: Any) -> str:
    """Indented JSON; the template escapes it."""
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)


@register.filter
def prose(text: str) -> SafeString:
    """A docstring as HTML: paragraphs, lists (also numbered), `code`, **strong**, *emphasis*."""
    # render_inline escapes each piece before it adds markup, so no text can bring tags of its own.
    blocks = [render_block(part) for part in re.split(r"\n\s*\n", text.strip()) if part.strip()]
    return mark_safe("\n".join(blocks))  # noqa: S308  # nosec  # every block was escaped


def render_block(text: str) -> str:
    lines = [line.rstrip() for line in text.splitlines()]
    first = ITEM.match(lines[0])
    if first is None:
        return f"<p>{render_inline(' '.join(line.strip() for line in lines))}</p>"
    items: list[str] = []
    for line in lines:
        if found := ITEM.match(line):
            items.append(line[found.end() :])
        else:
            items[-1] += f" {line.strip()}"
    kind = "ol" if first[1][0].isdigit() else "ul"
    return f"<{kind}>" + "".join(f"<li>{render_inline(item)}</li>" for item in items) + f"</{kind}>"


def render_inline(text: str) -> str:
    shown = str(escape(text))
    for pattern, markup in MARKS:
        shown = pattern.sub(markup, shown)
    return LINK.sub(render_link, shown)


def render_link(found: re.Match[str]) -> str:
    """A link of Markdown or a bare address; both were escaped before."""
    label, address, bare = found.groups()
    return f'<a class="breakable" href="{address or bare}">{label or bare}</a>'
