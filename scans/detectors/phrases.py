"""Tells a password of several words from prose about passwords. Pure."""

from __future__ import annotations

import re

PHRASE = re.compile(r"[\w!@#$%^&*?.+-]{1,20}(?: [\w!@#$%^&*?.+-]{1,20}){2,5}")
# Words that show a sentence, a rule, a date, or a place where the password is kept.
PROSE_WORDS = (
    "a an and any are as at be been before by can cannot containing contains do does for from has have here if in into"
    " is it its kept may must no not of on only or per required same see shall should that the their then this to until"
    " use used uses using was when where which will with without you your"
    " ascii bit bits byte bytes capital case char characters chars digit digits length letter letters long lower max"
    " maximum min minimum more least number numbers special strong symbol symbols upper valid weak"
    " day days expire expired expires hour hours minute minutes month months never once version week weeks year years"
    " change changed created default deleted disabled enabled enter generated managed reset rotate rotated rotation set"
    " shared store stored temporary updated"
    " 1password admin ask bitwarden console database db docs email field file form issue keepass key lastpass link login"
    " manager name page parameter password passwords policy secretsmanager ssm step team ticket user vault wiki"
)
PROSE = frozenset(PROSE_WORDS.split())


def is_phrase(value: str) -> bool:
    """Whether it is three to six short words with a digit and without a word of prose: "My secret pass 1"."""
    if not 10 <= len(value) <= 64 or not PHRASE.fullmatch(value):
        return False
    if not any(character.isdigit() for character in value) or not any(character.isalpha() for character in value):
        return False
    return not PROSE.intersection(re.split(r"\W+", value.lower()))
