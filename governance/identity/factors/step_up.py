"""Step-up: acts that decide, grant, export the audit or change a factor ask for a fresh second factor.

Services call require(); no page or API can go round it.
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
    """The actor must prove a second factor again; pages ask for it, the API answers with a problem."""

    def __init__(self) -> None:
        super().__init__("This needs your second factor, used in the last 5 minutes.")


def require_fresh_factor(actor: Actor, now: datetime) -> None:
    """Raises StepUpRequiredError unless a second factor is at most 5 minutes old. The system itself passes."""
    if actor.system:
        return
    at = actor.second_factor_at
    if actor.token_id is not None or at is None or not timedelta(0) <= now - at < MAX_FACTOR_AGE:
        raise StepUpRequiredError


def digest_snapshot(shown: Mapping[str, Any]) -> str:
    """SHA-256 of what was on the screen, as canonical JSON: what is decided is what was read."""
    text = json.dumps(shown, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_serialize_datetime)
    return hashlib.sha256(text.encode()).hexdigest()


def _serialize_datetime(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no canonical form; show it as text")
