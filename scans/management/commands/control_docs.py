"""manage.py control_docs [--check]: generates the documentation pages of the controls."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from governance.core.cli import COULD_NOT, DONE, CouldNotError, TutelaCommand
from scans import registry
from scans.insight import control_docs


class Command(TutelaCommand):
    help = "Generate docs/controls/ from the controls' docstrings and declarations, or check that it is up to date."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a page is out of date")
        parser.add_argument("--output", metavar="DIRECTORY", help="write to this directory instead of docs/controls")

    def work(self, options: dict[str, Any]) -> int:
        place = Path(options["output"]) if options["output"] else Path(settings.BASE_DIR) / "docs" / "controls"
        wanted = control_docs.build_control_pages(registry.controls())
        stale = out_of_date(place, wanted)
        if options["check"]:
            for name in stale:
                self.stderr.write(f"{place / name} is out of date. Run: make docs")
            return COULD_NOT if stale else DONE
        try:
            write(place, wanted, stale)
        except OSError as error:
            raise CouldNotError(f"{place} can't be written: {error.strerror}") from error
        self.stdout.write(f"{len(wanted)} pages, {len(stale)} changed.")
        return DONE


def out_of_date(place: Path, wanted: dict[str, str]) -> list[str]:
    """The pages that differ, are missing, or belong to a control that no longer exists."""
    found = {path.name: path.read_text(encoding="utf-8") for path in sorted(place.glob("*.md"))}
    return sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))


def write(place: Path, wanted: dict[str, str], stale: list[str]) -> None:
    place.mkdir(parents=True, exist_ok=True)
    for name in stale:
        if name in wanted:
            (place / name).write_text(wanted[name], encoding="utf-8")
        else:
            (place / name).unlink()
