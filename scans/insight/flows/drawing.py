"""Lays out the picture of flows: three columns of boxes and the lines between them. Pure geometry.

Units are those of the picture's viewBox. Texts are cut to the width of their box; the title keeps the full text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from scans.insight.flows.model import VERDICT_ORDER, Owner, pick_worst_verdict
from scans.insight.flows.summary import KEY_LABELS, OWNER_LABELS, FlowGroup

PICTURE_WIDTH = 1200
COLUMN_SPANS = ((2, 250), (390, 400), (922, 280))  # (x, width) of features, destinations, keys
HEADING_HEIGHT, BOX_SPACING, PORT_HEIGHT, MIN_BOX_HEIGHT = 34, 9, 15, 42
MAX_DESTINATIONS = 18  # destinations drawn, so that the picture fits a page; the others share one box
# The width of an average character. A server can't measure text, so this is an estimate for the page's font.
CHARACTER_WIDTH = 7.9
VERDICT_GLYPHS = {"pass": "✔", "fail": "✖", "unknown": "?", "not_applicable": "–", "ungraded": "·"}


@dataclass(slots=True)
class Box:
    """A feature, destination or key. left, right: ids of the boxes that it is linked to, in the order of the lines."""

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
        return cut_middle(self.text, int((self.width - 22) / CHARACTER_WIDTH))

    @property
    def shown_small(self) -> str:
        return cut_middle(self.small, int((self.width - 22) / (CHARACTER_WIDTH * 0.88)))

    @property
    def text_x(self) -> float:
        return self.x + 11

    @property
    def text_y(self) -> float:
        """The baseline of the first line, so that the text is centered in the box."""
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
    """A line between two boxes. path: its SVG path. (x, y): the position of its verdict."""

    verdict: str
    path: str
    x: float
    y: float
    title: str

    @property
    def glyph(self) -> str:
        return VERDICT_GLYPHS[self.verdict]

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
        return [(x, text) for (x, _), text in zip(COLUMN_SPANS, ("Feature", "Bucket or log group", "Key"), strict=True)]


Link = tuple[tuple[str, ...], tuple[str, ...]]


def draw_flows(lines: Sequence[FlowGroup]) -> Picture:
    """A picture of these flows. The first destinations get their own boxes, so pass the worst flows first."""
    chosen = list(dict.fromkeys(destination_id(line) for line in lines))
    kept = set(chosen if len(chosen) <= MAX_DESTINATIONS else chosen[: MAX_DESTINATIONS - 1])
    columns: tuple[dict[tuple[str, ...], Box], ...] = ({}, {}, {})
    links: tuple[dict[Link, list[str]], ...] = ({}, {})
    for line in lines:
        a, b, c = make_boxes(line, folded=len(chosen) - len(kept) if destination_id(line) not in kept else 0)
        for column, box in zip(columns, (a, b, c), strict=True):
            column.setdefault(box.id, box)
        links[0].setdefault((a.id, b.id), []).append(line.into_verdict)
        links[1].setdefault((b.id, c.id), []).append(line.under_verdict)
    for found, left, right in ((links[0], columns[0], columns[1]), (links[1], columns[1], columns[2])):
        connect_boxes(found, left, right)
    height = place_boxes(columns)
    edges = [
        make_edge(left[a], right[b], pick_worst_verdict(verdicts))
        for found, left, right in ((links[0], columns[0], columns[1]), (links[1], columns[1], columns[2]))
        for (a, b), verdicts in found.items()
    ]
    boxes = [box for column in columns for box in column.values()]
    # SVG paints in order, so the worst verdicts come last and lie on top.
    edges.sort(key=lambda e: -VERDICT_ORDER.index(e.verdict))
    return Picture(PICTURE_WIDTH + 4, int(height), boxes, edges, len(chosen) - len(kept))


def destination_id(line: FlowGroup) -> tuple[str, ...]:
    return (line.destination.kind, line.destination.arn)


def make_boxes(line: FlowGroup, *, folded: int) -> tuple[Box, Box, Box]:
    place, key = line.destination, line.key
    feature = Box(("feature", line.feature.id), line.feature.label, "", "feature")
    if folded:
        middle = Box(("folded",), f"{folded} more destinations", "see the table or the export", "folded")
        return (
            feature,
            middle,
            Box(("key", str(key.kind), KEY_LABELS[key.kind]), KEY_LABELS[key.kind], "", f"key-{key.kind}"),
        )
    whose = OWNER_LABELS[place.owner] + (f" {place.account}" if place.owner is Owner.ORGANIZATION else "")
    small = " · ".join(part for part in (whose, place.region) if part)
    middle = Box(destination_id(line), place.name, small or f"{len(line.accounts)} accounts", f"owner-{place.owner}")
    # Keys without an ARN (owned by AWS, or unknown) share one box by their name.
    id = ("key", str(key.kind), key.arn or key.name)
    tail = key.name.rpartition(":")[2] if key.name.startswith("arn:") else key.name
    state = f" · {key.state}" if key.state and key.kind == "unusable" else ""
    kind = KEY_LABELS[key.kind] + state
    return feature, middle, Box(id, tail, kind if kind != tail else "", f"key-{key.kind}")


def connect_boxes(
    links: dict[Link, list[str]], left: dict[tuple[str, ...], Box], right: dict[tuple[str, ...], Box]
) -> None:
    for a, b in links:
        left[a].right.append(b)
        right[b].left.append(a)


def place_boxes(columns: Sequence[dict[tuple[str, ...], Box]]) -> float:
    """Set the position of every box. Returns the height of the picture."""
    # Each column is sorted by the average position of the boxes to its left (the barycenter method), so that few lines
    # cross. The folded box is always last.
    for number, column in enumerate(columns):
        if number:
            before = columns[number - 1]
            for box in column.values():
                box.order = sum(before[id].order for id in box.left) / max(1, len(box.left))
        ordered = sorted(column.values(), key=lambda b: (b.id == ("folded",), b.order if number else 0, b.id))
        for rank, box in enumerate(ordered):
            box.order = rank
    for (x, width), column in zip(COLUMN_SPANS, columns, strict=True):
        for box in column.values():
            box.x, box.width = x, width
            box.height = max(MIN_BOX_HEIGHT, PORT_HEIGHT * (max(len(box.left), len(box.right)) + 1))
    heights = [sum(b.height + BOX_SPACING for b in column.values()) for column in columns]
    for column, height in zip(columns, heights, strict=True):
        y = round(HEADING_HEIGHT + (max(heights) - height) / 2, 1)
        for box in sorted(column.values(), key=lambda b: b.order):
            box.y = y
            y += box.height + BOX_SPACING
    for number, column in enumerate(columns):
        for box in column.values():
            if number:
                box.left.sort(key=lambda other, n=number: columns[n - 1][other].y)  # type: ignore[misc]
            if number < len(columns) - 1:
                box.right.sort(key=lambda other, n=number: columns[n + 1][other].y)  # type: ignore[misc]
    return HEADING_HEIGHT + max(heights, default=0)


def make_edge(a: Box, b: Box, verdict: str) -> Edge:
    x1, y1 = a.x + a.width, a.port(a.right, b.id)
    x2, y2 = b.x, b.port(b.left, a.id)
    bend = (x2 - x1) / 2
    path = f"M{x1:.1f} {y1:.1f}C{x1 + bend:.1f} {y1:.1f} {x2 - bend:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"
    word = "not judged" if verdict == "ungraded" else verdict.replace("_", " ")
    return Edge(verdict, path, x2 - 12, round(y2, 1), f"{a.text} → {b.text}: {word}")


def cut_middle(text: str, most: int) -> str:
    """Cut a text in the middle, since names of buckets and keys differ at both ends."""
    # A name from AWS can hold control characters, which would break the line in the picture.
    plain = "".join(c if c.isprintable() else " " for c in text)
    if len(plain) <= most:
        return plain
    tail = most // 2
    return f"{plain[: most - tail - 1]}…{plain[-tail:]}"
