"""Defines what a detector is. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Detector:
    """Reports whether a text contains one kind of secret or personal data, never the text itself.

    find gets the text and its lower-case form. needles: if given, find runs only if the lower-case text contains one
    of them, so that ordinary, clean text is cheap. positives and negatives are examples that the tests run.
    """

    name: str
    find: Callable[[str, str], bool]
    positives: tuple[str, ...]
    negatives: tuple[str, ...]
    needles: tuple[str, ...] = ()

    def detects_in(self, text: str, low: str) -> bool:
        # A plain loop: this runs for each text and detector, and any() over a generator takes three times as long.
        for needle in self.needles:
            if needle in low:
                return self.find(text, low)
        return not self.needles and self.find(text, low)


def unmark_examples(*examples: str) -> tuple[str, ...]:
    """Examples without their marks: a ~ inside prevents other tools from reporting an example as a real secret."""
    return tuple(example.replace("~", "") for example in examples)
