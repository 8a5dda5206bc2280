"""How many examples a property with a number of its own is tried on."""

from __future__ import annotations

from hypothesis import settings

USUAL = 100


def examples(count: int) -> int:
    """The count under `make test`; fewer under `make check` and more under `make test-long`, as the profile has it."""
    return max(1, count * settings.default.max_examples // USUAL)
