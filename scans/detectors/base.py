"""What a detector is. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Detector:
    """Says whether a text holds one kind of secret or personal data; never which text.

    find gets the text and the text in lower case. needles: where given, one of them must stand in
    the lower-case text, or find isn't run; they make the usual, clean text cheap. positives and
    negatives are examples that the tests run.
    """

    name: str
    find: Callable[[str, str], bool]
    positives: tuple[str, ...]
    negatives: tuple[str, ...]
    needles: tuple[str, ...] = ()

    def detects_in(self, text: str, low: str) -> bool:
        # A plain loop: this runs for each text and detector, and any() over a generator costs three times as much.
        for needle in self.needles:
            if needle in low:
                return self.find(text, low)
        return not self.needles and self.find(text, low)


def unmark_examples(*examples: str) -> tuple[str, ...]:
    """Examples without their marks: a ~ inside keeps other tools from taking an example for a real secret."""
    return tuple(example.replace("~", "") for example in examples)
