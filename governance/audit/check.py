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
from governance.core.verifier import Problem, Walk, seal_of

CHUNK = 2000


@dataclass(frozen=True, slots=True)
class Checked:
    """rows: how many there are, up to number last. problems: none for a trail that is whole."""

    rows: int
    last: int
    problems: list[Problem]


def check_trail(anchors: Iterable[Mapping[str, Any]] = ()) -> Checked:
    """Reads the whole trail. Acts that are recorded meanwhile do no harm."""
    keys = audit_keys.keys()
    wanted: dict[int, list[Mapping[str, Any]]] = {}
    for anchor in anchors:
        wanted.setdefault(int(anchor["seq"]), []).append(anchor)
    walk, before = Walk(keys), AuditHead.objects.filter(pk=1).first()
    problems = triggers_missing()
    at_head = ""
    for event in AuditEvent.objects.order_by("seq").iterator(CHUNK):
        walk.take(audit.row_of(event))
        if before is not None and event.seq == before.seq:
            at_head = event.mac
        problems += [differs(anchor, keys) for anchor in wanted.pop(event.seq, []) if anchor["mac"] != event.mac]
    problems += [gone(anchor, walk.place, keys) for left in wanted.values() for anchor in left]
    problems += trouble_at_the_end(walk, before, at_head, keys)
    return Checked(walk.count, walk.place, sorted(problems, key=lambda problem: problem.seq))


def triggers_missing() -> list[Problem]:
    missing = append_only.missing(connection)
    says = f"the database doesn't refuse changes: {', '.join(missing)} missing"
    return [Problem("triggers", 0, says)] if missing else []


def differs(anchor: Mapping[str, Any], keys: list[bytes]) -> Problem:
    seq = int(anchor["seq"])
    return not_ours(anchor, keys) or Problem(
        "anchor", seq, f"row {seq} isn't the one that was anchored at {anchor['at']}"
    )


def gone(anchor: Mapping[str, Any], last: int, keys: list[bytes]) -> Problem:
    seq = int(anchor["seq"])
    kind = "truncated" if seq > last else "missing"
    return not_ours(anchor, keys) or Problem(
        kind, seq, f"row {seq} was anchored at {anchor['at']} and is gone; rows end at {last}"
    )


def not_ours(anchor: Mapping[str, Any], keys: list[bytes]) -> Problem | None:
    seq = int(anchor["seq"])
    if sealed("anchor", seq, str(anchor["mac"]), str(anchor["seal"]), keys):
        return None
    return Problem("anchor", seq, f"the anchor of {anchor['at']} isn't sealed by this portal")


def trouble_at_the_end(walk: Walk, before: AuditHead | None, at_head: str, keys: list[bytes]) -> list[Problem]:
    """before: the head as it was when the walk began; by now it may be further on."""
    after = AuditHead.objects.filter(pk=1).first()
    if after is None:
        return walk.end() + ([Problem("head", walk.place, "the head is gone")] if walk.count else [])
    if before is None:  # the first act came while this was reading
        return walk.end(min(after.seq, walk.place))
    last = min(after.seq, max(walk.place, before.seq))
    found = walk.end(last)
    if not sealed("head", before.seq, before.mac, before.seal, keys):
        found.append(Problem("head", before.seq, "the head isn't sealed by this portal"))
    elif walk.place >= before.seq > 0 and at_head and at_head != before.mac:
        found.append(Problem("head", before.seq, f"row {before.seq} isn't the one that the head names"))
    if walk.place > after.seq and not any(problem.kind == "inserted" for problem in found):
        found.append(Problem("head", after.seq, f"the head says {after.seq}, but rows go on to {walk.place}"))
    return found


def sealed(kind: str, seq: int, mac: str, seal: str, keys: list[bytes]) -> bool:
    return any(hmac.compare_digest(seal_of(kind, seq, mac, key), seal) for key in keys)


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
