"""manage.py reference_docs: writes docs/openapi.json and docs/reference/entities.md from the code, or checks them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from governance import reference
from governance.core.cli import COULD_NOT, DONE, TutelaCommand


class Command(TutelaCommand):
    help = "Write the API document and the entity diagram below docs/; with --check, only say which of them are old."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true")

    def work(self, options: dict[str, Any]) -> int:
        folder, status = Path(settings.BASE_DIR) / "docs", DONE
        for name, make in reference.DOCUMENTS.items():
            path, wanted = folder / name, make()
            if not options["check"]:
                path.parent.mkdir(exist_ok=True)
                path.write_text(wanted, encoding="utf-8")
                self.stdout.write(f"Written: {path}")
            elif not path.exists() or path.read_text(encoding="utf-8") != wanted:
                self.stdout.write(f"docs/{name} is old. Run: manage.py reference_docs")
                status = COULD_NOT
        return status
