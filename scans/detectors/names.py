"""Does a parameter's name or description say that it holds a secret? Pure."""

from __future__ import annotations

import re
from itertools import dropwhile

from scans.detectors.catalogue import SECRETS, detect_with
from scans.detectors.words import PASS_OWNERS, secret_kind, unqualified, words

# Where the thing that a description begins with ends: "Password of the vendor", "API key (old)".
HEAD = re.compile(r"\b(?:for|of|to|used|in|on|from|with|by|which|that|who|when|where|if)\b|[.,:;(\n]|\s-\s")
OPENINGS = frozenset(
    ["the", "a", "an", "our", "this", "its", "is", "contains", "holds", "stores", "keeps", "has", "current"]
)
ARTICLES = frozenset(["the", "a", "an"])


def secret_name(name: str, description: str | None = None) -> str | None:
    """The kind of secret that a name or description speaks of, or None."""
    return _by_name(name) or (_by_description(description) if description else None)


def _by_name(name: str) -> str | None:
    """The last segment that says something decides; where it is "pass", so does whose pass the one before says."""
    telling = [parts for parts in map(telling_words, name.split("/")) if parts]
    if not telling:
        return None
    owner = telling[-2][-1] if len(telling) > 1 else ""
    return "password" if telling[-1] == ["pass"] and owner in PASS_OWNERS else secret_kind(telling[-1])


def telling_words(segment: str) -> list[str]:
    """A segment's words without the qualifiers at its end."""
    return unqualified(words(segment))


def _by_description(text: str) -> str | None:
    found = detect_with(SECRETS, text)
    if found:
        return found[0]
    parts = words(HEAD.split(text, maxsplit=1)[0])
    parts = list(dropwhile(OPENINGS.__contains__, parts))
    if len(parts) > 4 or ARTICLES & set(parts):
        return None
    return secret_kind(parts)
