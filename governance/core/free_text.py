"""Its own medicine: text that people type holds no secrets and no personal data.

The detectors live higher up (scans.detectors); their app registers them here when it is ready.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import MaxLengthValidator

Detect = Callable[[str], list[str]]
detectors: list[Detect] = []

MAX_TEXT = 20_000  # of any text that people type; a field may take less
KIND_NAMES = {"url_credentials": "a password inside a URL", "assignment": "a password or key given a value"}


def register(detect: Detect) -> None:
    """detect: text -> names of what it holds; never the text itself."""
    if detect not in detectors:
        detectors.append(detect)


def find_sensitive_kinds(text: str) -> list[str]:
    """Names of what the text holds. Without detectors nothing could be refused, so that is an error."""
    if not detectors:
        raise ImproperlyConfigured("no detector is registered: governance.core.free_text can't check anything")
    return sorted({name for detect in detectors for name in detect(text)})


def refuse_sensitive(text: str) -> None:
    """A validator for form fields and serializer fields. Says which kind it is, never what was typed.

    What is too long is refused unread: a request may carry millions of characters, and detectors cost more than a
    look at the length."""
    MaxLengthValidator(MAX_TEXT, f"At most {MAX_TEXT:,} characters.")(text)
    if found := find_sensitive_kinds(text):
        named = ", ".join(KIND_NAMES.get(name, name.replace("_", " ")) for name in found)
        raise ValidationError(
            f"This looks like it holds {named}. Take it out: what is typed here is kept, and read by others.",
            code="sensitive",
        )


class FreeTextField(forms.CharField):
    """A CharField that refuses secrets and personal data."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs["validators"] = [*kwargs.get("validators", []), refuse_sensitive]
        super().__init__(**kwargs)

    def run_validators(self, value: Any) -> None:
        """The length by itself and first: Django would run all validators and gather what they say."""
        if self.max_length is not None and value not in self.empty_values:
            MaxLengthValidator(self.max_length)(value)
        super().run_validators(value)
