"""manage.py controls list | show ID: lists the controls, or shows one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.management.base import CommandParser

from governance.core.cli import DONE, TutelaCommand, UsageError
from scans import registry
from scans.registry import resolve_control_ids


class Command(TutelaCommand):
    help = "List the controls, or show one with its documentation and remediation. For a group, list its controls."

    def add_arguments(self, parser: CommandParser) -> None:
        parts = parser.add_subparsers(dest="what", required=True)
        parts.add_parser("list")
        parts.add_parser("show").add_argument(
            "id", help="an id such as SSM-PS-001, or a group such as SSM-DS-001 or PS"
        )

    def work(self, options: dict[str, Any]) -> int:
        ids = list(registry.controls()) if options["what"] == "list" else resolve_control_ids([options["id"]])
        if ids[0] not in registry.controls():
            raise UsageError(f"There is no control {ids[0]}. See: manage.py controls list")
        if len(ids) == 1:
            self.show(ids[0])
        else:
            self.list(ids)
        return DONE

    def list(self, ids: Sequence[str]) -> None:
        for id in ids:
            control = registry.controls()[id].control
            self.stdout.write(f"{id}  {control.severity:<13}  {control.title}")

    def show(self, id: str) -> None:
        item = registry.controls()[id]
        control = item.control
        frameworks = "; ".join(f"{name} {', '.join(ids)}" for name, ids in control.frameworks.items())
        facts = "; ".join(f"{type}: {', '.join(names)}" for type, names in control.facts.items())
        for line in (
            f"{control.id}  {control.title}",
            f"severity {control.severity}, version {control.version}"
            + (f", statements {', '.join(control.statements)}" if control.statements else ""),
            *([f"source: {control.source}"] if control.source else []),
            *([f"enforces: “{control.quote}”"] if control.quote else []),
            f"judges: {facts}",
            f"frameworks: {frameworks or 'none'}",
            "",
            item.doc,
            "",
            f"Remediation: {control.remediation.summary}",
            control.remediation.cli,
            *([f"As {control.remediation.code_kind}:", control.remediation.code] if control.remediation.code else []),
        ):
            self.stdout.write(line)
