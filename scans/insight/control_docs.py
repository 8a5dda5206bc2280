"""The documentation pages of the controls, as Markdown. Pure: from declarations to text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from scans.domain.control import Case, Control
from scans.insight.statements import STATEMENTS
from scans.registry import LoadedControl

NOTE = "<!-- Made by `make docs` from the control's file; change that one. -->"
INDEX = "README.md"
SCOPES = {"global": "once an account", "region": "once a region", "organization": "once an organization"}
LANGUAGES = {"terraform": "hcl", "cloudformation": "yaml"}
VERDICTS = {"pass": "pass", "fail": "fail", "unknown": "unknown", "not_applicable": "not applicable"}


def pages(loaded: Mapping[str, LoadedControl]) -> dict[str, str]:
    """File name -> text: a page a control, and the index."""
    found = {f"{id}.md": page(item) for id, item in loaded.items()}
    return {INDEX: index([item.control for item in loaded.values()]), **found}


def page(item: LoadedControl) -> str:
    control = item.control
    parts = [
        NOTE,
        f"# {control.id}: {control.title}",
        facts(control),
        f"> {control.quote}",
        item.doc,
        "## How to fix it",
        control.remediation.summary,
        fenced("sh", control.remediation.cli),
        *(
            [fenced(LANGUAGES.get(control.remediation.code_kind, ""), control.remediation.code)]
            if control.remediation.code
            else []
        ),
        "`{name}` and the like stand for the resource's own values; a finding's page fills them in.",
        "## Examples",
        examples(item.cases),
    ]
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def facts(control: Control) -> str:
    frameworks = "; ".join(f"{name} {', '.join(ids)}" for name, ids in sorted(control.frameworks.items()))
    statements = "; ".join(f"{id} ({STATEMENTS[id].title})" for id in control.statements if id in STATEMENTS)
    rows = (
        ("severity", str(control.severity)),
        ("judged", SCOPES[control.scope] + (", after every account was read" if control.joins else "")),
        ("resources and their facts", types(control.facts)),
        ("looks at", types(control.related)),
        ("source document's statements", statements),
        ("frameworks", frameworks),
        ("version", str(control.version)),
    )
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {cell(value)} |" for name, value in rows if value)])


def types(facts: Mapping[str, Sequence[str]]) -> str:
    return "; ".join(f"`{type}` ({', '.join(names)})" for type, names in facts.items())


def fenced(language: str, text: str) -> str:
    return f"```{language}\n{text}\n```"


def examples(cases: Iterable[Case]) -> str:
    rows = [(case.name, VERDICTS[case.verdict] if case.verdict else "not its subject") for case in cases]
    return "\n".join(["| case | verdict |", "|---|---|", *(f"| {cell(name)} | {verdict} |" for name, verdict in rows)])


def index(controls: Iterable[Control]) -> str:
    lines = [NOTE, "", "# Controls", "", "| control | title | severity | statements |", "|---|---|---|---|"]
    for control in controls:
        link = f"[{control.id}]({control.id}.md)"
        lines.append(f"| {link} | {cell(control.title)} | {control.severity} | {', '.join(control.statements)} |")
    return "\n".join(lines) + "\n"


def cell(text: str) -> str:
    """Text that stays inside its cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")
