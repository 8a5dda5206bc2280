"""Loads YAML that may be hostile: its expanded size is measured before anything is built. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import yaml

from scans.domain.size_limits import MAX_DEPTH, OVER_DEPTH, Allowance, TooCostlyError

Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
MAX_ALIASES = 1_000
# Of a number. Longer ones are no real numbers, and YAML's 1:1:1:… takes quadratic time.
MAX_DIGITS = 400
MERGE_KEY = "<<"
OVER_ALIASES = f"Over{MAX_ALIASES}Aliases"
OVER_DIGITS = f"Over{MAX_DIGITS}Digits"


@dataclass(slots=True)
class NodeSize:
    """The size of a node after its aliases are replaced by what they name, as merge keys copy it.

    names: the names of a mapping's members so far. at_name: whether a name comes next."""

    anchor: str | None = None
    values: int = 1
    characters: int = 0
    depth: int = 0
    names: set[str] | None = None
    at_name: bool = True

    def refuse_second(self, name: str) -> None:
        """Refuse a member whose name another has: a loader would keep only the last one. Merge keys may be repeated."""
        if self.names is None or not self.at_name or name == MERGE_KEY:
            return
        if name in self.names:
            raise yaml.YAMLError("two members of one name")
        self.names.add(name)

    def hold(self, inner: NodeSize) -> None:
        self.at_name = not self.at_name
        self.values += inner.values
        self.characters += inner.characters
        self.depth = max(self.depth, inner.depth + 1)


@dataclass(slots=True)
class DocumentMeasure:
    """Measures a document event by event, without recursion and without copies."""

    open: list[NodeSize] = field(default_factory=lambda: [NodeSize()])
    anchors: dict[str | None, NodeSize] = field(default_factory=dict)
    aliases: int = 0

    def take(self, event: Any) -> None:
        if isinstance(event, yaml.ScalarEvent):
            self.open[-1].refuse_second(event.value)
            self.close(NodeSize(event.anchor, characters=len(event.value)))
        elif isinstance(event, yaml.AliasEvent):
            self.aliases += 1
            if self.aliases > MAX_ALIASES:
                raise TooCostlyError(OVER_ALIASES)
            # An alias that names nothing, or its own parent, is refused by the loader.
            self.hold(self.anchors.get(event.anchor) or NodeSize())
        elif isinstance(event, yaml.CollectionStartEvent):
            names: set[str] | None = set() if isinstance(event, yaml.MappingStartEvent) else None
            self.open.append(NodeSize(event.anchor, names=names))
            if len(self.open) > MAX_DEPTH + 1:
                raise TooCostlyError(OVER_DEPTH)
        elif isinstance(event, yaml.CollectionEndEvent):
            self.close(self.open.pop())

    def close(self, size: NodeSize) -> None:
        if size.anchor is not None:
            self.anchors[size.anchor] = size
        self.hold(size)

    def hold(self, size: NodeSize) -> None:
        parent = self.open[-1]
        parent.hold(size)
        if len(self.open) + size.depth > MAX_DEPTH + 1:
            raise TooCostlyError(OVER_DEPTH)
        Allowance().spend(parent.values, parent.characters)


class BoundedLoader(Loader):  # type: ignore[misc]
    """A safe loader that measures a text before it composes it."""

    def __init__(self, stream: str) -> None:
        measure = DocumentMeasure()
        for event in yaml.parse(stream, Loader=Loader):
            measure.take(event)
        super().__init__(stream)


def short_number(construct: Any) -> Any:
    def construct_short(loader: Any, node: Any) -> Any:
        if len(node.value) > MAX_DIGITS:
            raise TooCostlyError(OVER_DIGITS)
        return construct(loader, node)

    return construct_short


for tag in ("int", "float"):
    name = f"tag:yaml.org,2002:{tag}"
    BoundedLoader.add_constructor(name, short_number(Loader.yaml_constructors[name]))


def refuse_node(_loader: Any, node: Any) -> Any:
    raise yaml.YAMLError(f"{node.tag} has no form in JSON")


# JSON has no such values, so nothing that looks through a document's texts would look into them.
for kind in ("binary", "omap", "pairs", "set"):
    BoundedLoader.add_constructor(f"tag:yaml.org,2002:{kind}", refuse_node)


def load_bounded_yaml(content: str) -> Any:
    return yaml.load(content, Loader=BoundedLoader)  # noqa: S506  # nosec  # a safe loader
