"""Patterns: what two of them have in common, against trying it out."""

from __future__ import annotations

import fnmatch
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scans.controls.lib.iam_policies.globs import (
    FIELD,
    ONE,
    STAR,
    action_matches,
    glob_covers,
    glob_matches,
    glob_overlaps,
    is_open_after,
    parse_glob,
    parse_literal,
)

PATTERNS = st.text(alphabet="ab:*?", max_size=7)
TEXTS = st.text(alphabet="ab:", max_size=7)
ALL = ["".join(t) for n in range(5) for t in product("ab:#", repeat=n)]


def reference(pattern, text):
    return fnmatch.fnmatchcase(text, pattern)


@given(PATTERNS, TEXTS)
def test_matches_agrees_with_fnmatch(pattern, text):
    assert glob_matches(pattern, text) == reference(pattern, text)


@given(PATTERNS, PATTERNS)
def test_covers_is_never_true_by_mistake(wide, narrow):
    if glob_covers(parse_glob(wide), parse_glob(narrow)):
        assert all(reference(wide, text) for text in ALL if reference(narrow, text))


@given(PATTERNS)
def test_every_pattern_covers_itself_and_star_covers_all(pattern):
    assert glob_covers(parse_glob(pattern), parse_glob(pattern))
    assert glob_covers((STAR,), parse_glob(pattern))


@given(PATTERNS, PATTERNS)
def test_overlap_is_found_wherever_a_text_shows_it(one, two):
    if any(reference(one, text) and reference(two, text) for text in ALL):
        assert glob_overlaps(parse_glob(one), parse_glob(two))


@given(PATTERNS, TEXTS, TEXTS)
def test_an_open_pattern_takes_a_long_enough_ending(pattern, head, tail):
    if is_open_after(parse_glob(pattern), parse_literal(head)):
        assert reference(pattern, head + tail + "x" * 7)


@pytest.mark.parametrize("pattern", ["${*}", "a${?}b", "${$}{x}"])
def test_an_escaped_wildcard_is_a_character(pattern):
    plain = pattern.replace("${*}", "*").replace("${?}", "?").replace("${$}", "$")
    assert glob_matches(pattern, plain)
    assert not glob_matches(pattern, plain.replace("*", "x").replace("?", "x").replace("$", "x"))


def test_a_field_of_an_arn_holds_no_colon():
    head = (*parse_literal("arn:"), FIELD, *parse_literal(":ssm:"))
    assert is_open_after(parse_glob("arn:aws:ssm:*"), head)
    assert not is_open_after(parse_glob("arn:aws:s3:::*"), head)


def test_actions_do_not_mind_their_case():
    assert action_matches("SSM:getparameter*", "ssm:GetParametersByPath")
    assert not action_matches("ssm:GetParameter", "ssm:GetParameters")


SHAPES = st.lists(st.sampled_from(["a", "b", ":", STAR, ONE, FIELD]), max_size=7).map(tuple)


def step_by_step(pattern, shape):
    """Places of the pattern after a text that the whole shape matches, one pair of places after the other."""
    seen, todo = set(), [(0, 0)]
    while todo:
        at = todo.pop()
        if at in seen:
            continue
        seen.add(at)
        i, j = at
        one, two = (pattern[i : i + 1] or ("",))[0], (shape[j : j + 1] or ("",))[0]
        if one == STAR:
            todo.append((i + 1, j))
        if two in (STAR, FIELD):
            todo.append((i, j + 1))
        both_wild = one in (STAR, ONE) or two in (STAR, ONE)
        if one and two and (both_wild or (two == FIELD and one != ":") or one == two):
            todo.append((i if one == STAR else i + 1, j if two in (STAR, FIELD) else j + 1))
    return {i for i, j in seen if j == len(shape)}


def covers_step_by_step(wide, narrow):
    if not wide:
        return not narrow
    if wide[0] == STAR:
        return covers_step_by_step(wide[1:], narrow) or (bool(narrow) and covers_step_by_step(wide, narrow[1:]))
    fits = bool(narrow) and (wide[0] == narrow[0] or (wide[0] == ONE and narrow[0] not in (STAR, FIELD)))
    return fits and covers_step_by_step(wide[1:], narrow[1:])


@given(PATTERNS, SHAPES)
def test_fast_matching_equals_stepwise_matching(pattern, shape):
    symbols = parse_glob(pattern)
    after = step_by_step(symbols, shape)
    rests = [symbols[at:] for at in after]
    assert glob_covers(symbols, shape) == covers_step_by_step(symbols, shape)
    assert glob_overlaps(symbols, shape) == (len(symbols) in after)
    assert is_open_after(symbols, shape) == any(STAR in rest and set(rest) <= {STAR, ONE} for rest in rests)
