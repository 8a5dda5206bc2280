"""manage.py permissions docs: writes docs/permissions.md from the policy, or checks that it is current."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from governance.core import permissions
from governance.core.cli import COULD_NOT, DONE, TutelaCommand


class Command(TutelaCommand):
    help = "Write docs/permissions.md from the policy. With --check, only report whether it is current."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("act", choices=["docs"])
        parser.add_argument("--check", action="store_true")

    def work(self, options: dict[str, Any]) -> int:
        path, wanted = Path(settings.BASE_DIR) / "docs" / "permissions.md", permissions.render_permissions_page()
        if options["check"]:
            current = path.exists() and path.read_text(encoding="utf-8") == wanted
            outdated = "docs/permissions.md is outdated. Run: manage.py permissions docs"
            self.stdout.write("current" if current else outdated)
            return DONE if current else COULD_NOT
        path.write_text(wanted, encoding="utf-8")
        self.stdout.write(f"Written: {path}")
        return DONE
