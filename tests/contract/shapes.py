"""Answers made from the shapes of botocore's models, and dicts that note which of their members are asked for."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

from scans.detectors.fields import NAME_KEYS
from tests.contract import plausible

DEEPEST = 9  # levels; some shapes contain themselves
Text = Callable[[Shape, str, str, random.Random], str]


@dataclass(frozen=True)
class Mode:
    """How full answers are. share: of the optional members that are there."""

    share: float
    hollow: bool = False  # lists, maps and texts are empty
    strange: bool = False  # members that the model doesn't have
    future: bool = False  # enumerations have values that the model doesn't have
    wrong: float = 0  # share of the values that are of another type
    odd_numbers: bool = False  # numbers and times that parse, and that no database stores


MODES = {
    "nothing": Mode(0),
    "empty": Mode(1, hollow=True),
    "full": Mode(1),
    "most": Mode(0.6),
    "few": Mode(0.25),
    "strange": Mode(1, strange=True),
    "future": Mode(1, future=True),
    "wrong": Mode(1, wrong=0.05),
}


OF_OTHER_TYPES: tuple[Any, ...] = (None, "", "text", 7, -1.5, True, [], {}, [None], [7], ["text"], {"a": 1}, [[]], [{}])
HUGE = (2**63, -(2**63) - 1, 10**5000)
ODD_NUMBERS: dict[str, tuple[Any, ...]] = {
    "integer": HUGE,
    "long": HUGE,
    "float": (math.inf, -math.inf, math.nan, 1e308),
    "double": (math.inf, -math.inf, math.nan, 1e308),
    "timestamp": ("not a time", "1e999"),  # what accounts.aws.session makes of times beyond the calendar
}
NEW_VALUE = "SOMETHING_NEW"
STRANGER = "BrandNewMember"
# Free text is looked through whole, and items that name a value are told by such members in any structure.
NAMES_OF_VALUES = {"ResponseMetadata", STRANGER, *NAME_KEYS}


class Watched(dict[str, Any]):
    """A structure of an answer. Members that are asked for and that its shape lacks are noted in `wrong`."""

    __slots__ = ("_members", "_name", "_wrong")

    def __init__(self, held: Mapping[str, Any], shape: StructureShape, name: str, wrong: set[str]) -> None:
        super().__init__(held)
        self._members, self._name, self._wrong = frozenset({*shape.members, *NAMES_OF_VALUES}), name, wrong

    def _note(self, key: object) -> None:
        if key not in self._members:
            self._wrong.add(f"{self._name} has no member {key}")

    def __getitem__(self, key: str) -> Any:
        self._note(key)
        return super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        self._note(key)
        return super().__contains__(key)

    def get(self, key: str, default: Any = None) -> Any:
        self._note(key)
        return super().get(key, default)


@dataclass
class Maker:
    """Makes each call's answer. The same seed, call, parameters and region give the same answer in any order of calls."""

    seed: object
    mode: Mode
    text: Text = plausible.choose_text
    watching: bool = True
    wrong: set[str] = field(default_factory=set)

    def answer(self, model: OperationModel, params: Mapping[str, Any], region: str) -> dict[str, Any]:
        api = f"{model.service_model.service_name}.{model.name}"
        asked = json.dumps(params, sort_keys=True, default=str)
        rng = random.Random(f"{self.seed} {self.mode} {api} {region} {asked}")
        shape = model.output_shape
        return {} if shape is None else self.structure(shape, api, rng, asked_again(params), 0)

    def structure(self, shape: StructureShape, api: str, rng: random.Random, last: bool, depth: int) -> dict[str, Any]:
        held = {
            name: self.value(member, shape.name, name, api, rng, last, depth)
            for name, member in shape.members.items()
            if depth < DEEPEST and (name in shape.required_members or rng.random() < self.mode.share)
        }
        if self.mode.strange:
            held[STRANGER] = {"A": [1, {"b": None}]}
        return Watched(held, shape, f"{api}: {shape.name}", self.wrong) if self.watching else held

    def value(self, shape: Shape, owner: str, member: str, api: str, rng: random.Random, last: bool, depth: int) -> Any:
        if self.mode.wrong and rng.random() < self.mode.wrong:
            return rng.choice(OF_OTHER_TYPES)
        if isinstance(shape, StructureShape):
            return self.structure(shape, api, rng, last, depth + 1)
        if isinstance(shape, ListShape):
            return [
                self.value(shape.member, owner, member, api, rng, last, depth + 1)
                for _ in range(self.count(shape, rng) if depth < DEEPEST else 0)
            ]
        if isinstance(shape, MapShape):
            return {
                self.scalar(shape.key, owner, member, rng, last): self.value(
                    shape.value, owner, member, api, rng, last, depth + 1
                )
                for _ in range(self.count(shape, rng) if depth < DEEPEST else 0)
            }
        return self.scalar(shape, owner, member, rng, last)

    def count(self, shape: Shape, rng: random.Random) -> int:
        if self.mode.hollow:
            return 0
        return max(shape.metadata.get("min", 0), 2 if self.mode.share == 1 else rng.choice([0, 1, 1, 2]))

    def scalar(self, shape: Shape, owner: str, member: str, rng: random.Random, last: bool) -> Any:
        kind = shape.type_name
        if self.mode.odd_numbers and kind in ODD_NUMBERS and rng.random() < 0.3:
            return rng.choice(ODD_NUMBERS[kind])
        if kind == "boolean":
            return rng.random() < 0.5
        if kind in {"integer", "long"}:
            return max(shape.metadata.get("min", 0), rng.choice([0, 1, 3, 443]))
        if kind in {"float", "double"}:
            return 1.5
        if kind == "timestamp":
            return datetime(2026, 1, 1, tzinfo=UTC)
        if kind == "blob":
            return rng.choice(plausible.BLOBS)
        if member.lower() in plausible.TOKENS:
            return "" if last or self.mode.hollow else rng.choice(["", "more"])
        if member in plausible.SETTLED:
            return plausible.SETTLED[member]
        if choices := getattr(shape, "enum", None):
            return self.choice(choices, member, rng)
        return "" if self.mode.hollow else self.text(shape, owner, member, rng)

    def choice(self, choices: list[str], member: str, rng: random.Random) -> str:
        if self.mode.future and rng.random() < 0.5:
            return NEW_VALUE
        likely = plausible.LIKELY.get(member)
        return likely if likely in choices and rng.random() < 0.7 else rng.choice(choices)


def asked_again(params: Mapping[str, Any]) -> bool:
    """Whether this asks for a page after the first, which then is the last."""
    return any(name.lower() in plausible.TOKENS for name in params)


def list_breaches(shape: Shape | None, value: Any, path: str) -> Iterator[str]:
    """Where parameters don't keep to the lengths, sizes, patterns and enumerations of the model."""
    if shape is None:
        return
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    size = value if shape.type_name in {"integer", "long"} else len(value) if hasattr(value, "__len__") else None
    if size is not None and ((most is not None and size > most) or (least is not None and size < least)):
        yield f"{path} is {size}, and the model allows {least} to {most}"
    choices = getattr(shape, "enum", None)
    if choices and value not in (*choices, NEW_VALUE):  # AWS may be asked about its own new value
        yield f"{path}={value} is no value of {shape.name}"
    if isinstance(value, str) and (pattern := shape.metadata.get("pattern")) and not plausible.matches(pattern, value):
        yield f"{path}={value} doesn't match {pattern}"
    if isinstance(shape, StructureShape):
        for name, inner in value.items():
            yield from list_breaches(shape.members.get(name), inner, f"{path}.{name}")
    elif isinstance(shape, ListShape):
        for inner in value:
            yield from list_breaches(shape.member, inner, path)
