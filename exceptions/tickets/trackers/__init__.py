"""Trackers, one file each: where tickets are worked. A new tracker is a new file with TRACKER in it."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from exceptions.tickets.trackers.contract import Tracker


@cache
def load_trackers() -> dict[str, Tracker]:
    """Every tracker by its name, the file's name."""
    found: dict[str, Tracker] = {}
    for module in pkgutil.iter_modules(__path__):
        tracker = getattr(importlib.import_module(f"{__name__}.{module.name}"), "TRACKER", None)
        if tracker is not None:
            found[module.name] = tracker
    return found
