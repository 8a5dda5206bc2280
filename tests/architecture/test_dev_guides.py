"""docs/dev/: what its check-lists name exists, and what they list is what the code has."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterable
from dataclasses import MISSING, fields
from functools import cache
from pathlib import Path

import pytest

from exceptions.common.notifications import ACTIONABLE_STATES
from exceptions.tickets.trackers.contract import Tracker, WorkItem
from governance.core import states
from governance.core.policy import Permission
from governance.identity import web
from governance.notify.services import notify_people
from governance.rest.views import Api
from scans import registry
from scans.domain.collector import Collector
from scans.domain.control import Control
from tests.architecture.source import PACKAGES, PRODUCT, ROOT, nodes_of, python_files, text_of
from tests.governance.core.test_states import FIRST, MACHINES

PLACE = ROOT / "docs/dev"
GUIDES = sorted(path.name for path in PLACE.glob("adding-*.md"))
KINDS = {"page", "endpoint", "permission", "setting", "state", "control", "collector", "tracker", "channel"}
LINK = re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)")
STEP = re.compile(r"^(\d+)\. \*\*[^*]+\.\*\* ", re.MULTILINE)
OWN_VARIABLE = re.compile(r"TUTELA_[A-Z0-9_]+(?<!_FILE)")
PICTURES = {f"../{path.relative_to(ROOT / 'docs')}": path.read_text("utf-8") for path in (ROOT / "docs").rglob("*.md")}
VARIABLE = re.compile(r"`([A-Z][A-Z0-9_]{3,})`")


def read(name: str) -> str:
    return (PLACE / name).read_text(encoding="utf-8")


def part(name: str, heading: str) -> str:
    """The text under a heading, up to the next one."""
    return read(name).split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]


def listed(text: str) -> list[str]:
    """The first column of the tables in this text."""
    return re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE)


@cache
def names_of(path: Path) -> frozenset[str]:
    """Everything that a Python file defines or assigns: functions, classes, their members, and names."""
    found: set[str] = set()
    for node in nodes_of(path):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name)}
    return frozenset(found)


def faults_of(name: str) -> list[str]:
    """Links of a page that lead nowhere, or name what isn't there."""
    faults = []
    for words, target in LINK.findall(read(name)):
        path = (PLACE / target).resolve()
        file, _, inside = words.strip("`").partition("::")
        if not path.is_file():
            faults.append(f"{target}: no such file")
        elif words.startswith("`") and str(path.relative_to(ROOT)) != file:
            faults.append(f"{words} leads to {target}")
        elif inside and inside not in names_of(path):
            faults.append(f"{file} has no {inside}")
    return faults


@pytest.mark.parametrize("name", ["README.md", *GUIDES])
def test_what_a_page_links_to_exists(name: str) -> None:
    assert LINK.findall(read(name))
    assert faults_of(name) == []


def test_a_link_to_what_is_gone_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.architecture.test_dev_guides.PLACE", tmp_path)
    (tmp_path / "a.md").write_text("[`a.py::b`](a.py)", encoding="utf-8")
    assert faults_of("a.md") == ["a.py: no such file"]
    assert "page_routes" in names_of(ROOT / "tests/support/routes.py")
    assert "list_routes" not in names_of(ROOT / "tests/support/routes.py")


def test_every_page_is_in_the_navigation_and_in_contributing() -> None:
    assert {name.removesuffix(".md").rpartition("-")[2] for name in GUIDES} == KINDS
    assert "- Contribute:\n" in (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert re.search(r"^ +- [\w -]+: dev/$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE)
    for page, folder in ((ROOT / "CONTRIBUTING.md", "docs/dev/"), (PLACE / "README.md", "")):
        linked = {target for _, target in LINK.findall(page.read_text(encoding="utf-8"))}
        assert {f"{folder}{name}" for name in GUIDES} <= linked, page


@pytest.mark.parametrize("name", GUIDES)
def test_a_page_has_steps_in_order_and_says_of_each_what_fails(name: str) -> None:
    text = read(name)
    assert text.startswith("# Adding a")
    steps = STEP.findall(text)
    assert steps == [str(number) for number in range(1, len(steps) + 1)]
    assert len(steps) > 4
    rows = re.findall(r"^\| (\d+) \| (.+?) \| ?(.*?) ?\|$", part(name, "If a step is forgotten"), re.MULTILINE)
    assert [number for number, _, _ in rows] == steps
    for number, what, message in rows:
        assert what.startswith("nothing") or message, f"step {number}: what does it say?"


@pytest.mark.parametrize("name", GUIDES)
def test_messages_that_a_page_quotes_are_in_the_code(name: str) -> None:
    missing = [said for said in re.findall("“([^”]+)”", read(name)) if not is_said(said)]
    assert missing == []


def is_said(message: str) -> bool:
    return any(message in text_of(path) for path in python_files(*PACKAGES) if path != Path(__file__))


@pytest.mark.parametrize("name", GUIDES)
def test_commands_of_a_page_can_be_typed(name: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    commands = re.findall(r"```console\n(.*?)```", read(name), re.DOTALL)[0].splitlines()
    assert commands
    for command in commands:
        program, *words = command.replace('"', "").split()
        if program == "make":
            assert f"\n{words[0]}:" in makefile, command
            paths = [word.removeprefix("T=") for word in words[1:] if "/" in word]
        else:
            assert program == ".venv/bin/python", command
            paths = [words[1].replace(".", "/") + ".py"] if words[0] == "-m" else [words[0]]
        assert [path for path in paths if not (ROOT / path).exists()] == [], command


def names_in(module: object) -> set[str]:
    return {name for name, found in vars(module).items() if inspect.isfunction(found)}


def test_tables_list_what_the_code_has() -> None:
    control = {field.name: field.default is MISSING and field.default_factory is MISSING for field in fields(Control)}
    rows = dict(
        re.findall(r"^\| `(\w+)` \| (yes)? ?\|", part("adding-a-control.md", "Fields of a control"), re.MULTILINE)
    )
    assert {name: not optional for name, optional in rows.items()} == control
    collector = listed(part("adding-a-collector.md", "Fields of a collector"))
    assert collector == [field.name for field in fields(Collector)]
    work = [field.name for field in fields(WorkItem)]
    methods = {name for name in vars(Tracker) if name[0] != "_"} | set(Tracker.__annotations__)
    tracker = listed(part("adding-a-tracker.md", "Members"))
    assert tracker[-len(work) :] == work
    assert set(tracker[: -len(work)]) == methods
    tables = {name for name in Api.__annotations__ if name != "query"}
    assert set(listed(part("adding-an-endpoint.md", "Tables of an API view"))) == tables
    told = listed(part("adding-a-channel.md", "Steps: a kind of notification"))
    assert set(told) == inspect.signature(notify_people).parameters.keys()


def test_the_table_of_decorators_is_whole() -> None:
    marks = {"permission", "open_to"}
    path = Path(inspect.getfile(web))
    setting = {
        node.name
        for node in nodes_of(path)
        if isinstance(node, ast.FunctionDef)
        and any(isinstance(each, ast.Attribute) and each.attr in marks for each in ast.walk(node))
    }
    assert set(listed(part("adding-a-page.md", "Decorators"))) == setting & names_in(web)


def test_the_table_of_machines_is_whole() -> None:
    rows = re.findall(r"^\| `(\w+)` \| `(\w+)` \| (.+) \|$", part("adding-a-state.md", "Machines"), re.MULTILINE)
    assert {machine: first for machine, first, _ in rows} == FIRST
    for machine, _, pictures in rows:
        drawn = {page for page in PICTURES if f"%% machine: {MACHINES[machine].name}\n" in PICTURES[page]}
        assert {target for _, target in LINK.findall(pictures)} == drawn, machine


def test_permission_guide_names_the_right_modules() -> None:
    naming = {
        str(path.relative_to(ROOT))
        for path in python_files(*PRODUCT)
        if names_used(path) >= {permission.name for permission in Permission}
    }
    assert set(listed(part("adding-a-permission.md", "Places"))) == naming


def names_used(path: Path) -> set[str]:
    """Attributes that a module asks for, and names that it assigns."""
    asked = {node.attr for node in nodes_of(path) if isinstance(node, ast.Attribute)}
    return asked | names_of(path)


def environment_readers() -> dict[str, set[str]]:
    """Each function of governance.core.env that the settings call with a variable's name: the variables."""
    found: dict[str, set[str]] = {}
    for node in nodes_of(ROOT / "governance/settings.py"):
        match node:
            case ast.Call(ast.Attribute(ast.Name("env"), reader), [ast.Constant(str(variable)), *_]):
                found.setdefault(reader, set()).add(variable)
    return found


def test_the_table_of_readers_is_whole() -> None:
    special = {"origins"}  # it makes a part of a header from a URL that another reader reads
    assert set(listed(part("adding-a-setting.md", "Readers"))) == environment_readers().keys() - special


def test_page_of_settings_has_every_variable() -> None:
    """docs/configuration.md: every variable that the code reads, and none that it doesn't."""
    page = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
    rows = {name for row in re.findall(r"^\| (`.+?) \| ", page, re.MULTILINE) for name in VARIABLE.findall(row)}
    named = {
        node.value
        for path in python_files(*PRODUCT)
        for node in nodes_of(path)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and OWN_VARIABLE.fullmatch(node.value)
    }
    apart = {"DATABASE_PASSWORD", "BROKER_PASSWORD"}  # read_secret_url reads them beside the URL
    used = named.union(apart, *environment_readers().values())
    assert used - rows == set(), "docs/configuration.md lacks these"
    assert rows - used == {"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"} & rows


def test_page_of_evidence_has_every_type() -> None:
    """docs/evidence.md: every collector with every type that it yields."""
    page = (ROOT / "docs/evidence.md").read_text(encoding="utf-8")
    rows = set(re.findall(r"^\| (\w+)(?: \([^|]*\))? \| `([\w.]+)` \|", page, re.MULTILINE))
    assert rows == {(name, type) for name, item in registry.collectors().items() for type in item.collector.types}


def test_every_collector_has_a_test_module() -> None:
    used = imported_by(python_files("tests"))
    assert {name for name in registry.collectors() if name not in used} == set()


def imported_by(paths: Iterable[Path]) -> set[str]:
    """Collectors that the tests of collectors import."""
    found: set[str] = set()
    for path in paths:
        if path.parent == ROOT / "tests/scans/collectors":
            for node in nodes_of(path):
                if isinstance(node, ast.ImportFrom) and str(node.module).startswith("scans.collectors"):
                    found |= {str(node.module).rpartition(".")[2], *(alias.name for alias in node.names)}
    return found


def test_readme_says_how_many_controls_there_are() -> None:
    assert f"**{len(registry.controls())} controls**" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_state_has_a_color() -> None:
    sheet = set(re.findall(r"\.state-(\w+)", (ROOT / "static/tutela.css").read_text(encoding="utf-8")))
    every = {to for machine in MACHINES.values() for _, to in machine.moves.values()} | set(FIRST.values())
    assert every - sheet == set()


def test_actionable_states_name_existing_kinds_and_states() -> None:
    machines = {"exception": states.EXCEPTION, "ticket": states.TICKET}
    sent = {
        (str(ast.unparse(node.func)).rpartition(".")[2], arg.value)
        for path in python_files("exceptions")
        for node in nodes_of(path)
        if isinstance(node, ast.Call)
        for arg in [*node.args, *(word.value for word in node.keywords)]
        if isinstance(arg, ast.Constant) and isinstance(arg.value, str)
    }
    words = {word for function, word in sent if function.startswith("notify_")}
    for kind, open_in in ACTIONABLE_STATES.items():
        about, _, word = kind.partition(".")
        assert word in words or kind in words, kind
        assert open_in <= {to for _, to in machines[about].moves.values()} | {FIRST[about.upper()]}, kind
