"""Odd values from outside become storable, visibly, and the same each time."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.core.storable import (
    MAX_NESTING,
    REPLACEMENT_MARK,
    TooDeepError,
    as_storable,
    is_storable,
    make_text_storable,
)

ODD_TEXT = st.text(st.one_of(st.characters(codec=None), st.sampled_from("\x00\ud83d\ude00\udfff\ufffd")), max_size=8)
LEAVES = st.one_of(ODD_TEXT, st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats())
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(ODD_TEXT, inner), max_leaves=20)


def texts(value: Any) -> list[str]:
    match value:
        case str():
            return [value]
        case list():
            return [text for item in value for text in texts(item)]
        case dict():
            return [text for pair in value.items() for item in pair for text in texts(item)]
    return []


@given(VALUES)
def test_whatever_comes_can_be_stored(value: Any) -> None:
    found = as_storable(value)
    assert "\x00" not in "".join(texts(found))
    json.dumps(found, ensure_ascii=False, allow_nan=False).encode()
    assert is_storable(found)
    assert as_storable(found) is found


@given(VALUES)
def test_storable_value_stays_the_same_object(value: Any) -> None:
    assert (as_storable(value) is value) == is_storable(value)


@given(VALUES)
def test_conversion_is_deterministic(value: Any) -> None:
    assert repr(as_storable(value)) == repr(as_storable(value))


@given(st.dictionaries(ODD_TEXT, st.integers(0, 9), max_size=6))
def test_renamed_members_never_collide(value: dict[str, int]) -> None:
    found = as_storable(value)
    assert sorted(found.values()) == sorted(value.values())
    assert all(found[name] == number for name, number in value.items() if is_storable(name))


@pytest.mark.parametrize(
    ("odd", "kept"),
    [
        ("Ops\x00Team", f"Ops{REPLACEMENT_MARK}Team"),
        ("x\ud83d", f"x{REPLACEMENT_MARK}"),
        ("\ude00y", f"{REPLACEMENT_MARK}y"),
        ("\ud83d\ude00", "\U0001f600"),
        ("right \u202e to \U0001f600 left", "right \u202e to \U0001f600 left"),
        (json.loads("1e999"), "Infinity"),
        (json.loads("-1e999"), "-Infinity"),
        (json.loads("NaN"), "NaN"),
        (2**63 - 1, 2**63 - 1),
        (2**63, "9223372036854775808"),
        (True, True),
    ],
)
def test_each_odd_value_keeps_its_type(odd: object, kept: object) -> None:
    assert as_storable(odd) == kept
    assert type(as_storable(odd)) is type(kept)


def test_an_integer_that_python_does_not_write_is_kept_as_text() -> None:
    assert as_storable(1 << 200_000).startswith("0x1000")


def test_non_json_value_is_left_alone() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    value = {"at": at, "body": b"\x00"}
    assert as_storable(value) is value


def test_too_deep_nesting_is_refused() -> None:
    value: list[Any] = []
    for _ in range(MAX_NESTING):
        value = [value]
    with pytest.raises(TooDeepError):
        as_storable(value)
    as_storable(value[0])


def test_text_gets_replacement_marks() -> None:
    assert make_text_storable("a\x00") == f"a{REPLACEMENT_MARK}"
