"""manage.py scan_role policy|cloudformation|terraform [--values]: prints the scan role, or the opt-in value role."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from accounts.aws import scan_role
from governance.core.cli import DONE, CouldNotError, TutelaCommand
from scans import registry


class Command(TutelaCommand):
    help = (
        "Print the scan role as an IAM policy, a CloudFormation template for a StackSet, or Terraform. Its actions "
        "are those that the collectors declare."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("form", choices=["policy", "cloudformation", "terraform"])
        parser.add_argument(
            "--values",
            action="store_true",
            help="print the optional value role instead, which reads String and StringList parameters to find secrets in "
            "them; set its name in TUTELA_VALUE_ROLE",
        )

    def work(self, options: dict[str, Any]) -> int:
        try:
            text = render(options["form"], values=options["values"])
        except (scan_role.ScanRoleError, registry.RegistryError) as error:
            raise CouldNotError(str(error)) from error
        self.stdout.write(text, ending="")
        return DONE


def render(form: str, *, values: bool = False) -> str:
    calls = registry.value_calls() if values else registry.calls()
    kind = scan_role.VALUES if values else scan_role.SCAN
    match form:
        case "policy":
            return scan_role.as_json(scan_role.build_role_policy(calls, kind))
        case "cloudformation":
            return scan_role.as_json(scan_role.build_cloudformation(calls, kind))
        case _:
            return scan_role.render_terraform(calls, kind)
