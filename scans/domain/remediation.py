"""Fills a control's remediation templates with the values of one resource. Pure."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scans.domain.control import Control
from scans.domain.evidence import GLOBAL

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
    """The remediation for one resource. Unknown values stay {placeholders}.

    For a finding about an account that stands for some of its regions, `facts` has those regions, and the commands are
    listed for each of them."""
    # Names and tags are chosen by people in the scanned account, and these texts are copied into a shell or a template.
    # So values are shell-quoted in cli, and escaped as the inside of a quoted string in code.
    values = {
        name: format_placeholder_value(value) for name, value in facts.items() if not isinstance(value, (dict, list))
    }
    values |= {"arn": arn, "account": account, "region": region, "partition": partition}
    values.setdefault("name", parse_resource_name(arn))
    fix = control.remediation
    folded = sorted(facts) if control.one_per_account is not None and region == GLOBAL else []
    commands: dict[str, None] = {}
    for each in folded or [region]:
        quoted = {name: quote_for_shell(value) for name, value in {**values, "region": each}.items()}
        filled = fill_placeholders(fix.cli, quoted)
        # Line by line, since a line that names no region is needed once. Lines of one command stay together.
        commands |= dict.fromkeys(filled.split("\n") if folded else [filled])
    code = fill_placeholders(fix.code, {name: json.dumps(value)[1:-1] for name, value in values.items()})
    if folded and code:
        code = f"# In each of these regions: {', '.join(folded)}\n{code}"
    return FilledRemediation(summary=fix.summary, cli="\n".join(commands), code=code, code_kind=fix.code_kind)


def fill_placeholders(template: str, values: Mapping[str, str]) -> str:
    return PLACEHOLDER.sub(lambda m: values.get(m[1], m[0]), template)


def quote_for_shell(value: str) -> str:
    return shlex.quote(value)


def format_placeholder_value(value: Any) -> str:
    return json.dumps(value) if isinstance(value, (bool, int, float)) or value is None else str(value)


def parse_resource_name(arn: str) -> str:
    """The resource's name as its ARN shows it: the part after the last slash or colon."""
    return re.split(r"[/:]", arn)[-1]
