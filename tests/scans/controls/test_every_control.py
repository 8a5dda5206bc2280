"""Every control, by its own cases: nothing here names one."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from accounts.aws.gaps import Gap
from scans import registry
from scans.domain.control import GAP, Case, Outcome, Verdict
from scans.domain.engine import judge_resource
from scans.domain.evidence import GLOBAL, Context, Evidence, Resource, World
from scans.domain.remediation import PLACEHOLDER, fill_remediation

ROOT = Path(__file__).resolve().parents[3]
SOURCE_STATEMENTS = {f"S{n}" for n in range(1, 26)}
CONTROLS = registry.controls()


def every_case() -> Iterator[object]:
    for id, item in CONTROLS.items():
        for case in item.cases:
            yield pytest.param(item, case, id=f"{id} {case.name}")


def world_of(item: registry.LoadedControl, case: Case, *, without_related: bool = False) -> World:
    control = item.control
    evidence = Evidence("cases", case.region, types=tuple(control.related))
    for type, by_arn in case.related.items():
        for arn, facts in by_arn.items():
            region = str(facts.get("$region", case.region))
            evidence.resources.append(Resource(type, arn, region, {k: v for k, v in facts.items() if k != "$region"}))
    for type in control.related if without_related else case.related_gaps:
        evidence.record_gap(type, GAP)
    if without_related:
        evidence.resources = [
            Resource(r.type, r.arn, r.region, dict.fromkeys(r.facts, GAP)) for r in evidence.resources
        ]
    return World([evidence, Evidence("cases", GLOBAL, types=tuple(control.related))])


def judge_case(
    item: registry.LoadedControl, case: Case, *, withhold: str = "", without_related: bool = False
) -> Outcome | None:
    control = item.control
    type = case.type or next(iter(control.facts))
    facts = {name: GAP if name == withhold else value for name, value in case.facts.items()}
    context = Context(**{"account": "111122223333", "as_of": "2026-01-01T00:00:00+00:00", **case.context})
    world = world_of(item, case, without_related=without_related)
    return judge_resource(
        control, item.evaluate, world, context, Resource(type, case.arn, case.region, facts), control.facts[type]
    )


SIZES = {"ID": 11, "AC": 8, "AU": 7, "DT": 2, "PS": 5, "KM": 3, "EB": 4, "S3": 11, "DS": 14, "LG": 5, "SM": 2,
         "DC": 2, "FF": 5, "MN": 3, "NT": 3, "VP": 4, "RD": 1}  # fmt: skip


# That a region can't be read is no failure of what is in it.
NEVER_FAIL = {"SSM-RD-001"}


def test_catalog_has_every_control() -> None:
    """77 controls, one of them in 14 instances."""
    expected = {f"SSM-{group}-{n:03d}" for group, size in SIZES.items() if group != "DS" for n in range(1, size + 1)}
    assert set(CONTROLS) == expected | {f"SSM-DS-001.{n:02d}" for n in range(1, 15)}
    assert len({id.split(".")[0] for id in CONTROLS}) == 77


@pytest.mark.parametrize(("item", "case"), list(every_case()))
def test_control_case_gives_its_verdict(item: registry.LoadedControl, case: Case) -> None:
    outcome = judge_case(item, case)
    assert (outcome.verdict if outcome else None) == case.verdict, outcome
    if outcome:
        assert outcome.reason.endswith("."), outcome.reason
        assert case.reason_has in outcome.reason


# Idioms and vague persons, which a reader of another language stumbles over.
UNPLAIN = re.compile(
    r"\b(falls? short|(any|every|no|some)body|whoever|strangers?|the world|keeps? .* out)\b", re.IGNORECASE
)


@pytest.mark.parametrize("item", CONTROLS.values(), ids=CONTROLS)
def test_reasons_are_plain(item: registry.LoadedControl) -> None:
    outcomes = [judge_case(item, case) for case in item.cases]
    assert [found.reason for found in outcomes if found is not None and UNPLAIN.search(found.reason)] == []


@pytest.mark.parametrize("item", CONTROLS.values(), ids=CONTROLS)
def test_cases_show_pass_fail_and_unknown(item: registry.LoadedControl) -> None:
    wanted = {Verdict.PASS, Verdict.FAIL, Verdict.UNKNOWN} - (
        {Verdict.FAIL} if item.control.id in NEVER_FAIL else set()
    )
    assert {case.verdict for case in item.cases} >= wanted


@pytest.mark.parametrize("item", CONTROLS.values(), ids=CONTROLS)
def test_withholding_any_fact_that_a_pass_needs_gives_unknown(item: registry.LoadedControl) -> None:
    for case in item.cases:
        if case.verdict is not Verdict.PASS:
            continue
        type = case.type or next(iter(item.control.facts))
        for name in item.control.facts[type]:
            outcome = judge_case(item, case, withhold=name)
            assert outcome is not None, (case.name, name)
            assert outcome.verdict is Verdict.UNKNOWN, (case.name, name, outcome)


@pytest.mark.parametrize("item", CONTROLS.values(), ids=CONTROLS)
def test_withholding_all_evidence_is_never_a_pass(item: registry.LoadedControl) -> None:
    for case in item.cases:
        type = case.type or next(iter(item.control.facts))
        blank = replace(case, facts=dict.fromkeys(item.control.facts[type], GAP))
        outcome = judge_case(item, blank, without_related=True)
        # What the company's policy alone decides isn't withheld: a control that it doesn't ask for stays so.
        allowed = {Verdict.UNKNOWN, Verdict.FAIL} | {case.verdict} & {Verdict.NOT_APPLICABLE}
        assert outcome is None or outcome.verdict in allowed, (case.name, outcome)
        if outcome and outcome.verdict is Verdict.UNKNOWN:
            assert all(isinstance(gap, Gap) for gap in outcome.gaps)


@pytest.mark.parametrize("item", CONTROLS.values(), ids=CONTROLS)
def test_declaration_is_whole(item: registry.LoadedControl) -> None:
    control = item.control
    assert set(control.statements) <= SOURCE_STATEMENTS
    assert control.statements or control.source
    assert len(item.doc.splitlines()) >= 5, "the docstring is the documentation page"
    assert control.remediation.summary
    assert control.remediation.cli
    assert re.fullmatch(r"SSM-[A-Z0-9]{2}-\d{3}(\.\d{2})?", control.id)


@pytest.mark.parametrize("item", CONTROLS.values(), ids=CONTROLS)
def test_remediation_fills_from_the_resource(item: registry.LoadedControl) -> None:
    declared = {name for facts in item.control.facts.values() for name in facts}
    known = declared | {"arn", "name", "account", "region", "partition"}
    fix = item.control.remediation
    used = set(PLACEHOLDER.findall(fix.cli)) | set(PLACEHOLDER.findall(fix.code))
    assert used <= known, f"placeholders that nothing fills: {used - known}"
    filled = fill_remediation(
        item.control,
        arn="arn:aws:x:r:1:thing/a'; rm -rf",
        account="1",
        region="r",
        partition="aws",
        facts={"name": "a'; rm -rf /"},
    )
    assert "; rm -rf /" not in filled.cli.replace("'a'\"'\"'; rm -rf /'", "")


def test_quotes_are_the_source_documents_words() -> None:
    text = (ROOT / "docs/source.md").read_text(encoding="utf-8")
    plain = re.sub(r"[*\\`\[\]]|\(http[^)]*\)", "", text)
    plain = re.sub(r"\s+", " ", plain)
    for id, item in CONTROLS.items():
        if item.control.statements:
            assert item.control.quote.strip(" .…") in plain, id


def test_control_files_import_nothing_impure() -> None:
    for path in (ROOT / "scans/controls").glob("ssm_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                assert (node.module or "").split(".")[0] in {
                    "scans",
                    "__future__",
                    "collections",
                    "datetime",
                    "typing",
                    "re",
                    "accounts",
                    "dataclasses",
                    "fnmatch",
                    "functools",
                }, (path.name, node.module)


# What a docstring calls a page of AWS. An address must follow before the next such name.
GUIDE = re.compile(r"\b(?:guide|documentation|(?:API|[Gg]eneral|[Aa]uthorization|runbook) [Rr]eferences?|Blog)\b")
ADDRESS = re.compile(r"https://[^\s)]+")


def find_guides_without_address(doc: str) -> list[str]:
    """The words around each guide that a paragraph names without its address."""
    found = []
    for paragraph in doc.split("\n\n"):
        words = GUIDE.split(ADDRESS.sub("<address>", " ".join(paragraph.split())))
        found += [f"{before[-40:]}…{after[:40]}" for before, after in pairwise(words) if "<address>" not in after]
    return found


@pytest.mark.parametrize("id", CONTROLS)
def test_each_guide_that_a_page_names_has_an_address(id: str) -> None:
    doc = CONTROLS[id].doc
    assert find_guides_without_address(doc) == []
    assert ADDRESS.search(doc.partition("**Source of the facts.**")[2])


def test_a_guide_without_an_address_is_found() -> None:
    url = "https://docs.aws.amazon.com/a/guide.html"
    assert find_guides_without_address(f"IAM user guide, [roles]({url}); API reference, GetRole ({url}).") == []
    assert len(find_guides_without_address(f"IAM user guide, roles; API reference, [GetRole]({url}).")) == 1
    assert len(find_guides_without_address(f"As AWS's guide says.\n\n[Roles]({url})")) == 1
