"""Moves a row from state to state, with its audit row: compare-and-set, both in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import models, transaction
from django.db.models import F

from governance.core import audit
from governance.core.policy import Actor
from governance.core.states import StateMachine


class LostRaceError(Exception):
    """The row was moved by another act first. Read it again."""


class StaleRowError(LostRaceError):
    """The row is still in a state that the event starts from, but no longer in the version that was read."""


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
    """Move one row. Raises LostRaceError if its state isn't one that the event starts from.

    held: columns that must still have these values, like the version that the page showed."""
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
            raise LostRaceError(f"{kind} {row.pk} can't {event}: its state has changed. Read it again.")
        audit.record(actor=actor, action=f"{kind}.{event}", subject=f"{kind}:{row.pk}", reason=reason)
    row.refresh_from_db()


def move_versioned_state(
    row: Any, machine: StateMachine, event: str, *, actor: Actor, version: int, reason: str = "", **fields: Any
) -> None:
    """Move one row of the version that the caller read; its version goes up by one.

    Raises StaleRowError if only the version has changed, LostRaceError if the state has; row then is as it is now."""
    held = {"version": version}
    try:
        move_state(row, machine, event, actor=actor, reason=reason, held=held, version=F("version") + 1, **fields)
    except LostRaceError as error:
        row.refresh_from_db()
        if row.state in machine.sources(event):
            raise StaleRowError(f"{row} is no longer in version {version}") from error
        raise
