"""Redacts AWS's answers: names and ids become others of the same form, and text that isn't AWS's own is dropped. Pure.

The same name becomes the same substitute wherever it stands, alone or inside an ARN, a URL or a policy. So references
between resources still join.
"""

from __future__ import annotations

import json
import re
import threading
import uuid
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from itertools import zip_longest
from typing import Any

DROPPED = "redacted"
MAX_NAME = 512
TIME_KEY, BYTES_KEY = "$time", "$bytes"
DELIMITERS = re.compile(r"([^A-Za-z0-9_-]+)")
# Also the version of an IAM policy.
SHORT_NUMBER = re.compile(r"\d{1,2}|v\d{1,3}")
# Short numbers in a row are no counts: parts of an address, a phone number or a code.
NUMBERS_IN_A_ROW = 3
ACCOUNT_ID = re.compile(r"\d{12}")
NUMBER = re.compile(r"\d+")
UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
# EC2's ids have a prefix and 8 or 17 digits; KMS's multi-region keys have 32.
PREFIXED_ID = re.compile(r"([a-z]{1,8})-([0-9a-f]{8}|[0-9a-f]{17}|[0-9a-f]{32})")
PREFIXES = frozenset(
    {"eni", "i", "mi", "mrk", "mw", "pb", "pcx", "sg", "subnet", "vpc", "vpce", "vol", "snap", "oi", "rtb"}
)
IP_ADDRESS = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.])")
WHOLE_WORLD = frozenset({"0.0.0.0/0", "::/0"})
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?")
# AWS publishes its managed policies; their ARNs have "aws" in place of an account.
AWS_POLICY = re.compile(r"arn:aws[a-z-]*:iam::aws:policy/[A-Za-z0-9_/+=,.@-]{1,256}")
# S3 marks the name of a bucket's key as sensitive. Its substitute tells nothing, and the key must be found by it.
KEY_REFERENCE = re.compile(rf"arn:aws[a-z-]*:kms:|alias/|{UUID.pattern}$")
DAY_MILLISECONDS = 86_400_000


class Redactor:
    """Redacts values of one account. words: what may stay, in lower case: AWS's own words, which name no person."""

    def __init__(self, words: frozenset[str]) -> None:
        self._words = words
        self._given: dict[str, dict[str, str]] = defaultdict(dict)
        self._lock = threading.Lock()

    def redact(self, value: Any, shape: Any = None) -> Any:
        """The value without anything of its owner. shape: botocore's model of it; what the model lacks is left out."""
        kind = getattr(shape, "type_name", "")
        if isinstance(value, dict):
            return self._redact_structure(value, shape) if kind == "structure" else self._redact_map(value, shape)
        if isinstance(value, (list, tuple)):
            return [self.redact(item, getattr(shape, "member", None)) for item in value]
        if isinstance(value, str):
            if value in (getattr(shape, "enum", None) or ()):
                return value
            sensitive = getattr(shape, "metadata", {}).get("sensitive") and not KEY_REFERENCE.match(value)
            return DROPPED if sensitive else self.redact_text(value)
        if isinstance(value, datetime):
            return {TIME_KEY: value.date().isoformat()}
        if isinstance(value, bytes):
            return {BYTES_KEY: self._redact_table(value)}
        return self._redact_number(value) if isinstance(value, int) and not isinstance(value, bool) else value

    def redact_text(self, text: str) -> str:
        """The text with its names replaced; DROPPED for text that is neither names nor JSON."""
        if text in WHOLE_WORLD or text.lower() in self._words:
            return text
        if AWS_POLICY.fullmatch(text):
            return text
        if INSTANT.fullmatch(text):
            return f"{text[:10]}T00:00:00+00:00"
        if text[:1] in {"{", "["} and (document := parse_json(text)) is not None:
            return json.dumps(self._redact_document(document), separators=(",", ":"))
        if len(text) > MAX_NAME or any(c.isspace() or not c.isprintable() for c in text):
            return DROPPED
        # Inside of texts, too: the short numbers of an address would stay.
        between = (self._redact_name(part) for part in IP_ADDRESS.split(text))
        addresses = (self._substitute("address", found[0], make_address) for found in IP_ADDRESS.finditer(text))
        return "".join(part + address for part, address in zip_longest(between, addresses, fillvalue=""))

    def _redact_name(self, text: str) -> str:
        parts = DELIMITERS.split(text)
        in_a_row = find_numbers_in_a_row(parts)
        return "".join(
            self._redact_part_number(part) if place in in_a_row else self._redact_part(part)
            for place, part in enumerate(parts)
        )

    def _redact_document(self, value: Any) -> Any:
        """JSON that stood in a text. Nothing tells what its numbers mean, so only those of two digits stay."""
        if isinstance(value, dict):
            return {self.redact_text(key): self._redact_document(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._redact_document(item) for item in value]
        if isinstance(value, str):
            return self.redact_text(value)
        if isinstance(value, bool) or value is None or re.fullmatch(r"-?\d{1,2}(\.\d)?", str(value)):
            return value
        return int(self._redact_part_number(str(abs(value)))) if isinstance(value, int) else 0.0

    def _redact_structure(self, value: dict[str, Any], shape: Any) -> dict[str, Any]:
        return {name: self.redact(item, shape.members[name]) for name, item in value.items() if name in shape.members}

    def _redact_map(self, value: dict[str, Any], shape: Any) -> dict[str, Any]:
        of_keys, of_values = getattr(shape, "key", None), getattr(shape, "value", None)
        return {str(self.redact(str(key), of_keys)): self.redact(item, of_values) for key, item in value.items()}

    def _redact_part(self, part: str) -> str:
        """A part of a name, or what stands between two parts."""
        if not part or part.lower() in self._words or SHORT_NUMBER.fullmatch(part):
            return part
        if DELIMITERS.fullmatch(part):
            # Letters of other alphabets are no delimiters: they are a part of a name.
            return part if part.isascii() else self._substitute("name", part, make_name)
        if ACCOUNT_ID.fullmatch(part):
            return self._substitute("account", part, lambda n: f"{n:012d}")
        if NUMBER.fullmatch(part):
            return self._redact_part_number(part)
        if UUID.fullmatch(part):
            return self._substitute("uuid", part, lambda n: str(uuid.UUID(int=n)))
        found = PREFIXED_ID.fullmatch(part)
        if found and found[1] in PREFIXES:
            size = len(found[2])
            return f"{found[1]}-{self._substitute(f'id{size}', found[2], lambda n: f'{n:0{size}x}')}"
        return self._substitute("name", part, make_name)

    def _redact_part_number(self, digits: str) -> str:
        if ACCOUNT_ID.fullmatch(digits):
            return self._substitute("account", digits, lambda n: f"{n:012d}")
        return self._substitute(f"number{len(digits)}", digits, lambda n: f"{9 * 10 ** (len(digits) - 1) + n}")

    def _redact_number(self, value: int) -> int:
        if ACCOUNT_ID.fullmatch(str(value)):
            return int(self._redact_part(str(value)))
        # Milliseconds since 1970, as CloudWatch Logs tells times.
        return value - value % DAY_MILLISECONDS if 10**12 <= value < 10**13 else value

    def _redact_table(self, value: bytes) -> str:
        """IAM's credential report is a table in a blob. Any other blob is dropped."""
        try:
            rows = value.decode().splitlines()
        except UnicodeDecodeError:
            return ""
        if len({row.count(",") for row in rows}) != 1 or "," not in rows[0]:
            return ""
        return "\n".join(",".join(self.redact_text(cell) for cell in row.split(",")) for row in rows)

    def _substitute(self, kind: str, original: str, make: Callable[[int], str]) -> str:
        with self._lock:
            given = self._given[kind]
            if original not in given:
                given[original] = make(len(given) + 1)
            return given[original]


def find_numbers_in_a_row(parts: list[str]) -> set[int]:
    """Places of the short numbers among these names and delimiters of which so many follow each other."""
    found: set[int] = set()
    row: list[int] = []
    for place in range(0, len(parts) + 2, 2):
        part = parts[place] if place < len(parts) else "end"
        if part.isdecimal():
            row.append(place)
        elif part:
            found.update(row if len(row) >= NUMBERS_IN_A_ROW else ())
            row = []
    return found


def make_name(number: int) -> str:
    """A name that is valid wherever AWS takes one, bucket names included."""
    return f"name{number:04d}"


def make_address(number: int) -> str:
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def parse_json(text: str) -> dict[str, Any] | list[Any] | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, (dict, list)) else None
