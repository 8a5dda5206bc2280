"""Passwords: long, and not among those that are tried first. Judged offline."""

from __future__ import annotations

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from governance.identity.models import User
from governance.identity.people import passwords

ADA = User(username="ada.lovelace", email="countess@corp.example", first_name="Augusta")


@pytest.mark.parametrize(
    "password",
    [
        "nine calm otters borrow ladders",
        "a-long-and-uncommon-pass-phrase-7",
        "Xk29vTq8LmZr4w!pq",
        "пароль длинный и свой",
    ],
)
def test_long_unusual_passwords_pass(password: str) -> None:
    validate_password(password, ADA)


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("fourteen chars", "at least 15"),
        ("ilovetutela-very-much", "name or the portal"),
        ("me-and-LOVELACE-again", "name or the portal"),
        ("countess of nowhere", "name or the portal"),
        ("augusta in the garden", "name or the portal"),
        ("aaaaaaaaaaaaaaaaaa", "repeats or counts"),
        ("abcabcabcabcabcabc", "repeats or counts"),
        ("123456789012345678", "repeats or counts"),
        ("abcdefghijklmnopqr", "repeats or counts"),
        ("password1234567890", "common one"),
        ("!!!!baseball!!!!2026", "common one"),
        ("princessprincess", "common one"),
        ("1qaz2wsx3edc4rfv", "common"),
    ],
)
def test_predictable_passwords_are_refused(password: str, why: str) -> None:
    with pytest.raises(ValidationError) as refused:
        validate_password(password, ADA)
    said = " ".join(refused.value.messages)
    assert why in said
    assert password not in said


def test_huge_password_is_refused_by_length_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "is_sequence", lambda _text: pytest.fail("it was looked through"))
    with pytest.raises(ValidationError, match=r"Enter at most 1,000 characters"):
        passwords.PredictablePasswordValidator().validate("correct horse battery " * 100_000)
