"""One document in one region, with the answers about it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from scans.collectors.ssm_documents import COLLECTOR, collect
from scans.domain.collector import EarlierEvidence
from scans.domain.evidence import Evidence, Resource, serialize_evidence
from tests.scans.collectors.fake_reader import FakeReader

BASE = "arn:aws:ssm:eu-west-1:111122223333:document/"
SHELL = "SSM-SessionManagerRunShell"
STEP = {"name": "script", "action": "aws:executeScript", "inputs": {"Runtime": "python3.11", "Script": "pass"}}
RUNBOOK = {"schemaVersion": "0.3", "mainSteps": [STEP]}


def session_content(**inputs: Any) -> dict[str, Any]:
    return {"schemaVersion": "1.0", "sessionType": "Standard_Stream", "inputs": inputs}


def version(number: str, day: int = 1) -> dict[str, Any]:
    return {"DocumentVersion": number, "CreatedDate": datetime(2026, 1, day, tzinfo=UTC)}


class Scene:
    """One document in one region, with the answers about it."""

    def __init__(self, content: Any, kind: str = "Automation", name: str = "Doc", format: str = "JSON") -> None:
        text = content if isinstance(content, str) else json.dumps(content)
        self.name = name
        self.reader = FakeReader(COLLECTOR)
        self.reader.answer("ssm", "ListDocuments", {"DocumentIdentifiers": [{"Name": name, "DocumentType": kind}]})
        self.reader.answer(
            "ssm", "GetDocument", {"Name": name, "Content": text, "DocumentFormat": format, "DocumentVersion": "1"}
        )
        self.reader.answer("ssm", "ListDocumentVersions", {"DocumentVersions": [version("1")]})
        self.reader.answer("ssm", "DescribeDocumentPermission", {"AccountIds": []})
        self.reader.answer("cloudtrail", "LookupEvents", {"Events": []})

    def evidence(self) -> Evidence:
        evidence = collect(self.reader, EarlierEvidence())
        serialize_evidence(evidence)
        return evidence

    def facts(self, type: str = "ssm.document") -> dict[str, Any]:
        return found(self.evidence(), type, self.name).facts


def found(evidence: Evidence, type: str, name: str) -> Resource:
    (resource,) = [r for r in evidence.resources if r.type == type and r.arn == BASE + name]
    return resource
