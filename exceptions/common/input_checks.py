"""Checks of text and control ids that people enter."""

from __future__ import annotations

from collections.abc import Sequence

from django.core.exceptions import ValidationError

from exceptions.errors import InvalidRequestError
from governance.core import free_text
from scans import registry

MAX_TEXT = free_text.MAX_TEXT


def validate_text(name: str, text: str, *, most: int = MAX_TEXT) -> str:
    """The text, stripped. Raises InvalidRequestError if it is too long or holds a secret or personal data.

    The message names the kind of secret only, so that the secret reaches no page, log or API answer."""
    stripped = text.strip()
    # The length comes first: the detectors below are slow on megabytes, and one request may carry them.
    if len(stripped) > most:
        raise InvalidRequestError(**{name: f"Enter at most {most:,} characters."})
    # PostgreSQL can't store NUL in text, SQLite can.
    if "\x00" in stripped:
        raise InvalidRequestError(**{name: "The text contains a character that can't be stored (NUL). Remove it."})
    try:
        free_text.refuse_sensitive(stripped)
    except ValidationError as error:
        raise InvalidRequestError(**{name: " ".join(error.messages)}) from error
    return stripped


def validate_controls(ids: Sequence[str], faults: dict[str, str]) -> list[str]:
    wanted = sorted({id.strip().upper() for id in ids if id.strip()})
    unknown = [id for id in wanted if id not in registry.controls()]
    if unknown:
        faults["compensating_controls"] = f"There is no control {', '.join(unknown)}."
    return wanted
