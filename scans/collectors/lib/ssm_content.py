"""Reads the content of documents (JSON, YAML or plain text), which may be hostile. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from scans.collectors.lib import ssm_yaml
from scans.collectors.lib.strict_answers import ShapeError, reject_duplicate_keys
from scans.detectors.fields import list_members
from scans.domain.s3_places import TEMPLATE
from scans.domain.size_limits import OVER_DEPTH, Allowance, TooCostlyError, measure_values, refuse_oversized

# What PyYAML raises on hostile scalars: IndexError (!!int ''), KeyError (!!bool x), AttributeError (!!timestamp x) …
UNREADABLE = (yaml.YAMLError, ValueError, LookupError, AttributeError, TypeError, OverflowError)
# Bounds for the text and values of a document after its parameters were filled in.
FILLED_VALUES, FILLED_CHARACTERS = 200_000, 1_000_000


def parse_content(content: str, format: str | None) -> Any:
    """The document as plain values; the text itself if its format is TEXT. TooCostlyError beyond the bounds.

    A parser keeps one of two members of one name, so text could hide in the other: such a document isn't read."""
    refuse_oversized(content)
    if format == "TEXT":
        return content
    try:
        if is_json(content):
            parsed = json.loads(content, object_pairs_hook=reject_duplicate_keys)
        else:
            parsed = ssm_yaml.load_bounded_yaml(content)
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
    """(field, action, inputs) of every step, including steps inside loops and the plugins of schema 1.2.

    https://docs.aws.amazon.com/systems-manager/latest/userguide/documents-schemas-features.html"""
    # A stack instead of recursion: hostile documents may be nested deeply.
    stack: list[tuple[str, Any]] = [("", document)]
    while stack:
        path, value = stack.pop()
        if isinstance(value, Mapping):
            action, inputs = value.get("action"), value.get("inputs")
            if isinstance(action, str):
                yield f"{path}.inputs", action, inputs if isinstance(inputs, Mapping) else {}
            plugins = value.get("runtimeConfig")
            if isinstance(plugins, Mapping):
                yield from iterate_plugins(f"{path}.runtimeConfig".lstrip("."), plugins)
            stack.extend(reversed([(place, item) for place, item, _ in list_members(path, value)]))
        elif isinstance(value, list):
            stack.extend(reversed([(f"{path}[{index}]", item) for index, item in enumerate(value)]))


def iterate_plugins(path: str, plugins: Mapping[Any, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Schema 1.2: each plugin has a list of properties, or a single set of them."""
    for action, given in plugins.items():
        properties = given.get("properties") if isinstance(given, Mapping) else None
        for index, each in enumerate(properties if isinstance(properties, list) else [properties]):
            if isinstance(action, str) and isinstance(each, Mapping):
                yield f"{path}.{action}.properties[{index}]", action, each


class ParameterDefaults:
    """Replaces the parameters that a document names by their defaults, and system variables by their values.

    variables: the system variables that are known before a run, such as global:ACCOUNT_ID
    (https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-variables.html)."""

    def __init__(self, document: Any, variables: Mapping[str, Any] | None = None) -> None:
        given = document.get("parameters") if isinstance(document, Mapping) else None
        declared = given if isinstance(given, Mapping) else {}
        self.choices = {
            str(name): choices
            for name, spec in declared.items()
            if isinstance(spec, Mapping) and (choices := _list_choices(spec))
        }
        defaults = {
            str(name): _fill_variables(spec["default"], variables or {})
            for name, spec in declared.items()
            if isinstance(spec, Mapping) and spec.get("default") is not None
        }
        # Without a default, each run must choose one of the allowed values.
        first = {name: choices[0] for name, choices in self.choices.items()}
        self._values = {**(variables or {}), **first, **defaults}
        self._allowance = Allowance(FILLED_VALUES, FILLED_CHARACTERS)

    def with_values(self, values: Mapping[str, Any]) -> ParameterDefaults:
        """These defaults with other values; None for a parameter that has no value."""
        changed = ParameterDefaults(None, {name: v for name, v in {**self._values, **values}.items() if v is not None})
        changed._allowance = self._allowance  # shared: it bounds all of them together
        return changed

    def fill(self, value: Any, *, keep: bool = False) -> Any:
        """The value with its {{ parameters }} replaced. What only a run resolves becomes None, or stays as it is (keep).

        TooCostlyError if a few long defaults in many places would grow beyond the bounds."""
        self._allowance.spend()
        if isinstance(value, Mapping):
            return {key: self.fill(item, keep=keep) for key, item in value.items()}
        if isinstance(value, list):
            return [self.fill(item, keep=keep) for item in value]
        if not isinstance(value, str):
            return value
        whole = TEMPLATE.fullmatch(value.strip())
        if whole:
            default = self._values.get(whole.group(1), value if keep else None)
            self._allowance.spend(*measure_values(default))
            return default
        names = TEMPLATE.findall(value)
        known = {
            name: str(self._values[name]) for name in names if isinstance(self._values.get(name), str | int | float)
        }
        if not keep and len(known) < len(set(names)):
            return None
        self._allowance.spend(0, len(value) + sum(len(known.get(name, "")) for name in names))
        return TEMPLATE.sub(lambda found: known.get(found.group(1), found.group(0)), value)

    def text(self, value: Any) -> str | None:
        """A text, or None if it is missing or empty. Any other value is malformed."""
        filled = self.fill(value)
        if filled is None or filled == "":
            return None
        if not isinstance(filled, str):
            raise ShapeError("a text was expected")
        return None if TEMPLATE.search(filled) else filled.strip() or None

    def flag(self, value: Any) -> bool:
        """Whether it is True, or the text "true", which the console writes."""
        filled = self.fill(value)
        return filled is True or (isinstance(filled, str) and filled.strip().lower() == "true")

    def is_left_to_run(self, value: Any) -> bool:
        """Whether only a run decides what this text is: a template in it has no value before."""
        return isinstance(value, str) and bool(TEMPLATE.search(str(self.fill(value, keep=True))))


def _fill_variables(default: Any, variables: Mapping[str, Any]) -> Any:
    """A default with the system variables in it replaced; their values are short."""
    if not isinstance(default, str) or not variables:
        return default
    return TEMPLATE.sub(lambda found: str(variables.get(found.group(1), found.group(0))), default)


def _list_choices(spec: Mapping[str, Any]) -> list[Any]:
    allowed = spec.get("allowedValues")
    return [choice for choice in allowed if isinstance(choice, str)] if isinstance(allowed, list) else []
