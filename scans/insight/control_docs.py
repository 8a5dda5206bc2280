"""The documentation pages of the controls, as Markdown. Pure: from declarations to text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from scans.domain.control import Case, Control
from scans.insight.statements import STATEMENTS
from scans.registry import LoadedControl

GENERATED_NOTE = "<!-- Made by `make docs` from the control's file; change that one. -->"
INDEX_FILE = "README.md"
SCOPE_TEXTS = {"global": "once an account", "region": "once a region", "organization": "once an organization"}
FENCE_LANGUAGES = {"terraform": "hcl", "cloudformation": "yaml"}
VERDICT_TEXTS = {"pass": "pass", "fail": "fail", "unknown": "unknown", "not_applicable": "not applicable"}


def build_control_pages(loaded: Mapping[str, LoadedControl]) -> dict[str, str]:
    """File name -> text: a page a control, and the index."""
    found = {f"{id}.md": build_control_page(item) for id, item in loaded.items()}
    return {INDEX_FILE: build_index_page([item.control for item in loaded.values()]), **found}


def build_control_page(item: LoadedControl) -> str:
    control = item.control
    parts = [
        GENERATED_NOTE,
        f"# {control.id}: {control.title}",
        format_control_table(control),
        f"> {control.quote}" if control.quote else "",
        item.doc,
        "## How to fix it",
        control.remediation.summary,
        fence_code("sh", control.remediation.cli),
        *(
            [fence_code(FENCE_LANGUAGES.get(control.remediation.code_kind, ""), control.remediation.code)]
            if control.remediation.code
            else []
        ),
        "`{name}` and the like stand for the resource's own values; a finding's page fills them in.",
        "## Examples",
        format_examples(item.cases),
    ]
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def format_control_table(control: Control) -> str:
    frameworks = "; ".join(f"{name} {', '.join(ids)}" for name, ids in sorted(control.frameworks.items()))
    statements = "; ".join(f"{id} ({STATEMENTS[id].title})" for id in control.statements if id in STATEMENTS)
    rows = (
        ("severity", str(control.severity)),
        ("judged", SCOPE_TEXTS[control.scope] + (", after every account was read" if control.joins else "")),
        ("resources and their facts", format_fact_types(control.facts)),
        ("looks at", format_fact_types(control.related)),
        ("source document's statements", statements),
        ("source", control.source),
        ("frameworks", frameworks),
        ("version", str(control.version)),
    )
    return "\n".join(
        ["| | |", "|---|---|", *(f"| {name} | {escape_table_cell(value)} |" for name, value in rows if value)]
    )


def format_fact_types(facts: Mapping[str, Sequence[str]]) -> str:
    return "; ".join(f"`{type}` ({', '.join(names)})" for type, names in facts.items())


def fence_code(language: str, text: str) -> str:
    return f"```{language}\n{text}\n```"


def format_examples(cases: Iterable[Case]) -> str:
    rows = [(case.name, VERDICT_TEXTS[case.verdict] if case.verdict else "not its subject") for case in cases]
    return "\n".join(
        ["| case | verdict |", "|---|---|", *(f"| {escape_table_cell(name)} | {verdict} |" for name, verdict in rows)]
    )


def build_index_page(controls: Iterable[Control]) -> str:
    lines = [GENERATED_NOTE, "", "# Controls", "", "| control | title | severity | statements |", "|---|---|---|---|"]
    for control in controls:
        link = f"[{control.id}]({control.id}.md)"
        origin = ", ".join(control.statements) or f"[own source]({control.source})"
        lines.append(f"| {link} | {escape_table_cell(control.title)} | {control.severity} | {origin} |")
    return "\n".join(lines) + "\n"


def escape_table_cell(text: str) -> str:
    """Text that stays inside its cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")
