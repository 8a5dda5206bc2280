"""Checks the audit trail in the database, in this order:

1. the triggers that refuse changes;
2. every row: its number, its link to the row before, its own mac (governance.core.verifier);
3. the anchors: each must name a row as it is;
4. the end: it must be where the head says, and the head must have a valid seal.
"""

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
    """rows: their number; last: the number of the last one. problems: empty for an intact trail."""

    rows: int
    last: int
    problems: list[TrailProblem]


def check_trail(anchors: Iterable[Mapping[str, Any]] = ()) -> TrailCheck:
    """Read and check the whole trail. Rows that are added meanwhile do no harm."""
    keys = audit_keys.load_audit_keys()
    wanted: dict[int, list[Mapping[str, Any]]] = {}
    for anchor in anchors:
        wanted.setdefault(int(anchor["seq"]), []).append(anchor)
    # The head is read before the rows and again after them: the trail may grow in between, and no lock is held for the
    # minutes that a long trail takes.
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
    says = f"the database does not refuse changes, because triggers are missing: {', '.join(missing)}"
    return [TrailProblem("triggers", 0, says)] if missing else []


def describe_mismatch(anchor: Mapping[str, Any], keys: list[bytes]) -> TrailProblem:
    seq = int(anchor["seq"])
    return check_anchor_seal(anchor, keys) or TrailProblem(
        "anchor", seq, f"row {seq} is not the row that was anchored at {anchor['at']}"
    )


def describe_missing_row(anchor: Mapping[str, Any], last: int, keys: list[bytes]) -> TrailProblem:
    seq = int(anchor["seq"])
    kind = "truncated" if seq > last else "missing"
    return check_anchor_seal(anchor, keys) or TrailProblem(
        kind, seq, f"row {seq} was anchored at {anchor['at']} and is missing now; the last row is {last}"
    )


def check_anchor_seal(anchor: Mapping[str, Any], keys: list[bytes]) -> TrailProblem | None:
    seq = int(anchor["seq"])
    if has_valid_seal("anchor", seq, str(anchor["mac"]), str(anchor["seal"]), keys):
        return None
    return TrailProblem("anchor", seq, f"the anchor of {anchor['at']} has no valid seal of this portal")


def check_trail_end(walk: Walk, before: AuditHead | None, at_head: str, keys: list[bytes]) -> list[TrailProblem]:
    """before: the head as it was when the walk began; it may have moved on since."""
    after = AuditHead.objects.filter(pk=1).first()
    if after is None:
        return walk.end() + (
            [TrailProblem("head", walk.place, "the record of the trail's end is missing")] if walk.count else []
        )
    if before is None:  # the first act was recorded while this was reading
        return walk.end(min(after.seq, walk.place))
    # The rows must reach the head of the beginning. Rows after it were added meanwhile and may not all have been read.
    last = min(after.seq, max(walk.place, before.seq))
    found = walk.end(last)
    if not has_valid_seal("head", before.seq, before.mac, before.seal, keys):
        found.append(TrailProblem("head", before.seq, "the record of the trail's end has no valid seal of this portal"))
    elif walk.place >= before.seq > 0 and at_head and at_head != before.mac:
        found.append(TrailProblem("head", before.seq, f"row {before.seq} is not the recorded end of the trail"))
    if walk.place > after.seq and not any(problem.kind == "inserted" for problem in found):
        found.append(
            TrailProblem(
                "head", after.seq, f"the recorded end is row {after.seq}, but there are rows up to {walk.place}"
            )
        )
    return found


def has_valid_seal(kind: str, seq: int, mac: str, seal: str, keys: list[bytes]) -> bool:
    return any(hmac.compare_digest(compute_seal(kind, seq, mac, key), seal) for key in keys)


def read_anchors(path: Path) -> list[dict[str, Any]]:
    """The anchors in a file of JSON lines. Raises OSError, and ValueError with the number of an invalid line."""
    anchors = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            anchor = json.loads(line)
            anchors.append({name: anchor[name] for name in ("seq", "mac", "at", "seal")})
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"Line {number} of {path} is not an anchor. Remove it or restore the file.") from error
    return anchors
