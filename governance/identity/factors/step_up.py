"""Step-up: acts that decide, grant, export the audit trail or change a factor need a fresh second factor.

Services call require_fresh_factor, so no page and no API can bypass it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from governance.core.policy import Actor

MAX_FACTOR_AGE = timedelta(minutes=5)


class StepUpRequiredError(PermissionError):
    """The actor must verify a second factor again; pages ask for it, the API answers with a problem."""

    def __init__(self) -> None:
        super().__init__(
            "This needs a second factor from the last 5 minutes. Confirm it in the portal, then try again."
        )


def require_fresh_factor(actor: Actor, now: datetime) -> None:
    """Raises StepUpRequiredError unless a second factor is at most 5 minutes old. The system itself passes."""
    if actor.system:
        return
    at = actor.second_factor_at
    # Not before 0: a time in the future would stay fresh for as long as the clocks differ.
    if actor.token_id is not None or at is None or not timedelta(0) <= now - at < MAX_FACTOR_AGE:
        raise StepUpRequiredError


def digest_snapshot(shown: Mapping[str, Any]) -> str:
    """The SHA-256 of what the page showed, as canonical JSON. A decision that names it is bound to exactly that."""
    text = json.dumps(shown, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_serialize_datetime)
    return hashlib.sha256(text.encode()).hexdigest()


def _serialize_datetime(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no canonical form; show it as text")
