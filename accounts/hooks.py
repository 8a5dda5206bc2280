"""Holds the callbacks of higher layers, called in a discovery's transaction. Filled when Django is ready."""

from __future__ import annotations

from collections.abc import Callable

from accounts.models import Organization

# An organization whose accounts or OUs a discovery may have changed.
after_discovery: list[Callable[[Organization], None]] = []
