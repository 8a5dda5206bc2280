"""Patterns with * and ?, as IAM reads them, and what two of them have in common."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

STAR = "**"  # any run of characters
ONE = "??"  # any one character
FIELD = "::"  # any run of characters without a colon: one field of an ARN; only in our own shapes

Tokens = tuple[str, ...]
WILD = (STAR, ONE)
ESCAPES = {"${*}": "*", "${?}": "?", "${$}": "$"}


@lru_cache(maxsize=4096)
def tokens(pattern: str) -> Tokens:
    """A pattern's symbols. ${*}, ${?} and ${$} are IAM's way to write the character itself."""
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
    return normal(found)


def literal(text: str) -> Tokens:
    return tuple(text)


def normal(symbols: Sequence[str]) -> Tokens:
    """Runs of wildcards in one form: every ? first, then at most one *. The meaning is the same."""
    out: list[str] = []
    ones, star = 0, False
    for symbol in [*symbols, ""]:
        if symbol in WILD:
            ones += symbol == ONE
            star = star or symbol == STAR
            continue
        out += [ONE] * ones + [STAR] * star
        ones, star = 0, False
        if symbol:
            out.append(symbol)
    return tuple(out)


@lru_cache(maxsize=16384)
def covers(wide: Tokens, narrow: Tokens) -> bool:
    """True only if everything that narrow matches, wide matches too. Never true by mistake."""
    reached = _skip_stars(wide, {0})
    for symbol in narrow:
        following: set[int] = set()
        for at in reached:
            if at == len(wide):
                continue
            if wide[at] == STAR:
                following.add(at)
            elif wide[at] == symbol or (wide[at] == ONE and symbol not in (STAR, FIELD)):
                following.add(at + 1)
        reached = _skip_stars(wide, following)
    return len(wide) in reached


def _skip_stars(pattern: Tokens, at: set[int]) -> set[int]:
    reached = set(at)
    for position in sorted(at):
        while position < len(pattern) and pattern[position] == STAR:
            position += 1  # noqa: PLW2901
            reached.add(position)
    return reached


def matches(pattern: str, text: str) -> bool:
    return covers(tokens(pattern), literal(text))


@lru_cache(maxsize=16384)
def matches_action(pattern: str, action: str) -> bool:
    """Names of actions don't mind their case."""
    return matches(pattern.lower(), action.lower())


def overlaps(pattern: Tokens, shape: Tokens) -> bool:
    """Is there a text that both match?"""
    return len(pattern) in _after(pattern, shape)


@lru_cache(maxsize=8192)
def is_open_after(pattern: Tokens, head: Tokens) -> bool:
    """Is there a text that begins as head says, after which the pattern takes anything?"""
    return any(_takes_anything(pattern[at:]) for at in _after(pattern, head))


def _takes_anything(rest: Tokens) -> bool:
    return STAR in rest and all(symbol in WILD for symbol in rest)


def _after(pattern: Tokens, shape: Tokens) -> set[int]:
    """Where in the pattern one may stand after a text that the whole shape matches."""
    seen: set[tuple[int, int]] = set()
    todo = [(0, 0)]
    while todo:
        state = todo.pop()
        if state not in seen:
            seen.add(state)
            todo += _steps(pattern, shape, *state)
    return {i for i, j in seen if j == len(shape)}


def _steps(pattern: Tokens, shape: Tokens, i: int, j: int) -> list[tuple[int, int]]:
    one = pattern[i] if i < len(pattern) else ""
    two = shape[j] if j < len(shape) else ""
    steps = []
    if one == STAR:
        steps.append((i + 1, j))
    if two in (STAR, FIELD):
        steps.append((i, j + 1))
    if one and two and _share_a_character(one, two):
        steps.append((i if one == STAR else i + 1, j if two in (STAR, FIELD) else j + 1))
    return steps


def _share_a_character(one: str, two: str) -> bool:
    if one in WILD or two in WILD:
        return True
    if FIELD in (one, two):
        return ":" not in (one, two)
    return one == two
