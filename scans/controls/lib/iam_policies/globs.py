"""Compares IAM's patterns with * and ? to each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

STAR = "**"  # any run of characters
ONE = "??"  # any one character
FIELD = "::"  # any run of characters without a colon: one field of an ARN; only in our own shapes

Tokens = tuple[str, ...]
WILDCARDS = (STAR, ONE)
MAX_CACHED_LENGTH = 512  # longest cached pattern: longer ones would fill the memory
ESCAPES = {"${*}": "*", "${?}": "?", "${$}": "$"}


def parse_glob(pattern: str) -> Tokens:
    """A pattern's symbols. ${*}, ${?} and ${$} are IAM's way to write the character itself."""
    return _cached_parse_glob(pattern) if len(pattern) <= MAX_CACHED_LENGTH else _parse_glob(pattern)


def _parse_glob(pattern: str) -> Tokens:
    found: list[str] = []
    at = 0
    while at < len(pattern):
        escape = pattern[at : at + 4]
        if escape in ESCAPES:
            found.append(ESCAPES[escape])
            at += 4
            continue
        found.append({"*": STAR, "?": ONE}.get(pattern[at], pattern[at]))
        at += 1
    return normalize_wildcards(found)


_cached_parse_glob = lru_cache(maxsize=4096)(_parse_glob)


def parse_literal(text: str) -> Tokens:
    return tuple(text)


def normalize_wildcards(symbols: Sequence[str]) -> Tokens:
    """Runs of wildcards in one form: every ? first, then at most one *. The meaning is the same."""
    out: list[str] = []
    ones, star = 0, False
    for symbol in [*symbols, ""]:
        if symbol in WILDCARDS:
            ones += symbol == ONE
            star = star or symbol == STAR
            continue
        out += [ONE] * ones + [STAR] * star
        ones, star = 0, False
        if symbol:
            out.append(symbol)
    return tuple(out)


def glob_covers(wide: Tokens, narrow: Tokens) -> bool:
    """True only if wide matches everything that narrow matches. Never true by mistake."""
    return (
        _cached_glob_covers(wide, narrow)
        if len(wide) + len(narrow) <= MAX_CACHED_LENGTH
        else _glob_covers(wide, narrow)
    )


def _glob_covers(wide: Tokens, narrow: Tokens) -> bool:
    at = index_symbols(wide)
    return _advance_covering(at, spread_positions(1, at.stars), narrow) >> len(wide) == 1


def _advance_covering(at: SymbolPositions, reached: int, narrow: Tokens) -> int:
    """The positions that stay reached, whatever text narrow stands for; 0 if there is none."""
    for symbol in narrow:
        steps = at.of.get(symbol, 0) | (0 if symbol in (STAR, FIELD) else at.ones)
        reached = spread_positions((reached & at.stars) | ((reached & steps) << 1), at.stars)
        if not reached:
            return 0
    return reached


_cached_glob_covers = lru_cache(maxsize=16384)(_glob_covers)


def glob_matches(pattern: str, text: str) -> bool:
    return glob_covers(parse_glob(pattern), parse_literal(text))


def action_matches(pattern: str, action: str) -> bool:
    """Whether the pattern matches, ignoring case: names of actions are case-insensitive."""
    wanted, asked = pattern.lower(), action.lower()
    # Policies of AWS's name thousands of actions, nearly all of another service or without a wildcard.
    start = wanted.partition("*")[0]
    if "?" not in start and "$" not in start:
        if start == wanted:
            return wanted == asked
        if not asked.startswith(start):
            return False
    return glob_matches(wanted, asked)


def is_every_action(pattern: str) -> bool:
    """Whether it matches every action of every service: *, *:* or *:?*."""
    return glob_covers(parse_glob(pattern), (ONE, STAR, ":", ONE, STAR))


def is_all_wildcards(pattern: Tokens) -> bool:
    """Whether there is nothing but wildcards."""
    return bool(pattern) and all(symbol in WILDCARDS for symbol in pattern)


def is_every_arn(pattern: str) -> bool:
    """Whether it matches every resource of at least one partition: *, arn:*, arn:aws:*."""
    fields = pattern.split(":", 2)
    partition = fields[1] if len(fields) == 3 else "*"
    return glob_covers(parse_glob(pattern), parse_glob(f"arn:{partition}:*:*:*:*"))


def glob_overlaps(pattern: Tokens, shape: Tokens) -> bool:
    """Whether some text matches both."""
    return _find_positions_after(pattern, shape) >> len(pattern) == 1


def is_open_after(pattern: Tokens, head: Tokens) -> bool:
    """Whether the pattern matches some text that starts with head, with any ending."""
    known = len(pattern) + len(head) <= MAX_CACHED_LENGTH
    return _cached_is_open_after(pattern, head) if known else _is_open_after(pattern, head)


def _is_open_after(pattern: Tokens, head: Tokens) -> bool:
    """Uncached: head must lead into the pattern's last run of wildcards, with a star still to come."""
    end = len(pattern)
    first = end
    while first and pattern[first - 1] in WILDCARDS:
        first -= 1
    last = next((at for at in range(end - 1, first - 1, -1) if pattern[at] == STAR), -1)
    return last >= 0 and bool(_find_positions_after(pattern, head) >> first & ((1 << (last - first + 1)) - 1))


def covers_after(pattern: Tokens, head: Tokens, rest: Tokens) -> bool:
    """Whether, for some text that head matches, the pattern matches every text that rest matches behind it."""
    at = index_symbols(pattern)
    return bool(_advance_covering(at, _find_positions_after(pattern, head), rest) >> len(pattern))


_cached_is_open_after = lru_cache(maxsize=8192)(_is_open_after)


def _find_positions_after(pattern: Tokens, shape: Tokens) -> int:
    """The positions in the pattern after any text that the whole shape matches, as bits."""
    at = index_symbols(pattern)
    reached = spread_positions(1, at.stars)
    for symbol in shape:
        if symbol in (STAR, FIELD):
            reached = spread_positions(reached, at.all if symbol == STAR else at.all & ~at.of.get(":", 0))
            continue
        steps = at.all if symbol == ONE else at.of.get(symbol, 0) | at.ones
        reached = spread_positions((reached & at.stars) | ((reached & steps) << 1), at.stars)
    return reached


@dataclass(frozen=True, slots=True)
class SymbolPositions:
    """The positions of a pattern's symbols as bits of integers. All reachable positions advance at once, so a pattern
    of many stars costs no more than any other: policies come from people who may want to stall the scan."""

    of: Mapping[str, int]
    stars: int
    ones: int
    all: int


def index_symbols(pattern: Tokens) -> SymbolPositions:
    return _cached_index_symbols(pattern) if len(pattern) <= MAX_CACHED_LENGTH else _index_symbols(pattern)


def _index_symbols(pattern: Tokens) -> SymbolPositions:
    size = len(pattern) // 8 + 1
    bits: dict[str, bytearray] = {}
    for at, symbol in enumerate(pattern):
        bits.setdefault(symbol, bytearray(size))[at // 8] |= 1 << at % 8
    of = {symbol: int.from_bytes(held, "little") for symbol, held in bits.items()}
    return SymbolPositions(of, of.get(STAR, 0), of.get(ONE, 0), (1 << len(pattern)) - 1)


_cached_index_symbols = lru_cache(maxsize=4096)(_index_symbols)


def spread_positions(reached: int, open: int) -> int:
    """The reached positions, and those after them as long as all positions in between are open."""
    # The carry of the addition runs through each block of open bits, so the whole spread is one operation.
    return reached | (((reached & open) + open) ^ open)
