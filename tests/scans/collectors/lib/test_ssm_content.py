"""A document is read only if a parser keeps all of it."""

from __future__ import annotations

from typing import Any

import pytest

from scans.collectors.lib.ssm_content import parse_content
from scans.collectors.lib.strict_answers import ShapeError

TWICE = [
    '{"mainSteps": [{"url": "https://a:b@c.example"}], "mainSteps": []}',
    '{"a": [{"b": 1, "b": 2}]}',
    "mainSteps: [{url: 'https://a:b@c.example'}]\nmainSteps: []\n",
    "a: {b: 1, 'b': 2}\n",
    "- {a: 1}\n- {b: [1], b: {c: 2}}\n",
]


@pytest.mark.parametrize("content", TWICE)
def test_two_members_of_one_name_hide_nothing(content: str) -> None:
    with pytest.raises(ShapeError):
        parse_content(content, None)


@pytest.mark.parametrize("value", ["!!set {x, y}", "!!binary aGk=", "!!omap [a: 1]", "!!pairs [a: 1]"])
def test_value_without_a_form_in_json_is_not_read(value: str) -> None:
    with pytest.raises(ShapeError):
        parse_content(f"a: {value}\n", "YAML")


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("a: {b: 1}\nc: {b: 2}\nb: 3\n", {"a": {"b": 1}, "c": {"b": 2}, "b": 3}),
        ("a: b\nb: a\nc: [a, a, b]\n", {"a": "b", "b": "a", "c": ["a", "a", "b"]}),
        ("x: &x {a: 1}\ny: {<<: *x, a: 2}\nz: {<<: *x, <<: *x}\n", {"x": {"a": 1}, "y": {"a": 2}, "z": {"a": 1}}),
        ("a: &n name\nb: *n\n*n : c\n", {"a": "name", "b": "name", "name": "c"}),
    ],
)
def test_same_text_elsewhere_is_no_second_member(content: str, found: Any) -> None:
    assert parse_content(content, "YAML") == found
