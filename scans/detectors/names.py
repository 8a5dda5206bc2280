"""Judges by a parameter's name and description whether it holds a secret. Pure."""

from __future__ import annotations

import re
from itertools import dropwhile

from scans.detectors.catalogue import SECRET_DETECTORS, run_detectors
from scans.detectors.words import PASS_OWNERS, classify_secret_words, split_words, strip_qualifiers

# The end of a description's leading noun phrase: "Password of the vendor", "API key (old)".
PHRASE_END = re.compile(r"\b(?:for|of|to|used|in|on|from|with|by|which|that|who|when|where|if)\b|[.,:;(\n]|\s-\s")
OPENINGS = frozenset(
    ["the", "a", "an", "our", "this", "its", "is", "contains", "holds", "stores", "keeps", "has", "current"]
)
ARTICLES = frozenset(["the", "a", "an"])


def classify_secret_name(name: str, description: str | None = None) -> str | None:
    """The kind of secret that a name or description suggests, or None."""
    return _by_name(name) or (_by_description(description) if description else None)


def _by_name(name: str) -> str | None:
    """The last meaningful segment decides. If it is "pass", the segment before must name its owner (db, admin)."""
    telling = [parts for parts in map(split_telling_words, name.split("/")) if parts]
    if not telling:
        return None
    owner = telling[-2][-1] if len(telling) > 1 else ""
    return "password" if telling[-1] == ["pass"] and owner in PASS_OWNERS else classify_secret_words(telling[-1])


def split_telling_words(segment: str) -> list[str]:
    """A segment's words without the qualifiers at its end."""
    return strip_qualifiers(split_words(segment))


def _by_description(text: str) -> str | None:
    found = run_detectors(SECRET_DETECTORS, text)
    if found:
        return found[0]
    parts = split_words(PHRASE_END.split(text, maxsplit=1)[0])
    parts = list(dropwhile(OPENINGS.__contains__, parts))
    # A longer phrase, or one with an article inside, is a sentence about something else.
    if len(parts) > 4 or ARTICLES & set(parts):
        return None
    return classify_secret_words(parts)
