"""Fills a control's remediation templates with the values of one resource. Pure."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scans.domain.control import Control

PLACEHOLDER = re.compile(r"\{([a-z_][a-z0-9_]*)\}")


@dataclass(frozen=True, slots=True)
class FilledRemediation:
    """summary: what to do. cli: shell commands. code: a template of code_kind (terraform or cloudformation)."""

    summary: str
    cli: str
    code: str
    code_kind: str


def fill_remediation(
    control: Control, *, arn: str, account: str, region: str, partition: str, facts: Mapping[str, Any]
) -> FilledRemediation:
    """The remediation for one resource. Unknown values stay {placeholders}."""
    # Names and tags are chosen by people in the scanned account, and these texts are copied into a shell or a template.
    # So values are shell-quoted in cli, and escaped as the inside of a quoted string in code.
    values = {
        name: format_placeholder_value(value) for name, value in facts.items() if not isinstance(value, (dict, list))
    }
    values |= {"arn": arn, "account": account, "region": region, "partition": partition}
    values.setdefault("name", parse_resource_name(arn))
    fix = control.remediation
    return FilledRemediation(
        summary=fix.summary,
        cli=fill_placeholders(fix.cli, {name: quote_for_shell(value) for name, value in values.items()}),
        code=fill_placeholders(fix.code, {name: json.dumps(value)[1:-1] for name, value in values.items()}),
        code_kind=fix.code_kind,
    )


def fill_placeholders(template: str, values: Mapping[str, str]) -> str:
    return PLACEHOLDER.sub(lambda m: values.get(m[1], m[0]), template)


def quote_for_shell(value: str) -> str:
    return shlex.quote(value)


def format_placeholder_value(value: Any) -> str:
    return json.dumps(value) if isinstance(value, (bool, int, float)) or value is None else str(value)


def parse_resource_name(arn: str) -> str:
    """The resource's name as its ARN shows it: the part after the last slash or colon."""
    return re.split(r"[/:]", arn)[-1]
