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
OVER_ALIASES = f"Over{MAX_ALIASES}Aliases"
OVER_DIGITS = f"Over{MAX_DIGITS}Digits"


@dataclass(slots=True)
class NodeSize:
    """The size of a node after its aliases are replaced by what they name, as merge keys copy it."""

    anchor: str | None = None
    values: int = 1
    characters: int = 0
    depth: int = 0

    def hold(self, inner: NodeSize) -> None:
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
            self.close(NodeSize(event.anchor, characters=len(event.value)))
        elif isinstance(event, yaml.AliasEvent):
            self.aliases += 1
            if self.aliases > MAX_ALIASES:
                raise TooCostlyError(OVER_ALIASES)
            named = self.anchors.get(event.anchor)
            # Otherwise the alias names nothing, or its own parent: the loader refuses that.
            if named is not None:
                self.hold(named)
        elif isinstance(event, yaml.CollectionStartEvent):
            self.open.append(NodeSize(event.anchor))
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


def load_bounded_yaml(content: str) -> Any:
    return yaml.load(content, Loader=BoundedLoader)  # noqa: S506  # nosec  # a safe loader
