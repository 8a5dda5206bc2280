"""Pages written by hand that say what the code says: error types, states, and the words of pages."""

from __future__ import annotations

import ast
import re
from http import HTTPStatus

import pytest

from governance.core import states
from governance.rest import problems
from tests.architecture.test_code import PRODUCT, ROOT, python_files

URN = re.compile(r"urn:tutela:problem:([a-z-]+)")


def read(page: str) -> str:
    return (ROOT / "docs" / page).read_text(encoding="utf-8")


def error_types_of_code() -> dict[str, int]:
    """Type -> status: of the table of statuses, of problems with a kind of their own, and written out elsewhere."""
    found = {name: status for status, name in problems.PROBLEM_CODES.items()}
    for node in ast.walk(ast.parse((ROOT / "governance/rest/problems.py").read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "ProblemDetails":
            kinds = [word.value for word in node.keywords if word.arg == "kind"]
            found |= {ast.literal_eval(kind): ast.literal_eval(node.args[0]) for kind in kinds}
    for path in python_files(*PRODUCT):
        text = path.read_text(encoding="utf-8")
        for name in URN.findall(text):
            found.setdefault(name, int(re.search(rf'{name}".*?"status": (\d+)', text)[1]))
    return found


def test_page_of_errors_has_every_type_with_its_status() -> None:
    written = dict(re.findall(r"^## ([a-z-]+)\n\*\*(\d+)\.\*\* ", read("errors.md"), re.MULTILINE))
    assert {name: int(status) for name, status in written.items()} == error_types_of_code()
    assert len(written) > len(problems.PROBLEM_CODES)
    assert problems.ProblemDetails(418, "").document()["type"] == "urn:tutela:problem:refused"
    assert "## refused\n" in read("errors.md")


def test_page_of_api_names_the_same_types() -> None:
    rows = re.findall(r"^\| ([\d, ]+) \| ((?:`[a-z-]+`(?:, )?)+) \|", read("api.md"), re.MULTILINE)
    written = {name: status for status, names in rows for name in re.findall(r"`([^`]+)`", names)}
    assert written.keys() == error_types_of_code().keys()
    assert all(str(status) in written[name] for name, status in error_types_of_code().items())
    assert all(HTTPStatus(status) for status in error_types_of_code().values())


@pytest.mark.parametrize(
    ("page", "machine"),
    [
        ("explanation/scan.md", states.SCAN),
        ("explanation/scan.md", states.TARGET),
        ("explanation/decision.md", states.EXCEPTION),
        ("workflow.md", states.TICKET),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_picture_of_states_has_every_move(page: str, machine: states.StateMachine) -> None:
    [picture] = re.findall(rf"%% machine: {machine.name}\n(.*?)```", read(page), re.DOTALL)
    drawn = set(re.findall(r"^    (\w+) --> (\w+): (\w+)$", picture, re.MULTILINE))
    moves = {(source, to, event) for event, (sources, to) in machine.moves.items() for source in sources}
    assert drawn == moves


def test_tutorial_names_words_that_pages_have() -> None:
    """What is bold in it is a link, a button or a field of a page."""
    named = set(re.findall(r"\*\*([^*]+)\*\*", read("tutorial/first-exception.md")))
    assert len(named) > 8
    pages = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "templates").rglob("*.html"))
    said = {
        node.value
        for path in python_files(*PRODUCT)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    unknown = {name for name in named if not re.search(rf"[>}}]\s*{re.escape(name)}\s*[<{{]", pages)}
    assert unknown - said == set()


def test_tutorial_names_controls_and_people_of_the_demo() -> None:
    page = read("tutorial/first-exception.md")
    assert "SSM-EB-001" in page
    people = (ROOT / "demo/people.py").read_text(encoding="utf-8")
    printed = re.findall(r"^ +(\w+) +…  ", page, re.MULTILINE)
    assert printed == re.findall(r'^        "(\w+)": \[\(Role', people, re.MULTILINE)
