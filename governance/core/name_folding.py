"""How names of people are compared: one form for every spelling that looks the same. Pure.

Whatever reads a person out of text (an owner in a tag, on whose behalf something is asked) compares by this, never by
the text itself: a character that nobody sees would make a stranger of the person.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# Marks and letters that Unicode says to show as nothing, and the blank of Braille. What isn't here is found by category.
BLANK_CHARACTERS = frozenset(
    map(chr, (0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180C, 0x180D, 0x180F, 0x2800, 0x3164, 0xFFA0))
)
VARIATION_SELECTORS = (range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))
HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
SURROUNDING_CHARACTERS = "<>()[]{}\"',;"
SEPARATORS = re.compile(r"[/\\:|]")


def is_hidden(character: str) -> bool:
    """It shows as nothing, orders what stands beside it, or is no character yet."""
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
    """As a name is kept: without space around it, in the compatibility form that looks alike (NFKC)."""
    return unicodedata.normalize("NFKC", text).strip()


@lru_cache(maxsize=20_000)
def fold_name(text: str) -> str:
    """As a name is compared: NFKC, without case, without hidden characters. Folding twice changes nothing more."""
    if text.isascii() and text.isprintable():
        return text.strip().lower()
    before = ""
    while text != before:
        before = text
        seen = "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if not is_hidden(c))
        text = unicodedata.normalize("NFKC", seen).strip()
    return text


@lru_cache(maxsize=20_000)
def list_spellings(text: str) -> frozenset[str]:
    """Every folded name that a text may mean: itself, its last part (role/session, DOMAIN\\name), and without a +tag.

    For conflicts of interest, where too many is the safe side. A Grant is never given by it.
    """
    whole = fold_name(text).strip(SURROUNDING_CHARACTERS)
    found = {whole, SEPARATORS.split(whole)[-1]}
    found |= {strip_plus_tag(name) for name in found}
    return frozenset(found - {""})


def strip_plus_tag(name: str) -> str:
    """ada+aws@corp.example -> ada@corp.example"""
    local, at, domain = name.rpartition("@")
    return f"{local.partition('+')[0]}@{domain}" if at else name.partition("+")[0]
