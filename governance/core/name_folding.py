"""Folds names of people to one form for every spelling that looks the same. Pure.

Code that finds a person by text (an owner in a tag, the person on whose behalf something is requested) compares folded
names, never the text itself: with an invisible character in the name, it would miss the person.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# Characters that Unicode defines as invisible, and the Braille blank. Other hidden characters are found by category.
BLANK_CHARACTERS = frozenset(
    map(chr, (0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180C, 0x180D, 0x180F, 0x2800, 0x3164, 0xFFA0))
)
VARIATION_SELECTORS = (range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))
HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
SURROUNDING_CHARACTERS = "<>()[]{}\"',;"
SEPARATORS = re.compile(r"[/\\:|]")


def is_hidden(character: str) -> bool:
    """True if the character is invisible, only orders its neighbors, or is not assigned."""
    code = ord(character)
    return (
        unicodedata.category(character) in HIDDEN_CATEGORIES
        or character in BLANK_CHARACTERS
        or any(code in selectors for selectors in VARIATION_SELECTORS)
    )


def list_hidden_characters(text: str) -> list[str]:
    """The hidden characters in a text, as U+200B, each once."""
    return [f"U+{ord(c):04X}" for c in dict.fromkeys(text) if is_hidden(c)]


def clean_name(text: str) -> str:
    """The form in which a name is stored: stripped, in the Unicode form NFKC."""
    return unicodedata.normalize("NFKC", text).strip()


@lru_cache(maxsize=20_000)
def fold_name(text: str) -> str:
    """The form in which names are compared: NFKC, without case, without hidden characters."""
    if text.isascii() and text.isprintable():
        return text.strip().lower()
    # Repeated until nothing changes: removing a hidden character can let its neighbors combine into a new one.
    before = ""
    while text != before:
        before = text
        seen = "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if not is_hidden(c))
        text = unicodedata.normalize("NFKC", seen).strip()
    return text


@lru_cache(maxsize=20_000)
def list_spellings(text: str) -> frozenset[str]:
    """Every folded name that a text may mean: itself, its last part (role/session, DOMAIN\\name), each without a +tag.

    Used for conflicts of interest, where a match too many is the safe error. Never used to give a Grant.
    """
    whole = fold_name(text).strip(SURROUNDING_CHARACTERS)
    found = {whole, SEPARATORS.split(whole)[-1]}
    found |= {strip_plus_tag(name) for name in found}
    return frozenset(found - {""})


def strip_plus_tag(name: str) -> str:
    """ada+aws@corp.example -> ada@corp.example"""
    local, at, domain = name.rpartition("@")
    return f"{local.partition('+')[0]}@{domain}" if at else name.partition("+")[0]
