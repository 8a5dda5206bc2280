"""Reads the content of documents (JSON, YAML or plain text), which may be hostile. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from scans.collectors.lib import ssm_yaml
from scans.collectors.lib.strict_answers import ShapeError
from scans.detectors.fields import list_members
from scans.domain.size_limits import OVER_DEPTH, Allowance, TooCostlyError, measure_values, refuse_oversized

TEMPLATE = re.compile(r"\{\{\s*([\w.:-]+)\s*\}\}")
# What PyYAML raises on hostile scalars: IndexError (!!int ''), KeyError (!!bool x), AttributeError (!!timestamp x) …
UNREADABLE = (yaml.YAMLError, ValueError, LookupError, AttributeError, TypeError, OverflowError)
# Bounds for the text and values of a document after its parameters were filled in.
FILLED_VALUES, FILLED_CHARACTERS = 200_000, 1_000_000


def parse_content(content: str, format: str | None) -> Any:
    """The document as plain values; the text itself if its format is TEXT. TooCostlyError beyond the bounds."""
    refuse_oversized(content)
    if format == "TEXT":
        return content
    try:
        parsed = json.loads(content) if is_json(content) else ssm_yaml.load_bounded_yaml(content)
    except RecursionError:
        raise TooCostlyError(OVER_DEPTH) from None
    except UNREADABLE:
        raise ShapeError("Content") from None  # from None: the error may quote the text
    measure_values(parsed)
    return parsed


def is_json(content: str) -> bool:
    return content.lstrip()[:1] in {"{", "["}


def extract_comments(content: str, format: str | None) -> str:
    """The comments, which a YAML parser drops but a reader sees."""
    if format == "TEXT" or is_json(content):
        return ""
    return "\n".join(line.split("#", 1)[1] for line in content.splitlines() if "#" in line)


def iterate_steps(document: Any) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """(field, action, inputs) of every step, including steps inside loops."""
    # A stack instead of recursion: hostile documents may be nested deeply.
    stack: list[tuple[str, Any]] = [("", document)]
    while stack:
        path, value = stack.pop()
        if isinstance(value, Mapping):
            action, inputs = value.get("action"), value.get("inputs")
            if isinstance(action, str):
                yield f"{path}.inputs", action, inputs if isinstance(inputs, Mapping) else {}
            stack.extend(reversed([(place, item) for place, item, _ in list_members(path, value)]))
        elif isinstance(value, list):
            stack.extend(reversed([(f"{path}[{index}]", item) for index, item in enumerate(value)]))


class ParameterDefaults:
    """Replaces the parameters that a document names by their defaults."""

    def __init__(self, document: Any) -> None:
        given = document.get("parameters") if isinstance(document, Mapping) else None
        declared = given if isinstance(given, Mapping) else {}
        self._values = {
            str(name): spec["default"]
            for name, spec in declared.items()
            if isinstance(spec, Mapping) and spec.get("default") is not None
        }
        self._allowance = Allowance(FILLED_VALUES, FILLED_CHARACTERS)

    def fill(self, value: Any) -> Any:
        """The value with its {{ parameters }} replaced; None if one has no default, so that each run must give it.

        TooCostlyError if a few long defaults in many places would grow beyond the bounds."""
        self._allowance.spend()
        if isinstance(value, Mapping):
            return {key: self.fill(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.fill(item) for item in value]
        if not isinstance(value, str):
            return value
        whole = TEMPLATE.fullmatch(value.strip())
        if whole:
            default = self._values.get(whole.group(1))
            self._allowance.spend(*measure_values(default))
            return default
        names = TEMPLATE.findall(value)
        if any(not isinstance(self._values.get(name), str | int | float) for name in names):
            return None
        texts = {name: str(self._values[name]) for name in set(names)}
        self._allowance.spend(0, len(value) + sum(len(texts[name]) for name in names))
        return TEMPLATE.sub(lambda found: texts[found.group(1)], value)

    def text(self, value: Any) -> str | None:
        """A text, or None if it is missing or empty. Any other value is malformed."""
        filled = self.fill(value)
        if filled is None or filled == "":
            return None
        if not isinstance(filled, str):
            raise ShapeError("a text was expected")
        return filled.strip() or None

    def flag(self, value: Any) -> bool:
        """Whether it is True, or the text "true", which the console writes."""
        filled = self.fill(value)
        return filled is True or (isinstance(filled, str) and filled.strip().lower() == "true")
