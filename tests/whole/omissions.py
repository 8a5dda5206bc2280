"""Changes of AWS's answers, one member at a time, and what must not come of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from scans.domain.control import Verdict
from scans.domain.engine import JudgedOutcome
from scans.domain.evidence import GLOBAL

Path = tuple[str, ...]  # names of members; those inside lists and maps count for each item
LEFT_OUT = object()
OF_ANOTHER_TYPE: dict[type, Any] = {str: 7, bool: "yes", int: "7", list: "text", dict: [None]}


def leave_out(_: Any) -> Any:
    return LEFT_OUT


def make_null(_: Any) -> Any:
    return None


def empty_text(value: Any) -> Any:
    return "" if isinstance(value, str) else value


def another_type(value: Any) -> Any:
    return OF_ANOTHER_TYPE.get(type(value), [value])


Change = Callable[[Any], Any]
EVERYWHERE: dict[str, Change] = {
    "left out": leave_out,
    "null": make_null,
    "an empty text": empty_text,
    "of another type": another_type,
}
# In the first item of each list that has it: one odd item must not hide what the others say, or the other way around.
IN_THE_FIRST: dict[str, Change] = {f"{name} in one item": change for name, change in EVERYWHERE.items()}


def optional(shape: Shape | None, value: Any, path: Path = ()) -> Iterator[Path]:
    """The members that stand in an answer and needn't, as the model says."""
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        for name, inner in shape.members.items():
            if name in value:
                if name not in shape.required_members:
                    yield (*path, name)
                yield from optional(inner, value[name], (*path, name))
    elif isinstance(shape, ListShape) and isinstance(value, list):
        for item in value:
            yield from optional(shape.member, item, path)
    elif isinstance(shape, MapShape) and isinstance(value, dict):
        for item in value.values():
            yield from optional(shape.value, item, (*path, "*"))


def changed(value: Any, path: Path, variant: str) -> Any:
    """The answer in which one member is changed in this way."""
    if variant in IN_THE_FIRST:
        return in_the_first(value, path, IN_THE_FIRST[variant])[0]
    return everywhere(value, path, EVERYWHERE[variant])


def everywhere(value: Any, path: Path, change: Change) -> Any:
    if isinstance(value, list):
        return [everywhere(item, path, change) for item in value]
    if not isinstance(value, dict):
        return value
    name, rest = path[0], path[1:]
    if rest:
        return {key: everywhere(item, rest, change) if name in (key, "*") else item for key, item in value.items()}
    pairs = ((key, change(item) if key == name else item) for key, item in value.items())
    return {key: item for key, item in pairs if item is not LEFT_OUT}


def in_the_first(value: Any, path: Path, change: Change) -> tuple[Any, bool]:
    """The same for the first item alone, and whether there was one."""
    if isinstance(value, list):
        for number, item in enumerate(value):
            new, done = in_the_first(item, path, change)
            if done:
                return [*value[:number], new, *value[number + 1 :]], True
        return value, False
    if not isinstance(value, dict):
        return value, False
    if len(path) == 1:
        return everywhere(value, path, change), path[0] in value
    for key, item in value.items():
        if path[0] in (key, "*"):
            new, done = in_the_first(item, path[1:], change)
            if done:
                return {**value, key: new}, True
    return value, False


def hidden(before: list[JudgedOutcome], after: list[JudgedOutcome]) -> Iterator[str]:
    """The fails that are gone or pass, where nothing more of their control is said to be unknown there."""
    now = {item.identity: item.outcome.verdict for item in after}
    known = {(item.identity, item.outcome.gaps) for item in before}
    unknown = {
        (item.control.id, item.region)
        for item in after
        if item.outcome.verdict is Verdict.UNKNOWN and (item.identity, item.outcome.gaps) not in known
    }
    for item in before:
        if item.outcome.verdict is not Verdict.FAIL:
            continue
        verdict = now.get(item.identity)
        # One fail about the account stays open where one of its regions is unknown (scans.domain.region_folding).
        folded = item.control.one_per_account is not None and item.region == GLOBAL
        told = {control for control, _ in unknown} if folded else {c for c, region in unknown if region == item.region}
        if verdict in (Verdict.PASS, Verdict.NOT_APPLICABLE, None) and item.control.id not in told:
            yield f"{item.control.id} {item.region} {item.resource} became {verdict or 'nothing'}"
