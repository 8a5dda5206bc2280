"""Holds what higher layers add to a discovery: callbacks, called in its transaction. Installed once at start."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from accounts.models import Organization
from governance.core.extension_slots import ExtensionSlot


@dataclass(frozen=True, slots=True)
class DiscoveryExtensions:
    """after_discovery: given an organization whose accounts or OUs a discovery may have changed."""

    after_discovery: tuple[Callable[[Organization], None], ...] = ()


discovery_extensions = ExtensionSlot(DiscoveryExtensions())
