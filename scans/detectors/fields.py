"""Runs the detectors over nested values and names the fields with hits. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from scans.detectors.assignments import is_secret_value
from scans.detectors.catalogue import MAX_TEXT_LENGTH, detect_in_text
from scans.detectors.urls import find_url_credentials
from scans.detectors.words import classify_secret_words, split_words
from scans.domain.size_limits import MAX_CHARACTERS, MAX_VALUES, OVER_CHARACTERS, OVER_VALUES, TooCostlyError

# A key that may appear in a field's path: short, and too plain to be a secret.
PLAIN_KEY = re.compile(r"[\w./-]{1,64}")
SHORT_KEY_LENGTH = 15
# Keys that only mean "the value": its name is one level up, or beside it.
VALUE_KEYS = frozenset({"default", "value", "values", "parametervalue", "stringvalue"})
NAME_KEYS = ("key", "Key", "name", "Name", "ParameterKey")
MAX_HITS = 200  # enough to act on; each has the path of its field


@dataclass(frozen=True, slots=True)
class Leaf:
    """One text, its field, and the name whose value it is ("" if none)."""

    field: str
    text: str
    name: str


def find_sensitive_fields(fields: Mapping[str, Any], characters: int = MAX_CHARACTERS) -> list[dict[str, str]]:
    """[{field, detector}] for what looks secret or personal. The text itself is never kept.

    Raises TooCostlyError if nothing was found within the bounds and there is more text."""
    found: dict[tuple[str, str], None] = {}
    looked = FieldBudget(characters)
    for leaf in looked.iter_within_budget(fields):
        try:
            names = detect_in_text(leaf.text)
        except TooCostlyError as error:
            looked.skip(error)
            continue
        for detector in names:
            found[leaf.field, detector] = None
        if leaf.name and _is_named_secret(leaf):
            found[leaf.field, "assigned_secret"] = None
        if len(found) >= MAX_HITS:
            break
    looked.refuse_unless(found)
    return [{"field": field, "detector": detector} for field, detector in found]


def find_url_credential_fields(fields: Mapping[str, Any], characters: int = MAX_CHARACTERS) -> list[str]:
    """The fields in which a URL carries a name and a password. TooCostlyError as in
    find_sensitive_fields."""
    found: dict[str, None] = {}
    looked = FieldBudget(characters)
    for leaf in looked.iter_within_budget(fields):
        if "://" in leaf.text and find_url_credentials(leaf.text):
            found[leaf.field] = None
        if len(found) >= MAX_HITS:
            break
    looked.refuse_unless(found)
    return list(found)


class FieldBudget:
    """Counts how much of the fields was inspected, and keeps the bound that stopped it."""

    def __init__(self, characters: int) -> None:
        self.characters = characters
        self.values = MAX_VALUES
        self.missed: TooCostlyError | None = None

    def iter_within_budget(self, fields: Mapping[str, Any]) -> Iterator[Leaf]:
        for leaf in iter_leaves(fields):
            self.values -= 1
            self.characters -= min(len(leaf.text), MAX_TEXT_LENGTH)
            if self.values < 0 or self.characters < 0:
                self.skip(TooCostlyError(OVER_VALUES if self.values < 0 else OVER_CHARACTERS))
                return
            yield leaf

    def skip(self, error: TooCostlyError) -> None:
        self.missed = self.missed or error

    def refuse_unless(self, found: Any) -> None:
        """Raise the bound's error unless something was found: a hit is certain, but a clean rest is not."""
        if self.missed is not None and not found:
            raise self.missed


def iter_leaves(fields: Mapping[str, Any]) -> Iterator[Leaf]:
    """Every text inside, in order. Not recursive: documents may be nested deeply."""
    stack: list[tuple[str, Any, str]] = [("", fields, "")]
    while stack:
        path, value, name = stack.pop()
        if isinstance(value, Mapping):
            stack.extend(reversed(list_members(path, value, name)))
        elif isinstance(value, list | tuple | set | frozenset):
            stack.extend(reversed([(f"{path}[{index}]", item, name) for index, item in enumerate(value)]))
        else:
            text = format_leaf_text(value)
            if text:
                yield Leaf(path, text, name)


def format_leaf_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    return "" if value is None or isinstance(value, bool) else str(value)


def list_members(path: str, mapping: Mapping[Any, Any], name: str = "") -> list[tuple[str, Any, str]]:
    """(path, value, name) of each member. A key that may itself be a secret is not put into the path."""
    beside = next((str(mapping[key]) for key in NAME_KEYS if isinstance(mapping.get(key), str)), name)
    found: list[tuple[str, Any, str]] = []
    for index, (raw, value) in enumerate(mapping.items()):
        key = format_leaf_text(raw)
        place = f"{path}.{key}" if path else key
        if not _may_be_shown(key):
            place = f"{path}[{index}]"
            found.append((f"{place}.key", key, ""))
        found.append((place, value, beside if key.lower() in VALUE_KEYS else key))
    return found


def _may_be_shown(key: str) -> bool:
    if len(key) < SHORT_KEY_LENGTH and key.isidentifier():  # nearly every key; avoids the pattern
        return True
    return PLAIN_KEY.fullmatch(key) is not None and (len(key) < SHORT_KEY_LENGTH or not detect_in_text(key))


def _is_named_secret(leaf: Leaf) -> bool:
    kind = classify_secret_words(split_words(leaf.name)) if len(leaf.name) <= 128 else None
    return kind is not None and is_secret_value(leaf.text, kind)
