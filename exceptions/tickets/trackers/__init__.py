"""The trackers, one file each. To add one, add a file that defines TRACKER."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from exceptions.tickets.trackers.contract import Tracker


@cache
def load_trackers() -> dict[str, Tracker]:
    """Every tracker by its name, which is the name of its file."""
    found: dict[str, Tracker] = {}
    for module in pkgutil.iter_modules(__path__):
        tracker = getattr(importlib.import_module(f"{__name__}.{module.name}"), "TRACKER", None)
        if tracker is not None:
            found[module.name] = tracker
    return found
