"""Limits how much is read of documents that others wrote. What exceeds a limit is unknown. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from accounts.aws.gaps import Gap, GapKind

# A person who can write a document in one account chooses what the portal reads: 379 bytes of YAML aliases can expand
# until a worker has no memory left, and deep brackets exhaust the stack (docs/decisions/0020).
MAX_BYTES = 200_000  # AWS takes documents of 64 KB and policies of 32 KB
MAX_VALUES = 50_000
MAX_DEPTH = 60
MAX_CHARACTERS = 400_000  # of all values together; an alias counts each time it is used
MAX_RECORD = 1_100_000  # bytes of other JSON: CloudTrail's records have up to 1 MB, and JSON doesn't grow
OVER_VALUES = f"Over{MAX_VALUES}Values"
OVER_DEPTH = f"Over{MAX_DEPTH}Levels"
OVER_CHARACTERS = f"Over{MAX_CHARACTERS}Characters"


class TooCostlyError(Exception):
    """Reading more would exceed a limit. code: which limit, for the gap's code."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def make_too_costly_gap(gap: Gap, error: TooCostlyError) -> Gap:
    """The gap of the same read, for the limit that was exceeded."""
    return replace(gap, kind=GapKind.TOO_COSTLY, code=error.code)


def refuse_oversized(content: str, most: int = MAX_BYTES) -> None:
    """Raises TooCostlyError for a text that is too large. Call it before any parser."""
    # The number of characters is free to check; encoding happens only for texts that could still fit.
    if len(content) > most or len(content.encode("utf-8", "surrogatepass")) > most:
        raise TooCostlyError(f"Over{most}Bytes")


class Allowance:
    """How many values and characters may still be read of one document."""

    def __init__(self, values: int = MAX_VALUES, characters: int = MAX_CHARACTERS) -> None:
        self.values = values
        self.characters = characters

    def spend(self, values: int = 1, characters: int = 0) -> None:
        self.values -= values
        self.characters -= characters
        if self.values < 0:
            raise TooCostlyError(OVER_VALUES)
        if self.characters < 0:
            raise TooCostlyError(OVER_CHARACTERS)


def measure_values(value: Any) -> tuple[int, int]:
    """The number of (values, characters) in a plain value. A value that is referenced several times counts each time.

    Raises TooCostlyError for too many, too deep or too long values."""
    # An explicit stack instead of recursion: a deeply nested value must raise an error, not crash the process.
    allowance, stack = Allowance(), [(value, 0)]
    while stack:
        found, depth = stack.pop()
        if depth > MAX_DEPTH:
            raise TooCostlyError(OVER_DEPTH)
        if isinstance(found, Mapping):
            allowance.spend(1, sum(len(key) for key in found if isinstance(key, str)))
            stack.extend((inner, depth + 1) for inner in found.values())
        elif isinstance(found, list | tuple | set):
            allowance.spend()
            stack.extend((inner, depth + 1) for inner in found)
        else:
            allowance.spend(1, len(found) if isinstance(found, str | bytes) else 0)
    return MAX_VALUES - allowance.values, MAX_CHARACTERS - allowance.characters
