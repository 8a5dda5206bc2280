"""Refuses long passwords that are easy to guess: names, repeats, sequences, a common password made longer."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError

MIN_DISTINCT_CHARACTERS = 6
MAX_PASSWORD_LENGTH = 1_000  # a limit for the work below, which reads each character several times
MIN_NAME_LENGTH = 4
PRODUCT_NAME = "tutela"


class PredictablePasswordValidator:
    """Refuses passwords that an attacker tries first. Works offline; the message names the rule, never the password."""

    def __init__(self) -> None:
        self.common: set[str] = CommonPasswordValidator().passwords  # Django's 20,000, from published breaches

    def validate(self, password: str, user: Any = None) -> None:
        if len(password) > MAX_PASSWORD_LENGTH:
            raise ValidationError(f"Enter at most {MAX_PASSWORD_LENGTH:,} characters.")
        folded = password.casefold()
        if any(name in folded for name in list_forbidden_names(user)):
            raise ValidationError("This password contains your name or the portal's. Choose one without them.")
        if len(set(folded)) < MIN_DISTINCT_CHARACTERS or is_sequence(folded):
            raise ValidationError("This password repeats or counts up a few characters. Choose a less regular one.")
        if any(stem in self.common for stem in list_password_stems(folded)):
            raise ValidationError("This password is a common one made longer. Choose several unrelated words instead.")

    def get_help_text(self) -> str:
        return "It can't contain your name or the portal's, nor be a common password made longer."


def list_forbidden_names(user: Any) -> set[str]:
    """The parts of the person's names that are long enough to count, and the product's."""
    found = {PRODUCT_NAME}
    if user is not None:
        texts = (user.get_username(), user.first_name, user.last_name, user.email.partition("@")[0])
        found |= {part for text in texts for part in re.split(r"[\W_\d]+", text.casefold())}
    return {name for name in found if len(name) >= MIN_NAME_LENGTH}


def is_sequence(text: str) -> bool:
    """True if each character follows the one before it by a step of 1, -1 or 0, with two exceptions at most."""
    steps = [ord(after) - ord(before) for before, after in pairwise(text)]
    regular = sum(step in {-1, 0, 1} for step in steps)
    return bool(steps) and regular >= len(steps) - 2


def list_password_stems(text: str) -> set[str]:
    """The text without digits and punctuation, reduced to the unit that it repeats."""
    found = {text.strip("0123456789!?.,-_#*+@$%&"), re.sub(r"[\W\d_]+", "", text)}
    return {unit for stem in found if (unit := find_repeated_unit(stem)) and len(unit) >= MIN_NAME_LENGTH}


def find_repeated_unit(text: str) -> str:
    """abcabc -> abc; abc -> abc."""
    size = (text + text).find(text, 1)
    return text[:size] if text and len(text) % size == 0 else text
