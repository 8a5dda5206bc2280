"""Texts that are made to keep the detectors busy: the work grows with the length, and ends at a bound."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.aws.gaps import Gap, GapKind
from scans.collectors.lib.free_text import inspect_free_text
from scans.detectors import catalogue, commands, fields, find_sensitive_fields, find_url_credential_fields, words
from scans.detectors.catalogue import MAX_TEXT_LENGTH, detect_in_text
from scans.domain.size_limits import TooCostlyError
from tests.attack.hanging import answer_of
from tests.support.examples import examples

GAP = Gap(GapKind.MALFORMED, "ssm.DescribeParameters", "ssm:DescribeParameters", "eu-west-1", "MalformedAnswer")
SECRET = "password=hunter2x"
# Beginnings of what the detectors look for, again and again, so that each looks for an end that never comes.
UNITS = [
    "sshpass -p ", "curl -u a:", "curl ", "curl -uuu", "mysql -p", "mariadb\t", "password: ", 'pwd="', "pwd='a",
    "--token ", "-----BEGIN RSA ", "<aa ", "<aa>      ", "ConvertTo-SecureString 'a", "eyJaaaaaaaaa.eyJ", "a://", "@a.",
    "?signature=a", "AB12 AAAA ", "4111 1111 ", "+1 (2", "ssn 123-45-", "1_", "a1", "the ", "{{", " ", "\\", "A",
]  # fmt: skip
LOOK = """
import json, sys
from scans.detectors import classify_secret_name, find_sensitive_fields
for unit in json.load(sys.stdin):
    text = (unit * 100_000)[:100_000]
    find_sensitive_fields({"a password": text})
    classify_secret_name(text, text)
print("done")
"""


def test_no_repeated_beginning_takes_the_square_of_its_length() -> None:
    """What looks at all that follows for each of 100,000 characters isn't done within the guard."""
    assert answer_of(LOOK, json.dumps(UNITS)) == "done"


class Counting:
    """A pattern that adds up how many characters it is set upon."""

    def __init__(self, pattern: re.Pattern[str], seen: list[int]) -> None:
        self.pattern, self.seen = pattern, seen

    def search(self, text: str, start: int, end: int) -> re.Match[str] | None:
        found = self.pattern.search(text, start, end)
        self.seen.append((found.end() if found else end) - start)
        return found


@pytest.mark.parametrize("unit", ["sshpass -p ", "curl -u a:", "curl ", "mysql "])
def test_text_after_a_program_is_searched_once(unit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    counting = {name: Counting(pattern, seen) for name, pattern in commands.PASSWORD_ARGUMENTS.items()}
    monkeypatch.setattr(commands, "PASSWORD_ARGUMENTS", counting)
    text = unit * 1_000
    list(commands.iter_command_passwords(text))
    assert sum(seen) <= 3 * len(text)


def test_a_password_is_found_after_any_number_of_commands() -> None:
    for before in ("curl " * 500, "curl -u " * 500, "sshpass -p " * 200 + "curl "):
        assert "command_password" in detect_in_text(before + "-u admin:S3cr3tPass! https://files.example.com/app")


@given(st.lists(st.sampled_from([*words.QUALIFIERS, "db", "password", "the", "api", "key"]), max_size=8))
@settings(max_examples=examples(200))
def test_qualifiers_are_stripped_as_one_by_one(parts: list[str]) -> None:
    was = list(parts)
    while was and words.is_qualifier(was[-1]):
        was = was[:-1]
    assert words.strip_qualifiers(parts) == was


def test_a_text_beyond_the_bound_is_not_called_clean() -> None:
    with pytest.raises(TooCostlyError):
        detect_in_text("x " * MAX_TEXT_LENGTH)


def test_hits_before_the_text_limit_are_reported() -> None:
    assert detect_in_text(SECRET + " " + "x " * MAX_TEXT_LENGTH) == ["assigned_secret"]


def test_no_more_than_the_bound_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []
    first = catalogue.ALL_DETECTORS[0]
    spy = type(first)("spy", lambda text, _low: bool(looked.append(len(text))), (), ())
    with pytest.raises(TooCostlyError):
        catalogue.run_detectors([spy], "x" * 10_000_000)
    assert looked == [MAX_TEXT_LENGTH]


@pytest.mark.parametrize("look", [find_sensitive_fields, find_url_credential_fields])
@pytest.mark.parametrize(
    "given",
    [
        {"Content": ["x" * 10_000] * 100},
        {"Content": ["x"] * 60_000},
        {"Content": {f"k{n}": "y" * 100 for n in range(5_000)}},
    ],
)
def test_fields_beyond_the_bound_are_not_called_clean(look: Any, given: dict[str, Any]) -> None:
    with pytest.raises(TooCostlyError):
        look(given)


def test_hits_before_the_size_limit_are_kept() -> None:
    assert find_sensitive_fields({"a": SECRET, "b": ["x" * 10_000] * 100}) == [
        {"field": "a", "detector": "assigned_secret"}
    ]
    assert find_sensitive_fields({"a": "y" * 300_000, "b": SECRET}) == [{"field": "b", "detector": "assigned_secret"}]
    url = "https://deploy:Xk29vTq8LmZr4w@files.example.com/app"
    assert find_url_credential_fields({"a": url, "b": ["x" * 10_000] * 100}) == ["a"]


def test_hits_stop_after_the_maximum() -> None:
    found = find_sensitive_fields({"a": [SECRET] * 5_000})
    assert fields.MAX_HITS <= len(found) < fields.MAX_HITS + len(catalogue.ALL_DETECTORS)


def test_overlong_text_is_a_gap_naming_the_limit() -> None:
    facts = inspect_free_text(GAP, lambda: {"Description": "x " * MAX_TEXT_LENGTH})
    assert facts["hits"] == Gap(GapKind.TOO_COSTLY, GAP.api, GAP.action, GAP.region, f"Over{MAX_TEXT_LENGTH}Characters")
