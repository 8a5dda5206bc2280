"""The one door through which states move: compare-and-set and audit in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import models, transaction

from governance.core import audit
from governance.core.policy import Actor
from governance.core.states import StateMachine


class LostRaceError(Exception):
    """Somebody else moved the row first; read it again."""


def move_state(
    row: models.Model,
    machine: StateMachine,
    event: str,
    *,
    actor: Actor,
    reason: str = "",
    held: Mapping[str, Any] | None = None,
    **fields: Any,
) -> None:
    """Move one row, or raise LostRaceError if its state is no longer one that the event starts from.

    held: columns that must still have these values, like the version that somebody was shown."""
    kind = type(row)._meta.model_name
    with transaction.atomic():
        # The trail's end is locked before the row, always in this order: two acts that move two rows can't deadlock.
        audit.hold_trail_end(f"{kind}.{event}")
        moved = (
            type(row)
            ._default_manager.filter(pk=row.pk, state__in=machine.sources(event), **(held or {}))
            .update(state=machine.target(event), **fields)
        )
        if not moved:
            raise LostRaceError(f"{kind} {row.pk} can't {event}: its state has changed")
        audit.record(actor=actor, action=f"{kind}.{event}", subject=f"{kind}:{row.pk}", reason=reason)
    row.refresh_from_db()
