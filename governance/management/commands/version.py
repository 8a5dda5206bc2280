"""manage.py version: prints the portal's version."""

from __future__ import annotations

from typing import Any

from governance import __version__
from governance.core.cli import DONE, TutelaCommand


class Command(TutelaCommand):
    help = "Print the portal's version."

    def work(self, options: dict[str, Any]) -> int:
        self.stdout.write(f"Tutela {__version__}")
        return DONE
