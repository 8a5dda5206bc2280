"""Patterns: what two of them have in common, against trying it out."""

from __future__ import annotations

import fnmatch
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scans.policies.globs import FIELD, STAR, covers, is_open_after, literal, matches, matches_action, overlaps, tokens

PATTERNS = st.text(alphabet="ab:*?", max_size=7)
TEXTS = st.text(alphabet="ab:", max_size=7)
ALL = ["".join(t) for n in range(5) for t in product("ab:#", repeat=n)]


def reference(pattern, text):
    return fnmatch.fnmatchcase(text, pattern)


@given(PATTERNS, TEXTS)
def test_matches_agrees_with_fnmatch(pattern, text):
    assert matches(pattern, text) == reference(pattern, text)


@given(PATTERNS, PATTERNS)
def test_covers_is_never_true_by_mistake(wide, narrow):
    if covers(tokens(wide), tokens(narrow)):
        assert all(reference(wide, text) for text in ALL if reference(narrow, text))


@given(PATTERNS)
def test_every_pattern_covers_itself_and_star_covers_all(pattern):
    assert covers(tokens(pattern), tokens(pattern))
    assert covers((STAR,), tokens(pattern))


@given(PATTERNS, PATTERNS)
def test_overlap_is_found_wherever_a_text_shows_it(one, two):
    if any(reference(one, text) and reference(two, text) for text in ALL):
        assert overlaps(tokens(one), tokens(two))


@given(PATTERNS, TEXTS, TEXTS)
def test_an_open_pattern_takes_a_long_enough_ending(pattern, head, tail):
    if is_open_after(tokens(pattern), literal(head)):
        assert reference(pattern, head + tail + "x" * 7)


@pytest.mark.parametrize("pattern", ["${*}", "a${?}b", "${$}{x}"])
def test_an_escaped_wildcard_is_a_character(pattern):
    plain = pattern.replace("${*}", "*").replace("${?}", "?").replace("${$}", "$")
    assert matches(pattern, plain)
    assert not matches(pattern, plain.replace("*", "x").replace("?", "x").replace("$", "x"))


def test_a_field_of_an_arn_holds_no_colon():
    head = (*literal("arn:"), FIELD, *literal(":ssm:"))
    assert is_open_after(tokens("arn:aws:ssm:*"), head)
    assert not is_open_after(tokens("arn:aws:s3:::*"), head)


def test_actions_do_not_mind_their_case():
    assert matches_action("SSM:getparameter*", "ssm:GetParametersByPath")
    assert not matches_action("ssm:GetParameter", "ssm:GetParameters")
