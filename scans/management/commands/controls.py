"""manage.py controls list | show ID."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from governance.core.cli import DONE, CouldNotError, TutelaCommand
from scans import registry


class Command(TutelaCommand):
    help = "List the controls, or show one with its documentation and fix."

    def add_arguments(self, parser: CommandParser) -> None:
        parts = parser.add_subparsers(dest="what", required=True)
        parts.add_parser("list")
        parts.add_parser("show").add_argument("id", help="like SSM-PS-001")

    def work(self, options: dict[str, Any]) -> int:
        if options["what"] == "list":
            for id, item in registry.controls().items():
                self.stdout.write(f"{id}  {item.control.severity:<8}  {item.control.title}")
        else:
            self.show(options["id"].upper())
        return DONE

    def show(self, id: str) -> None:
        item = registry.controls().get(id)
        if item is None:
            raise CouldNotError(f"There is no control {id}. See: manage.py controls list")
        control = item.control
        frameworks = "; ".join(f"{name} {', '.join(ids)}" for name, ids in control.frameworks.items())
        facts = "; ".join(f"{type}: {', '.join(names)}" for type, names in control.facts.items())
        for line in (
            f"{control.id}  {control.title}",
            f"severity {control.severity}, version {control.version}, statements {', '.join(control.statements)}",
            f"enforces: “{control.quote}”",
            f"judges: {facts}",
            f"frameworks: {frameworks or 'none'}",
            "",
            item.doc,
            "",
            f"Fix: {control.remediation.summary}",
            control.remediation.cli,
            *([f"As {control.remediation.code_kind}:", control.remediation.code] if control.remediation.code else []),
        ):
            self.stdout.write(line)
