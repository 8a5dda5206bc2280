"""Writes the audit trail, always in the transaction of the act: if the row can't be written, the act doesn't happen."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from governance.core import audit_keys
from governance.core.models import AuditEvent, AuditHead
from governance.core.policy import Actor
from governance.core.verifier import GENESIS, Row, compute_mac, compute_seal

MAX_LENGTHS = {"actor": 150, "action": 60, "subject": 200}


class AuditOutsideTransactionError(RuntimeError):
    """record() was called outside a transaction, so the act could survive without its audit row."""


class AuditBrokenError(RuntimeError):
    """The trail's head is missing although there are rows. Nothing is added to a trail that was tampered with."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One act to be recorded. subject is "kind:id", like scan:17."""

    action: str
    subject: str
    body: dict[str, Any] = field(default_factory=dict)


def record(*, actor: Actor, action: str, subject: str, **body: Any) -> AuditEvent:
    """Add one row. subject is "kind:id", like scan:17.

    No other transaction can add a row until this one ends: record late, and record many rows by record_all.
    """
    return record_all(actor=actor, entries=[Entry(action, subject, body)])[0]


def record_all(*, actor: Actor, entries: Iterable[Entry]) -> list[AuditEvent]:
    """Add a row for each entry, in two statements however many there are."""
    head = hold_trail_end(f"{actor.name}'s acts")
    key, at = audit_keys.load_current_key(), timezone.now()
    seq, mac = head.seq, head.mac
    events: list[AuditEvent] = []
    for entry in entries:
        seq += 1
        event = AuditEvent(
            seq=seq,
            at=at,
            actor=normalize_value(actor.name),
            actor_id=actor.user_id,
            action=entry.action,
            subject=normalize_value(entry.subject),
            body=normalize_value(entry.body),
            prev=mac,
        )
        # Over the normalized values: the row must have the same mac when it is read back from either database.
        event.mac = mac = compute_mac(build_event_row(event), key)
        refuse_too_long(event)
        events.append(event)
    if events:
        AuditEvent.objects.bulk_create(events, batch_size=500)
        AuditHead.objects.filter(pk=head.pk).update(seq=seq, mac=mac, seal=compute_seal("head", seq, mac, key))
    return events


def hold_trail_end(why: str) -> AuditHead:
    """Lock the trail's end until the transaction ends, so that two writers can't both continue the same row.

    On SQLite there is nothing to lock: transactions begin IMMEDIATE, so there is one writer.
    """
    if not transaction.get_connection().in_atomic_block:
        raise AuditOutsideTransactionError(f"{why}: open transaction.atomic() around the act")
    head = lock_head()
    if head is not None:
        return head
    if AuditEvent.objects.exists():
        # Read again: another writer may have begun the trail between the two queries.
        head = lock_head()
        if head is None:
            raise AuditBrokenError("The audit trail has rows but no head: run manage.py audit verify.")
        return head
    # The first row ever. Of two writers at once, one inserts the head and both then wait for its lock.
    start = AuditHead(pk=1, seq=0, mac=GENESIS, seal=compute_seal("head", 0, GENESIS, audit_keys.load_current_key()))
    AuditHead.objects.bulk_create([start], ignore_conflicts=True)
    return AuditHead.objects.select_for_update().get(pk=1)


def lock_head() -> AuditHead | None:
    return AuditHead.objects.select_for_update().filter(pk=1).first()


def history(subject: str) -> QuerySet[AuditEvent]:
    """The acts on one object, newest first. The caller checks that the reader can see the object."""
    return AuditEvent.objects.filter(subject=subject)


def build_event_row(event: AuditEvent) -> Row:
    """The row as it is sealed and exported."""
    return {
        "seq": event.seq,
        "at": event.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": event.actor,
        "actor_id": event.actor_id,
        "action": event.action,
        "subject": event.subject,
        "body": event.body,
        "prev": event.prev,
        "mac": event.mac,
    }


def normalize_value(value: Any) -> Any:
    """The value as both databases give it back: whole floats become integers, and NUL becomes a mark."""
    return clean_json(json.loads(json.dumps(value, default=serialize_value)))


def clean_json(value: Any) -> Any:
    match value:
        case str():
            return value.replace("\x00", "\u2400").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        case float():
            return (int(value) if value.is_integer() else value) if abs(value) < float("inf") else str(value)
        case list():
            return [clean_json(item) for item in value]
        case dict():
            return {clean_json(name): clean_json(item) for name, item in value.items()}
    return value


def serialize_value(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return sorted(map(str, value)) if isinstance(value, set | frozenset) else str(value)


def refuse_too_long(event: AuditEvent) -> None:
    """Raises ValueError for text that the columns have no room for."""
    # SQLite stores longer text, PostgreSQL refuses it; both must behave alike.
    for name, most in MAX_LENGTHS.items():
        if len(getattr(event, name)) > most:
            raise ValueError(f"The audit trail's {name} has room for {most} characters.")
