"""Makes values from outside storable: replaces text that a database refuses and numbers that JSON lacks. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import isfinite, isnan
from typing import Any

REPLACEMENT_MARK = "\ufffd"  # Unicode's replacement character
# Deeper values run into the recursion limits of the code that writes and reads them.
MAX_NESTING = 64
MIN_INTEGER, MAX_INTEGER = -(2**63), 2**63 - 1
NUMBER_TYPES = frozenset({int, float})
DECIMAL_BITS = 12_000  # Python refuses to write integers of more than 4,300 digits in decimal
# PostgreSQL stores no NUL, and no database stores half of a surrogate pair.
UNSTORABLE_CHARACTERS = re.compile("[\x00\ud800-\udfff]")


# What moves a terminal's cursor or changes its colours, besides line breaks and tabs.
CONTROL_CHARACTERS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
# These, and what begins a new line or cell.
BREAKING_CHARACTERS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class TooDeepError(ValueError):
    """A value is nested deeper than anything that AWS documents."""


def as_storable(value: Any) -> Any:
    """The value as every database stores it; the same object if nothing had to be replaced. Raises TooDeepError.

    Values that aren't JSON (bytes, times) stay as they are."""
    return make_value_storable(value, 0)


def is_storable(value: Any) -> bool:
    """True if nothing in the value has to be replaced. The depth is not checked."""
    # A loop over a stack, without copies: nearly all evidence needs no change, and this runs over each piece of it.
    stack = [value]
    while stack:
        found = stack.pop()
        kind = type(found)
        if kind is str:
            if "\x00" in found or (not found.isascii() and UNSTORABLE_CHARACTERS.search(found)):
                return False
        elif kind is dict:
            stack.extend(found)
            stack.extend(found.values())
        elif kind is list:
            stack.extend(found)
        elif kind in NUMBER_TYPES and make_value_storable(found, 0) is not found:
            return False
    return True


def make_text_storable(value: str) -> str:
    """The text with a mark for each NUL and each half of a surrogate pair; whole pairs are joined."""
    if not UNSTORABLE_CHARACTERS.search(value):
        return value
    joined = value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return joined.replace("\x00", REPLACEMENT_MARK)


def make_text_printable(value: str) -> str:
    """The text with a mark for each control character but line breaks and tabs, so that no name steers a terminal."""
    return CONTROL_CHARACTERS.sub(REPLACEMENT_MARK, value)


def make_single_line(value: str) -> str:
    """The text with a mark for each control character and line break: a name stays within its line, cell and subject."""
    return BREAKING_CHARACTERS.sub(REPLACEMENT_MARK, value)


def make_value_storable(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return value if value.isascii() and "\x00" not in value else make_text_storable(value)
    if isinstance(value, dict):
        return make_mapping_storable(value, depth + 1)
    if isinstance(value, list | tuple):
        return make_list_storable(value, depth + 1)
    if isinstance(value, float):
        return value if isfinite(value) else name_special_float(value)
    if isinstance(value, int) and not MIN_INTEGER <= value <= MAX_INTEGER:
        return str(value) if value.bit_length() < DECIMAL_BITS else hex(value)
    return value


def make_list_storable(value: list[Any] | tuple[Any, ...], depth: int) -> Any:
    require_depth(depth)
    found = [make_value_storable(item, depth) for item in value]
    return found if any(new is not old for new, old in zip(found, value, strict=True)) else value


def make_mapping_storable(value: Mapping[Any, Any], depth: int) -> Any:
    require_depth(depth)
    pairs = [(name, make_value_storable(name, depth), make_value_storable(item, depth)) for name, item in value.items()]
    if all(key is name and new is value[name] for name, key, new in pairs):
        return value
    found: dict[Any, Any] = {}
    for name, key, item in pairs:
        # Two names that become equal by the replacement stay two: a member that got lost could be the one that matters.
        while key is not name and (key in found or key in value):
            key = f"{key}{REPLACEMENT_MARK}"  # noqa: PLW2901
        found[key] = item
    return found


def require_depth(depth: int) -> None:
    if depth > MAX_NESTING:
        raise TooDeepError(f"nested more than {MAX_NESTING} levels deep")


def name_special_float(value: float) -> str:
    if isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"
