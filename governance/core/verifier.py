"""Checks an export of Tutela's audit trail. One file, Python's standard library only: run it anywhere.

    python -I verify_audit.py trail.jsonl --public-key HEX     anybody: nothing was changed since it was signed
    python -I verify_audit.py trail.jsonl --key-file FILE      with the secret: every row is the portal's own

Exit status: 0 good, 1 not good (each trouble is a line that names the row), 2 wrong usage. The portal
itself checks its database with the same code, so there is one definition of the chain: here.
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
# How far from its place a row is looked for that somebody moved.
MOVE_WINDOW = 60
Row = dict[str, Any]


def encode_canonical(value: Any) -> bytes:
    """The one way to write a value as bytes: JSON with sorted keys, no spaces, nothing but ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()


def compute_mac(row: Row, key: bytes, seq: int | None = None) -> str:
    """The row's HMAC, which covers the row before it through prev. seq: as if it were that number."""
    values = [row["seq"] if seq is None else seq, *(row[name] for name in FIELDS[1:])]
    return hmac.new(key, encode_canonical([FORMAT, *values]), hashlib.sha256).hexdigest()


def compute_seal(kind: str, seq: int, mac: str, key: bytes) -> str:
    """The HMAC of a head or an anchor: nobody without the key can say that the trail ends elsewhere."""
    return hmac.new(key, encode_canonical([FORMAT, kind, seq, mac]), hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class TrailProblem:
    """kind: edited, inserted, missing, moved, forked, old_key, head, truncated, anchor, file. seq: where."""

    kind: str
    seq: int
    says: str


@dataclass(slots=True)
class Walk:
    """One pass over rows in the order of their numbers. keys: oldest first; none: only the links are checked."""

    keys: Sequence[bytes]
    place: int = 0  # the number of the row before
    link: str = GENESIS  # its mac
    count: int = 0
    problems: list[TrailProblem] = field(default_factory=list)
    forged: dict[int, str] = field(default_factory=dict)  # number -> subject
    moved: dict[int, int] = field(default_factory=dict)  # number -> the number that it was written as
    trusted: bool = True  # the row before was the portal's own, in its place
    key: int = 0

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
        elif self.trusted and seq == self.place + 1 and row["prev"] != self.link:
            self.problems.append(TrailProblem("forked", seq, f"row {seq} doesn't continue row {self.place}"))
        elif seq <= self.place:
            self.problems.append(TrailProblem("forked", seq, f"row {seq} comes after row {self.place}"))
        self.place, self.link, self.trusted = seq, str(row["mac"]), genuine
        self.count += 1

    def has_valid_mac(self, row: Row, seq: int) -> bool:
        """Does one of the keys give this row's mac? A key that was replaced can't come back."""
        for number, key in enumerate(self.keys):
            if hmac.compare_digest(compute_mac(row, key, seq), str(row["mac"])):
                if number < self.key and seq == int(row["seq"]):
                    self.problems.append(
                        TrailProblem("old_key", seq, f"row {seq} is sealed with a key replaced before it")
                    )
                self.key = max(self.key, number)
                return True
        return False

    def find_written_number(self, row: Row, seq: int) -> int | None:
        """The number under which the portal wrote a row that isn't good as what it is; None: under none."""
        shift = next(reversed(self.moved.items()), (0, 0))
        likely = seq + shift[1] - shift[0]
        near = sorted(range(max(1, seq - MOVE_WINDOW), seq + MOVE_WINDOW), key=lambda n: abs(n - seq))
        return next((number for number in (likely, *near) if number != seq and self.has_valid_mac(row, number)), None)

    def lost(self, first: int, last: int, kind: str = "missing") -> None:
        which = f"row {first} is" if first == last else f"rows {first} to {last} are"
        self.problems.append(TrailProblem(kind, first, f"{which} missing"))

    def end(self, last: int | None = None) -> list[TrailProblem]:
        """Every problem, by place. last: the number that the trail must reach."""
        written = set(self.moved.values())
        for seq, subject in self.forged.items():
            if seq in written or (last is not None and seq > last):
                self.problems.append(TrailProblem("inserted", seq, f"row {seq} ({subject}) was put in"))
            else:
                self.problems.append(TrailProblem("edited", seq, f"row {seq} ({subject}) isn't as it was written"))
        for seq in sorted(set(self.moved) - written - set(self.forged)):
            if seq < max(written):
                self.lost(seq, seq)
        self.problems += [TrailProblem("moved", seq, says) for seq, says in self.list_moved_runs()]
        if last is not None and self.place < last:
            self.lost(self.place + 1, last, "truncated")
        return sorted(self.problems, key=lambda problem: problem.seq)

    def list_moved_runs(self) -> Iterator[tuple[int, str]]:
        """The moved rows, neighbours that were moved equally far in one line."""
        rows = sorted(self.moved.items())
        while rows:
            first, written = rows[0]
            length = next((n for n, (seq, as_) in enumerate(rows) if (seq, as_) != (first + n, written + n)), len(rows))
            until = f" to {first + length - 1}" if length > 1 else ""
            yield first, f"row {first}{until} was written as row {written}" + (" and so on" if length > 1 else "")
            rows = rows[length:]


# Ed25519 (RFC 8032): checking only, so nothing here is secret and nothing needs to be constant-time.
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
    """Reads an export: rows, then a last line with the manifest and its signatures. The Walk has the problems."""
    digest, walk, last = hashlib.sha256(), Walk(keys), b""
    first: Row | None = None
    try:
        for line in lines:
            if last:
                row = json.loads(last)
                if first is None:
                    first, walk.place, walk.link = row, int(row["seq"]) - 1, str(row["prev"])
                walk.take(row)
                digest.update(last)
            last = line
        signed = json.loads(last)
        said = list(list_manifest_problems(signed, digest.hexdigest(), first, walk, public_key))
        upto = int(signed["manifest"]["last"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        walk.problems.append(TrailProblem("file", walk.place, f"not a whole export of an audit trail ({error})"))
        return walk
    walk.problems = [TrailProblem("file", 0, says) for says in said] + walk.end(upto)
    return walk


def list_manifest_problems(signed: Row, digest: str, first: Row | None, walk: Walk, public_key: str) -> Iterator[str]:
    manifest = signed["manifest"]
    message = encode_canonical(manifest)
    public = public_key or str(manifest["public_key"])
    if manifest["format"] != FORMAT:
        yield f"its format is {manifest['format']!r}; this program reads {FORMAT!r}"
    if not is_signature_valid(bytes.fromhex(public), message, bytes.fromhex(str(signed["signature"]))):
        yield "the signature isn't by this public key"
    if walk.keys and not any(
        hmac.compare_digest(hmac.new(key, message, hashlib.sha256).hexdigest(), str(signed["hmac"]))
        for key in walk.keys
    ):
        yield "the manifest isn't sealed with this key"
    if manifest["sha256"] != digest:
        yield "the rows aren't those that were signed (SHA-256 differs)"
    ends = (walk.count, first["seq"] if first else 0, first["prev"] if first else "", walk.link if first else "")
    if ends != (manifest["count"], manifest["first"], manifest["prev"], manifest["mac"]):
        yield "the rows aren't those that the manifest lists"


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="verify_audit.py", description="Check an export of Tutela's audit trail.")
    parser.add_argument("export", type=Path)
    parser.add_argument("--public-key", default="", metavar="HEX", help="the portal's, from manage.py audit key")
    parser.add_argument("--key-file", type=Path, action="append", default=[], help="the secret; again for older ones")
    options = parser.parse_args(words)
    if options.public_key and not PUBLIC_KEY.fullmatch(options.public_key):
        parser.error("--public-key is no key: it has 64 hexadecimal digits, as manage.py audit key prints it")
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
    sys.stdout.write(f"{walk.count} rows, {walk.place - walk.count + 1} to {walk.place}: whole and in order.\n")
    if not options.public_key and not keys:
        sys.stdout.write("The signature was checked with the key in the file itself, which proves little: get the\n")
        sys.stdout.write("portal's public key (manage.py audit key) another way and give it as --public-key.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
