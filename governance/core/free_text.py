"""Refuses secrets and personal data in text that people type.

The detectors live in a layer above (scans.detectors); their app registers them here when it is ready.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import MaxLengthValidator

Detect = Callable[[str], list[str]]
detectors: list[Detect] = []

MAX_TEXT = 20_000  # characters of any text that people type; a field may allow fewer
KIND_NAMES = {"url_credentials": "a password inside a URL", "assignment": "a password or key given a value"}


def register(detect: Detect) -> None:
    """detect: text -> the kinds of sensitive data in it; never the data itself."""
    if detect not in detectors:
        detectors.append(detect)


def find_sensitive_kinds(text: str) -> list[str]:
    """The kinds of sensitive data in the text."""
    # Without detectors every text would pass, so a missing registration must not go unnoticed.
    if not detectors:
        raise ImproperlyConfigured("no detector is registered: governance.core.free_text can't check anything")
    return sorted({name for detect in detectors for name in detect(text)})


def refuse_sensitive(text: str) -> None:
    """A validator for form fields and serializer fields. The message names the kind, never the text."""
    # The length first: a request may carry millions of characters, and the detectors read each of them.
    MaxLengthValidator(MAX_TEXT, f"Enter at most {MAX_TEXT:,} characters.")(text)
    if found := find_sensitive_kinds(text):
        named = ", ".join(KIND_NAMES.get(name, name.replace("_", " ")) for name in found)
        raise ValidationError(
            f"This text seems to contain {named}. Remove it: the text is stored, and other people can read it.",
            code="sensitive",
        )


class FreeTextField(forms.CharField):
    """A CharField that refuses secrets and personal data."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs["validators"] = [*kwargs.get("validators", []), refuse_sensitive]
        super().__init__(**kwargs)

    def run_validators(self, value: Any) -> None:
        """Check the length first, by itself: Django would run every validator and collect their messages."""
        if self.max_length is not None and value not in self.empty_values:
            MaxLengthValidator(self.max_length)(value)
        super().run_validators(value)
