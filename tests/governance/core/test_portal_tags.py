"""The template tags and filters of prose, long texts and names. Nothing from outside becomes markup."""

from __future__ import annotations

import pytest

from governance.templatetags import portal
from scans import registry


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("[IAM](https://aws.example/a_b?c=1&d)", '<a class="breakable" href="https://aws.example/a_b?c=1&amp;d">IAM</a>'),
        ("(https://aws.example/a.html).", '(<a class="breakable" href="https://aws.example/a.html">https://aws.example/a.html</a>).'),
        ("[x](javascript:alert(1))", "[x](javascript:alert(1))"),
        ("[x](http://aws.example)", "[x](http://aws.example)"),
        ('[<b>](https://x.example/"onclick=1)', '<a class="breakable" href="https://x.example/&quot;onclick=1">&lt;b&gt;</a>'),
        ("*no* links", "<em>no</em> links"),
    ],
)  # fmt: skip
def test_prose_links_only_to_https(text: str, shown: str) -> None:
    assert portal.prose(text) == f"<p>{shown}</p>"


@pytest.mark.parametrize("id", sorted(registry.controls()))
def test_pages_of_controls_show_no_markdown(id: str) -> None:
    shown = portal.prose(registry.controls()[id].doc)
    assert "](" not in shown


def test_long_text_begins_and_opens_the_whole() -> None:
    assert portal.shortened("<b>") == '<p class="breakable">&lt;b&gt;</p>'
    text = "Could not be <read>: " * 40
    shown = portal.shortened(text)
    start, _, whole = shown.partition("</summary>")
    assert len(start) < 400
    assert text.replace("<", "&lt;").replace(">", "&gt;") in whole
    assert "<read>" not in shown
    assert portal.shortened("x" * 999).startswith('<details class="shortened">')


def test_scopes_have_their_names() -> None:
    assert [portal.scope_name(kind) for kind in ("ou", "account", "organization")] == ["OU", "account", "organization"]
