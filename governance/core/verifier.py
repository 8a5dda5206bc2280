"""Checks an export of Tutela's audit trail. One file, Python's standard library only: run it anywhere.

    python -I verify_audit.py trail.jsonl --public-key HEX     checks that nothing was changed since it was signed
    python -I verify_audit.py trail.jsonl --key-file FILE      with the secret: checks that the portal wrote every row

An export is checked in this order:

1. each row: its number follows, its prev is the mac of the row before, its own mac is right (with the secret);
2. the manifest: its format, its signature, its HMAC (with the secret);
3. the rows against the manifest: their hash, their count, the ends of the chain.

Exit status: 0 good, 1 not good (each problem is a line that names the row), 2 wrong usage. The portal itself checks
its database with the same code, so the chain has one definition: here.
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FORMAT = "tutela.audit.1"
GENESIS = "0" * 64
FIELDS = ("seq", "at", "actor", "actor_id", "action", "subject", "body", "prev")
PUBLIC_KEY = re.compile(r"[0-9a-fA-F]{64}")  # Ed25519
# The distance within which the original place of a moved row is searched. Each number tried costs an HMAC.
MOVE_WINDOW = 60
Row = dict[str, Any]


def encode_canonical(value: Any) -> bytes:
    """A value as bytes, in one form only: JSON with sorted keys, no spaces, ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()


def compute_mac(row: Row, key: bytes, seq: int | None = None) -> str:
    """The row's HMAC, which covers the row before it through prev. seq: compute it for another number."""
    values = [row["seq"] if seq is None else seq, *(row[name] for name in FIELDS[1:])]
    return hmac.new(key, encode_canonical([FORMAT, *values]), hashlib.sha256).hexdigest()


def compute_seal(kind: str, seq: int, mac: str, key: bytes) -> str:
    """The HMAC of a head or an anchor: without the key, no false end of the trail can be written."""
    return hmac.new(key, encode_canonical([FORMAT, kind, seq, mac]), hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class TrailProblem:
    """kind: edited, inserted, missing, moved, forked, old_key, head, truncated, anchor, file. seq: where."""

    kind: str
    seq: int
    says: str


@dataclass(slots=True)
class Walk:
    """One pass over rows in the order of their numbers. keys: oldest first; empty: only the links are checked."""

    keys: Sequence[bytes]
    place: int = 0  # the number of the row before
    link: str = GENESIS  # the mac of the row before
    count: int = 0
    problems: list[TrailProblem] = field(default_factory=list)
    forged: dict[int, str] = field(default_factory=dict)  # number -> subject
    moved: dict[int, int] = field(default_factory=dict)  # number -> the number under which it was written
    trusted: bool = True  # the row before was written by the portal, in its place
    key: int = 0  # the newest key seen so far

    def take(self, row: Row) -> None:
        seq = int(row["seq"])
        if seq > self.place + 1:
            self.lost(self.place + 1, seq - 1)
        genuine = not self.keys or self.has_valid_mac(row, seq)
        if not genuine:
            written = self.find_written_number(row, seq)
            if written is None:
                self.forged[seq] = str(row["subject"])
            else:
                self.moved[seq] = written
        # After a forged or moved row the link can't fit; saying so would only repeat that problem.
        elif self.trusted and seq == self.place + 1 and row["prev"] != self.link:
            self.problems.append(TrailProblem("forked", seq, f"row {seq} does not continue row {self.place}"))
        elif seq <= self.place:
            self.problems.append(TrailProblem("forked", seq, f"row {seq} comes after row {self.place}"))
        self.place, self.link, self.trusted = seq, str(row["mac"]), genuine
        self.count += 1

    def has_valid_mac(self, row: Row, seq: int) -> bool:
        """True if one of the keys gives this row's mac. A key that was replaced must not be used again."""
        for number, key in enumerate(self.keys):
            if hmac.compare_digest(compute_mac(row, key, seq), str(row["mac"])):
                if number < self.key and seq == int(row["seq"]):
                    self.problems.append(
                        TrailProblem("old_key", seq, f"row {seq} is sealed with a key that was replaced before")
                    )
                self.key = max(self.key, number)
                return True
        return False

    def find_written_number(self, row: Row, seq: int) -> int | None:
        """The number under which the portal wrote a row whose mac is wrong here; None if it is forged."""
        # A whole block of rows is often moved by the same distance, so the distance of the last one is tried first.
        shift = next(reversed(self.moved.items()), (0, 0))
        likely = seq + shift[1] - shift[0]
        near = sorted(range(max(1, seq - MOVE_WINDOW), seq + MOVE_WINDOW), key=lambda n: abs(n - seq))
        return next((number for number in (likely, *near) if number != seq and self.has_valid_mac(row, number)), None)

    def lost(self, first: int, last: int, kind: str = "missing") -> None:
        which = f"row {first} is" if first == last else f"rows {first} to {last} are"
        self.problems.append(TrailProblem(kind, first, f"{which} missing"))

    def end(self, last: int | None = None) -> list[TrailProblem]:
        """Every problem, in the order of the rows. last: the number that the trail must reach."""
        # Only now: whether a bad row was edited, inserted or moved depends on which other rows were found elsewhere.
        written = set(self.moved.values())
        for seq, subject in self.forged.items():
            if seq in written or (last is not None and seq > last):
                self.problems.append(TrailProblem("inserted", seq, f"row {seq} ({subject}) was inserted"))
            else:
                self.problems.append(TrailProblem("edited", seq, f"row {seq} ({subject}) was changed"))
        for seq in sorted(set(self.moved) - written - set(self.forged)):
            if seq < max(written):
                self.lost(seq, seq)
        self.problems += [TrailProblem("moved", seq, says) for seq, says in self.list_moved_runs()]
        if last is not None and self.place < last:
            self.lost(self.place + 1, last, "truncated")
        return sorted(self.problems, key=lambda problem: problem.seq)

    def list_moved_runs(self) -> Iterator[tuple[int, str]]:
        """The moved rows; neighbors that were moved by the same distance share a line."""
        rows = sorted(self.moved.items())
        while rows:
            first, written = rows[0]
            length = next((n for n, (seq, as_) in enumerate(rows) if (seq, as_) != (first + n, written + n)), len(rows))
            until = f" to {first + length - 1}" if length > 1 else ""
            yield first, f"row {first}{until} was written as row {written}" + (" and so on" if length > 1 else "")
            rows = rows[length:]


# Ed25519 (RFC 8032), verification only: nothing here is secret, so nothing needs to run in constant time. It is written
# out because outsiders run this file with the standard library alone.
Q = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, Q) % Q
Point = tuple[int, int, int, int]


def point_add(a: Point, b: Point) -> Point:
    e, f = (a[1] - a[0]) * (b[1] - b[0]) % Q, (a[1] + a[0]) * (b[1] + b[0]) % Q
    g, h = 2 * a[3] * b[3] * D % Q, 2 * a[2] * b[2] % Q
    i, j, k, m = f - e, h - g, h + g, f + e
    return i * j % Q, k * m % Q, j * k % Q, i * m % Q


def point_times(number: int, point: Point) -> Point:
    total: Point = (0, 1, 1, 0)
    while number:
        if number & 1:
            total = point_add(total, point)
        point, number = point_add(point, point), number >> 1
    return total


def point_from(data: bytes) -> Point | None:
    number = int.from_bytes(data, "little")
    sign, y = number >> 255, number & ((1 << 255) - 1)
    square = (y * y - 1) * pow(D * y * y + 1, -1, Q) % Q
    x = pow(square, (Q + 3) // 8, Q)
    if (x * x - square) % Q:
        x = x * pow(2, (Q - 1) // 4, Q) % Q
    if y >= Q or (x * x - square) % Q or (x == 0 and sign):
        return None
    x = Q - x if x & 1 != sign else x
    return x, y, 1, x * y % Q


def is_signature_valid(public: bytes, message: bytes, signature: bytes) -> bool:
    if len(public) != 32 or len(signature) != 64:
        return False
    base = point_from((4 * pow(5, -1, Q) % Q).to_bytes(32, "little"))
    key, nonce = point_from(public), point_from(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    if base is None or key is None or nonce is None or scalar >= ORDER:
        return False
    challenge = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % ORDER
    left, right = point_times(scalar, base), point_add(nonce, point_times(challenge, key))
    return (left[0] * right[2] - right[0] * left[2]) % Q == 0 and (left[1] * right[2] - right[1] * left[2]) % Q == 0


def check_export(lines: Iterable[bytes], *, keys: Sequence[bytes] = (), public_key: str = "") -> Walk:
    """Read an export: rows, then a last line with the manifest and its signatures. The Walk has the problems."""
    digest, walk, last = hashlib.sha256(), Walk(keys), b""
    first: Row | None = None
    try:
        # Each line waits for the next one, since the last line isn't a row. So the file is never in memory as a whole.
        for line in lines:
            if last:
                row = json.loads(last)
                if first is None:
                    first, walk.place, walk.link = row, int(row["seq"]) - 1, str(row["prev"])
                walk.take(row)
                digest.update(last)
            last = line
        signed = json.loads(last)
        found = list(list_manifest_problems(signed, digest.hexdigest(), first, walk, public_key))
        upto = int(signed["manifest"]["last"])
    # The file comes from outside; these are what a file of any other shape can raise.
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        walk.problems.append(TrailProblem("file", walk.place, f"not a complete export of an audit trail ({error})"))
        return walk
    walk.problems = [TrailProblem("file", 0, says) for says in found] + walk.end(upto)
    return walk


def list_manifest_problems(signed: Row, digest: str, first: Row | None, walk: Walk, public_key: str) -> Iterator[str]:
    manifest = signed["manifest"]
    message = encode_canonical(manifest)
    public = public_key or str(manifest["public_key"])
    if manifest["format"] != FORMAT:
        yield f"its format is {manifest['format']!r}; this program reads {FORMAT!r}"
    if not is_signature_valid(bytes.fromhex(public), message, bytes.fromhex(str(signed["signature"]))):
        yield "the signature was not made with this public key"
    if walk.keys and not any(
        hmac.compare_digest(hmac.new(key, message, hashlib.sha256).hexdigest(), str(signed["hmac"]))
        for key in walk.keys
    ):
        yield "the manifest was not sealed with this key"
    if manifest["sha256"] != digest:
        yield "the rows are not those that were signed (the SHA-256 differs)"
    ends = (walk.count, first["seq"] if first else 0, first["prev"] if first else "", walk.link if first else "")
    if ends != (manifest["count"], manifest["first"], manifest["prev"], manifest["mac"]):
        yield "the rows are not those that the manifest lists"


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="verify_audit.py", description="Check an export of Tutela's audit trail.")
    parser.add_argument("export", type=Path)
    parser.add_argument("--public-key", default="", metavar="HEX", help="the portal's key, from manage.py audit key")
    parser.add_argument("--key-file", type=Path, action="append", default=[], help="the secret; repeat for older ones")
    options = parser.parse_args(words)
    if options.public_key and not PUBLIC_KEY.fullmatch(options.public_key):
        parser.error("--public-key is not a key: a key has 64 hexadecimal digits, as manage.py audit key prints it")
    try:
        keys = [path.read_text(encoding="utf-8").strip().encode() for path in reversed(options.key_file)]
        with options.export.open("rb") as lines:
            walk = check_export(lines, keys=keys, public_key=options.public_key)
    except OSError as error:
        parser.error(f"{error.filename} can't be read: {error.strerror}")
    for problem in walk.problems:
        sys.stdout.write(f"{problem.kind}: {problem.says}\n")
    if walk.problems:
        return 1
    sys.stdout.write(f"{walk.count} rows, {walk.place - walk.count + 1} to {walk.place}: complete and in order.\n")
    if not options.public_key and not keys:
        sys.stdout.write("The signature was checked with the key in the file itself, which proves little. Get the\n")
        sys.stdout.write("portal's public key (manage.py audit key) in another way and pass it as --public-key.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
