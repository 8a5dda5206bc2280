"""Typed text is refused when it holds a secret or personal data, with a message that doesn't repeat it."""

from __future__ import annotations

import pytest
from django import forms
from django.core.exceptions import ImproperlyConfigured, ValidationError
from rest_framework import serializers

from governance.core import free_text

SECRET = "AKIA" + "IOSFODNN7EXAMPLQ"
URL = "https://deploy:" + "Xk29vTq8LmZr4w@files.example.com/app"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (f"use {SECRET} for it", "access key"),
        (f"see {URL}", "a password inside a URL"),
        ("ask bob@corp.example", "email"),
    ],
)
def test_the_kind_is_named_and_the_text_is_not(text: str, kind: str) -> None:
    with pytest.raises(ValidationError) as refused:
        free_text.refuse_sensitive(text)
    said = refused.value.messages[0]
    assert kind in said
    assert not any(word in said for word in text.split() if len(word) > 6)


@pytest.mark.parametrize(
    "text", ["", "The agent can't be updated before June.", "see https://example.com/a", "🦦 <b>\n"]
)
def test_ordinary_text_passes(text: str) -> None:
    free_text.refuse_sensitive(text)


def test_sensitive_text_is_refused_in_forms_and_serializers() -> None:
    class Form(forms.Form):
        note = free_text.FreeTextField()

    class Body(serializers.Serializer):
        note = serializers.CharField(validators=[free_text.refuse_sensitive])

    assert Form({"note": URL}).errors["note"]
    assert Form({"note": "fine"}).is_valid()
    body = Body(data={"note": URL})
    assert not body.is_valid()
    assert "password inside a URL" in str(body.errors["note"][0])


def test_without_detectors_nothing_is_let_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(free_text, "detectors", [])
    with pytest.raises(ImproperlyConfigured):
        free_text.refuse_sensitive("anything")


class Unread:
    """A detector that must not be asked."""

    def __call__(self, text: str) -> list[str]:
        raise AssertionError(f"{len(text)} characters were looked through")


@pytest.mark.parametrize(("most", "given"), [(100, 101), (100, 3_000_000), (None, free_text.MAX_TEXT + 1)])
def test_overlong_text_is_refused_unread(most: int | None, given: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(free_text, "detectors", [Unread()])

    class Form(forms.Form):
        name = free_text.FreeTextField(max_length=most)

    (said,) = Form({"name": "x" * given}).errors["name"]
    assert "t most" in said

    class Body(serializers.Serializer):
        name = serializers.CharField(validators=[free_text.refuse_sensitive])

    body = Body(data={"name": "x" * max(given, free_text.MAX_TEXT + 1)})
    assert not body.is_valid()
    assert "Enter at most 20,000 characters" in str(body.errors["name"][0])
