"""What people may type."""

from __future__ import annotations

from collections.abc import Sequence

from django.core.exceptions import ValidationError

from exceptions.errors import InvalidRequestError
from governance.core import free_text
from scans import registry

MAX_TEXT = free_text.MAX_TEXT


def validate_text(name: str, text: str, *, most: int = MAX_TEXT) -> str:
    """Stripped. Raises InvalidRequestError for what is too long, or holds a secret or personal data: named by kind only."""
    stripped = text.strip()
    if len(stripped) > most:
        raise InvalidRequestError(**{name: f"At most {most:,} characters."})
    if "\x00" in stripped:
        raise InvalidRequestError(**{name: "It holds a character that can't be kept (NUL)."})
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
