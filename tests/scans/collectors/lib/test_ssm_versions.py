"""Former versions of documents stay readable, so their texts count (A6)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from accounts.aws.gaps import Gap, GapKind
from scans.collectors import ssm_documents
from scans.collectors.lib import text_reading
from scans.domain.collector import EarlierEvidence
from scans.domain.evidence import Evidence, serialize_evidence
from tests.scans.collectors.ssm_document_scene import RUNBOOK, Scene, found, version

URL = "https://deploy:Xk29vTq8LmZr4w@files.example.com/app"


def scene(*older: dict[str, Any]) -> Scene:
    """A clean document, of which an earlier version fetched from a URL with a password."""
    made = Scene(RUNBOOK)
    made.reader.answer("ssm", "ListDocumentVersions", {"DocumentVersions": [version("1"), *older]})
    made.reader.answer("ssm", "GetDocument", body(URL), when={"DocumentVersion": "2"})
    made.reader.answer("ssm", "GetDocument", body("no url"), when={"DocumentVersion": "3"})
    return made


def body(text: str) -> dict[str, Any]:
    step = {"action": "aws:runShellScript", "inputs": {"runCommand": [f"curl {text}"]}}
    return {"Content": json.dumps({"mainSteps": [step]}), "DocumentFormat": "JSON"}


def facts(evidence: Evidence) -> dict[str, Any]:
    return found(evidence, "ssm.document", "Doc").facts


def test_a_former_version_counts_and_is_named() -> None:
    made = scene(version("2"), version("3"))
    evidence = made.evidence()
    field = "version 2: Content.mainSteps[0].inputs.runCommand[0]"
    assert facts(evidence)["url_credentials"] == [field]
    assert facts(evidence)["hits"] == [{"field": field, "detector": "url_credentials"}]
    assert "Xk29" not in serialize_evidence(evidence).decode()
    assert made.reader.count("ssm", "GetDocument") == 3


def test_versions_are_remembered_since_they_can_not_change() -> None:
    made = scene(version("2"), version("3"))
    first = made.evidence()
    again = ssm_documents.collect(made.reader, EarlierEvidence(before=(first,)))
    assert serialize_evidence(again) == serialize_evidence(first)
    assert made.reader.count("ssm", "GetDocument") == 4  # the current version may be another one now


def test_a_document_made_again_has_other_versions() -> None:
    made = scene(version("2"))
    first = made.evidence()
    made.reader.answer("ssm", "ListDocumentVersions", {"DocumentVersions": [version("1"), version("2", day=5)]})
    ssm_documents.collect(made.reader, EarlierEvidence(before=(first,)))
    assert made.reader.count("ssm", "GetDocument") == 4


def test_other_code_reads_versions_again() -> None:
    made = scene(version("2"))
    first = made.evidence()
    facts(first)["looked_with"] = "0" * 16
    ssm_documents.collect(made.reader, EarlierEvidence(before=(first,)))
    assert made.reader.count("ssm", "GetDocument") == 4


@pytest.mark.parametrize("name", ["hits", "url_credentials"])
def test_a_denied_version_is_no_clean_version(name: str) -> None:
    made = scene(version("3"))
    made.reader.refuse("ssm", "GetDocument", when={"DocumentVersion": "3"})
    assert facts(made.evidence())[name] == made.reader.gap("ssm", "GetDocument")


@pytest.mark.parametrize("name", ["hits", "url_credentials"])
def test_a_denied_list_of_versions_is_a_gap(name: str) -> None:
    made = scene()
    made.reader.refuse("ssm", "ListDocumentVersions")
    read = facts(made.evidence())
    assert read[name] == made.reader.gap("ssm", "ListDocumentVersions")
    assert read["uses_script"] is True, "other facts don't need the versions"


def test_a_hit_is_certain_even_if_other_versions_are_denied() -> None:
    made = scene(version("2"), version("3"))
    made.reader.refuse("ssm", "GetDocument", when={"DocumentVersion": "3"})
    assert len(facts(made.evidence())["url_credentials"]) == 1


@pytest.mark.parametrize("versions", [[], ["x"], [{}], [{"DocumentVersion": 4}]])
def test_malformed_versions_are_a_gap(versions: list[Any]) -> None:
    made = scene()
    made.reader.answer("ssm", "ListDocumentVersions", {"DocumentVersions": versions})
    assert facts(made.evidence())["hits"].kind is GapKind.MALFORMED


def test_a_version_that_is_gone_is_left_out() -> None:
    made = scene(version("3"))
    made.reader.refuse(
        "ssm", "GetDocument", "InvalidDocumentVersion", kind=GapKind.REJECTED, when={"DocumentVersion": "3"}
    )
    assert facts(made.evidence())["hits"] == []


def test_a_document_that_is_gone_is_dropped() -> None:
    made = scene()
    made.reader.refuse("ssm", "ListDocumentVersions", "InvalidDocument", kind=GapKind.REJECTED)
    assert [r.type for r in made.evidence().resources] == ["ssm.session_document"]


def test_versions_beyond_the_bound_are_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssm_documents, "BoundedReads", lambda aws: text_reading.BoundedReads(aws, 0))
    hits = facts(scene(version("3")).evidence())["hits"]
    assert isinstance(hits, Gap)
    assert hits.code == "Over0Reads"
