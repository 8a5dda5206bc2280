"""Documents that are refused, malformed, hostile or gone."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.aws.gaps import Gap, GapKind
from scans.collectors.ssm_documents import COLLECTOR, collect
from scans.domain.collector import EarlierEvidence
from tests.scans.collectors.fake_reader import FakeReader
from tests.scans.collectors.ssm_document_scene import RUNBOOK, SHELL, Scene, found, session_content

BODY = (
    "session",
    "uses_script",
    "references",
    "attachments",
    "log_groups",
    "unplaced_log_groups",
    "hits",
    "url_credentials",
)
BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{n}: &{n} [*{p},*{p},*{p},*{p},*{p},*{p},*{p},*{p},*{p}]\n" for p, n in zip("abcdefgh", "bcdefghi", strict=True)
)


MALFORMED, TOO_COSTLY = GapKind.MALFORMED, GapKind.TOO_COSTLY


@pytest.mark.parametrize(
    ("content", "format", "kind"),
    [
        ("{", "JSON", MALFORMED),
        ("[1, 2]", "JSON", MALFORMED),
        ('"text"', "JSON", MALFORMED),
        ("[" * 30_000, "JSON", TOO_COSTLY),
        ('{"a":' * 900 + "1" + "}" * 900, "JSON", TOO_COSTLY),
        ("a: [", "YAML", MALFORMED),
        ("a: !!timestamp x", "YAML", MALFORMED),
        ("a: !!int ''", "YAML", MALFORMED),
        ("a: !!python/object/apply:os.system [id]", "YAML", MALFORMED),
        ("&a [*a]", "YAML", TOO_COSTLY),
        ("a: &a {b: *a}", "YAML", TOO_COSTLY),
        (BOMB, "YAML", TOO_COSTLY),
        ("x" * 300_000, "JSON", TOO_COSTLY),
        ('{"n": ' + "1" * 10_000 + "}", "JSON", MALFORMED),
    ],
)
def test_a_body_that_can_not_be_read_says_why(content: str, format: str, kind: GapKind) -> None:
    scene = Scene(content, "Session", format=format)
    evidence = scene.evidence()
    facts = found(evidence, "ssm.document", "Doc").facts
    for name in BODY:
        assert isinstance(facts[name], Gap), name
        assert facts[name].kind is kind
    assert facts["shared_with"] == []
    assert found(evidence, "ssm.session_document", "Doc").facts["session"] == facts["session"]


@pytest.mark.parametrize("answer", [{}, {"Content": None}, {"Content": 3}, {"Content": "{}", "DocumentFormat": 7}])
def test_malformed_answers_of_get_document(answer: dict[str, Any]) -> None:
    scene = Scene(RUNBOOK)
    scene.reader.answer("ssm", "GetDocument", answer)
    assert all(scene.facts()[name].kind is GapKind.MALFORMED for name in BODY)


@pytest.mark.parametrize("inputs", ["x", [1], {"s3BucketName": 4}, {"kmsKeyId": {"a": 1}}])
def test_session_inputs_of_other_types_are_malformed(inputs: Any) -> None:
    facts = Scene({"schemaVersion": "1.0", "sessionType": "Standard_Stream", "inputs": inputs}, "Session").facts()
    assert facts["session"].kind is GapKind.MALFORMED
    assert facts["references"].kind is GapKind.MALFORMED
    assert facts["hits"] == []


def test_a_denied_list_leaves_even_the_preferences_unknown() -> None:
    reader = FakeReader(COLLECTOR).refuse("ssm", "ListDocuments")
    evidence = collect(reader, EarlierEvidence())
    gap = reader.gap("ssm", "ListDocuments")
    assert evidence.gaps == {"ssm.document": [gap], "ssm.session_document": [gap]}
    (resource,) = evidence.resources
    assert resource.facts == {"name": SHELL, "exists": gap, "session": gap}
    assert reader.count() == 1


def test_preferences_seen_before_a_refusal_are_kept() -> None:
    scene = Scene(session_content(), "Session", SHELL)
    page = {"DocumentIdentifiers": [{"Name": SHELL, "DocumentType": "Session"}]}
    scene.reader.refuse("ssm", "ListDocuments", after=[page])
    evidence = scene.evidence()
    assert found(evidence, "ssm.session_document", SHELL).facts["exists"] is True
    assert set(evidence.gaps) == {"ssm.document", "ssm.session_document"}


def test_denied_body_hides_only_facts_that_rest_on_it() -> None:
    scene = Scene(RUNBOOK)
    scene.reader.refuse("ssm", "GetDocument")
    facts = scene.facts()
    gap = scene.reader.gap("ssm", "GetDocument")
    assert {name for name, value in facts.items() if value == gap} == set(BODY)
    assert facts["shared_with"] == []


def test_a_denied_permission_is_never_read_as_not_shared() -> None:
    scene = Scene(RUNBOOK)
    scene.reader.refuse("ssm", "DescribeDocumentPermission", after=[{"AccountIds": ["444455556666"]}])
    facts = scene.facts()
    assert facts["shared_with"] == scene.reader.gap("ssm", "DescribeDocumentPermission")
    assert facts["uses_script"] is True


@pytest.mark.parametrize(
    ("ids", "expected"), [(["all"], ["all"]), (["All", "444455556666"], ["444455556666", "all"]), ([], [])]
)
def test_shared_with_joins_pages_of_accounts(ids: list[str], expected: list[str]) -> None:
    scene = Scene(RUNBOOK)
    scene.reader.answer("ssm", "DescribeDocumentPermission", {"AccountIds": ids[:1]}, {"AccountIds": ids[1:]})
    assert scene.facts()["shared_with"] == expected


@pytest.mark.parametrize("answer", [{}, {"AccountIds": "all"}, {"AccountIds": [None]}, {"AccountIds": [7]}])
def test_malformed_permissions_are_a_gap(answer: dict[str, Any]) -> None:
    scene = Scene(RUNBOOK)
    scene.reader.answer("ssm", "DescribeDocumentPermission", answer)
    assert scene.facts()["shared_with"].kind is GapKind.MALFORMED


@pytest.mark.parametrize("operation", ["GetDocument", "DescribeDocumentPermission"])
def test_a_document_that_was_deleted_meanwhile_is_dropped(operation: str) -> None:
    scene = Scene(RUNBOOK, "Session", SHELL)
    scene.reader.refuse("ssm", operation, "InvalidDocument", kind=GapKind.REJECTED)
    evidence = scene.evidence()
    assert [r.type for r in evidence.resources] == ["ssm.session_document"]
    assert evidence.resources[0].facts == {"name": SHELL, "exists": False, "session": None}
    assert evidence.gaps == {}


def test_a_document_of_unknown_type_is_unknown() -> None:
    scene = Scene(RUNBOOK)
    scene.reader.answer("ssm", "ListDocuments", {"DocumentIdentifiers": [{"Name": "Doc"}]})
    evidence = scene.evidence()
    facts = found(evidence, "ssm.document", "Doc").facts
    assert facts["document_type"].kind is GapKind.MALFORMED
    assert facts["session"].kind is GapKind.MALFORMED
    assert [gap.kind for gap in evidence.gaps["ssm.session_document"]] == [GapKind.MALFORMED]
    assert found(evidence, "ssm.session_document", SHELL).facts["exists"] == facts["document_type"]
