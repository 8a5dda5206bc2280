"""Checks the audit trail in the database: every row, its end, and the anchors that lie elsewhere."""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import connection

from governance.core import append_only, audit, audit_keys
from governance.core.models import AuditEvent, AuditHead
from governance.core.verifier import TrailProblem, Walk, compute_seal

CHUNK_SIZE = 2000


@dataclass(frozen=True, slots=True)
class TrailCheck:
    """rows: how many there are, up to number last. problems: none for a trail that is whole."""

    rows: int
    last: int
    problems: list[TrailProblem]


def check_trail(anchors: Iterable[Mapping[str, Any]] = ()) -> TrailCheck:
    """Reads the whole trail. Acts that are recorded meanwhile do no harm."""
    keys = audit_keys.load_audit_keys()
    wanted: dict[int, list[Mapping[str, Any]]] = {}
    for anchor in anchors:
        wanted.setdefault(int(anchor["seq"]), []).append(anchor)
    walk, before = Walk(keys), AuditHead.objects.filter(pk=1).first()
    problems = check_triggers()
    at_head = ""
    for event in AuditEvent.objects.order_by("seq").iterator(CHUNK_SIZE):
        walk.take(audit.build_event_row(event))
        if before is not None and event.seq == before.seq:
            at_head = event.mac
        problems += [
            describe_mismatch(anchor, keys) for anchor in wanted.pop(event.seq, []) if anchor["mac"] != event.mac
        ]
    problems += [describe_missing_row(anchor, walk.place, keys) for left in wanted.values() for anchor in left]
    problems += check_trail_end(walk, before, at_head, keys)
    return TrailCheck(walk.count, walk.place, sorted(problems, key=lambda problem: problem.seq))


def check_triggers() -> list[TrailProblem]:
    missing = append_only.list_missing_triggers(connection)
    says = f"the database doesn't refuse changes: {', '.join(missing)} missing"
    return [TrailProblem("triggers", 0, says)] if missing else []


def describe_mismatch(anchor: Mapping[str, Any], keys: list[bytes]) -> TrailProblem:
    seq = int(anchor["seq"])
    return check_anchor_seal(anchor, keys) or TrailProblem(
        "anchor", seq, f"row {seq} isn't the one that was anchored at {anchor['at']}"
    )


def describe_missing_row(anchor: Mapping[str, Any], last: int, keys: list[bytes]) -> TrailProblem:
    seq = int(anchor["seq"])
    kind = "truncated" if seq > last else "missing"
    return check_anchor_seal(anchor, keys) or TrailProblem(
        kind, seq, f"row {seq} was anchored at {anchor['at']} and is gone; rows end at {last}"
    )


def check_anchor_seal(anchor: Mapping[str, Any], keys: list[bytes]) -> TrailProblem | None:
    seq = int(anchor["seq"])
    if has_valid_seal("anchor", seq, str(anchor["mac"]), str(anchor["seal"]), keys):
        return None
    return TrailProblem("anchor", seq, f"the anchor of {anchor['at']} isn't sealed by this portal")


def check_trail_end(walk: Walk, before: AuditHead | None, at_head: str, keys: list[bytes]) -> list[TrailProblem]:
    """before: the head as it was when the walk began; by now it may be further on."""
    after = AuditHead.objects.filter(pk=1).first()
    if after is None:
        return walk.end() + ([TrailProblem("head", walk.place, "the head is gone")] if walk.count else [])
    if before is None:  # the first act came while this was reading
        return walk.end(min(after.seq, walk.place))
    last = min(after.seq, max(walk.place, before.seq))
    found = walk.end(last)
    if not has_valid_seal("head", before.seq, before.mac, before.seal, keys):
        found.append(TrailProblem("head", before.seq, "the head isn't sealed by this portal"))
    elif walk.place >= before.seq > 0 and at_head and at_head != before.mac:
        found.append(TrailProblem("head", before.seq, f"row {before.seq} isn't the one that the head names"))
    if walk.place > after.seq and not any(problem.kind == "inserted" for problem in found):
        found.append(TrailProblem("head", after.seq, f"the head says {after.seq}, but rows go on to {walk.place}"))
    return found


def has_valid_seal(kind: str, seq: int, mac: str, seal: str, keys: list[bytes]) -> bool:
    return any(hmac.compare_digest(compute_seal(kind, seq, mac, key), seal) for key in keys)


def read_anchors(path: Path) -> list[dict[str, Any]]:
    """The anchors in a file of JSON lines. Raises ValueError naming the line that isn't one, OSError."""
    anchors = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            anchor = json.loads(line)
            anchors.append({name: anchor[name] for name in ("seq", "mac", "at", "seal")})
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"Line {number} of {path} isn't an anchor.") from error
    return anchors
