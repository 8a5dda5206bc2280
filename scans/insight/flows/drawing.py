"""Lays a picture of flows out: three columns of boxes and the lines between them. Pure geometry.

Units are those of the picture's viewBox. Texts are cut to the width of their box; the whole text goes along.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from scans.insight.flows.model import ORDER, Owner, worst
from scans.insight.flows.summary import KEYS, OWNERS, Line

WIDTH = 1200
COLUMNS = ((2, 250), (390, 400), (922, 280))  # (x, width) of features, destinations, keys
HEAD, GAP, PORT, LEAST = 34, 9, 15, 42
MOST = 18  # destinations drawn, so that the picture fits a page; the others share one box
CHARACTER = 7.9  # the width of an average character of the title
GLYPHS = {"pass": "✔", "fail": "✖", "unknown": "?", "not_applicable": "–", "ungraded": "·"}


@dataclass(slots=True)
class Box:
    """A feature, destination or key. ports: its lines, in the order in which they touch it."""

    id: tuple[str, ...]
    text: str
    small: str
    looks: str
    x: float = 0
    y: float = 0
    width: float = 0
    height: float = 0
    order: float = 0
    left: list[tuple[str, ...]] = field(default_factory=list)
    right: list[tuple[str, ...]] = field(default_factory=list)

    @property
    def shown(self) -> str:
        return cut(self.text, int((self.width - 22) / CHARACTER))

    @property
    def shown_small(self) -> str:
        return cut(self.small, int((self.width - 22) / (CHARACTER * 0.88)))

    @property
    def text_x(self) -> float:
        return self.x + 11

    @property
    def text_y(self) -> float:
        """The two lines of text stand in the middle of the box."""
        return round(self.y + self.height / 2 + (-3 if self.small else 5), 1)

    @property
    def small_y(self) -> float:
        return self.text_y + 17

    @property
    def title(self) -> str:
        return f"{self.text} ({self.small})" if self.small else self.text

    def port(self, side: list[tuple[str, ...]], other: tuple[str, ...]) -> float:
        return self.y + self.height * (side.index(other) + 1) / (len(side) + 1)


@dataclass(frozen=True, slots=True)
class Edge:
    """A line between two boxes. path: its course; (x, y): where its verdict stands."""

    verdict: str
    path: str
    x: float
    y: float
    title: str

    @property
    def glyph(self) -> str:
        return GLYPHS[self.verdict]

    @property
    def mark_y(self) -> float:
        return self.y + 4


@dataclass(frozen=True, slots=True)
class Picture:
    width: int
    height: int
    boxes: list[Box]
    edges: list[Edge]
    folded: int  # destinations that share the last box

    @property
    def heads(self) -> list[tuple[int, str]]:
        return [(x, text) for (x, _), text in zip(COLUMNS, ("Feature", "Bucket or log group", "Key"), strict=True)]


Link = tuple[tuple[str, ...], tuple[str, ...]]


def draw(lines: Sequence[Line]) -> Picture:
    """A picture of these lines; the first are drawn in full, so give the worst first."""
    chosen = list(dict.fromkeys(destination_id(line) for line in lines))
    kept = set(chosen if len(chosen) <= MOST else chosen[: MOST - 1])
    columns: tuple[dict[tuple[str, ...], Box], ...] = ({}, {}, {})
    links: tuple[dict[Link, list[str]], ...] = ({}, {})
    for line in lines:
        a, b, c = boxes_of(line, folded=len(chosen) - len(kept) if destination_id(line) not in kept else 0)
        for column, box in zip(columns, (a, b, c), strict=True):
            column.setdefault(box.id, box)
        links[0].setdefault((a.id, b.id), []).append(line.into_verdict)
        links[1].setdefault((b.id, c.id), []).append(line.under_verdict)
    for found, left, right in ((links[0], columns[0], columns[1]), (links[1], columns[1], columns[2])):
        connect(found, left, right)
    height = place(columns)
    edges = [
        edge(left[a], right[b], worst(said))
        for found, left, right in ((links[0], columns[0], columns[1]), (links[1], columns[1], columns[2]))
        for (a, b), said in found.items()
    ]
    boxes = [box for column in columns for box in column.values()]
    edges.sort(key=lambda e: -ORDER.index(e.verdict))  # the worst lie on top
    return Picture(WIDTH + 4, int(height), boxes, edges, len(chosen) - len(kept))


def destination_id(line: Line) -> tuple[str, ...]:
    return (line.destination.kind, line.destination.arn)


def boxes_of(line: Line, *, folded: int) -> tuple[Box, Box, Box]:
    place, key = line.destination, line.key
    feature = Box(("feature", line.feature.id), line.feature.label, "", "feature")
    if folded:
        middle = Box(("folded",), f"{folded} more destinations", "all of them are in the table or the export", "folded")
        return feature, middle, Box(("key", str(key.kind), KEYS[key.kind]), KEYS[key.kind], "", f"key-{key.kind}")
    whose = OWNERS[place.owner] + (f" {place.account}" if place.owner is Owner.ORGANIZATION else "")
    small = " · ".join(part for part in (whose, place.region) if part)
    middle = Box(destination_id(line), place.name, small or f"{len(line.accounts)} accounts", f"owner-{place.owner}")
    # Keys that AWS owns, or of which nothing is known, look the same wherever they are.
    id = ("key", str(key.kind), key.arn or key.name)
    tail = key.name.rpartition(":")[2] if key.name.startswith("arn:") else key.name
    state = f" · {key.state}" if key.state and key.kind == "unusable" else ""
    kind = KEYS[key.kind] + state
    return feature, middle, Box(id, tail, kind if kind != tail else "", f"key-{key.kind}")


def connect(links: dict[Link, list[str]], left: dict[tuple[str, ...], Box], right: dict[tuple[str, ...], Box]) -> None:
    for a, b in links:
        left[a].right.append(b)
        right[b].left.append(a)


def place(columns: Sequence[dict[tuple[str, ...], Box]]) -> float:
    """Give every box its place. Boxes stand near what they are linked to, so that few lines cross."""
    for number, column in enumerate(columns):
        if number:
            before = columns[number - 1]
            for box in column.values():
                box.order = sum(before[id].order for id in box.left) / max(1, len(box.left))
        ordered = sorted(column.values(), key=lambda b: (b.id == ("folded",), b.order if number else 0, b.id))
        for rank, box in enumerate(ordered):
            box.order = rank
    for (x, width), column in zip(COLUMNS, columns, strict=True):
        for box in column.values():
            box.x, box.width = x, width
            box.height = max(LEAST, PORT * (max(len(box.left), len(box.right)) + 1))
    heights = [sum(b.height + GAP for b in column.values()) for column in columns]
    for column, height in zip(columns, heights, strict=True):
        y = round(HEAD + (max(heights) - height) / 2, 1)
        for box in sorted(column.values(), key=lambda b: b.order):
            box.y = y
            y += box.height + GAP
    for number, column in enumerate(columns):
        for box in column.values():
            if number:
                box.left.sort(key=lambda other, n=number: columns[n - 1][other].y)  # type: ignore[misc]
            if number < len(columns) - 1:
                box.right.sort(key=lambda other, n=number: columns[n + 1][other].y)  # type: ignore[misc]
    return HEAD + max(heights, default=0)


def edge(a: Box, b: Box, verdict: str) -> Edge:
    x1, y1 = a.x + a.width, a.port(a.right, b.id)
    x2, y2 = b.x, b.port(b.left, a.id)
    bend = (x2 - x1) / 2
    path = f"M{x1:.1f} {y1:.1f}C{x1 + bend:.1f} {y1:.1f} {x2 - bend:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"
    word = "not judged" if verdict == "ungraded" else verdict.replace("_", " ")
    return Edge(verdict, path, x2 - 12, round(y2, 1), f"{a.text} → {b.text}: {word}")


def cut(text: str, most: int) -> str:
    """Cut in the middle: names of buckets and keys differ at both ends. Control characters become spaces."""
    plain = "".join(c if c.isprintable() else " " for c in text)
    if len(plain) <= most:
        return plain
    tail = most // 2
    return f"{plain[: most - tail - 1]}…{plain[-tail:]}"
