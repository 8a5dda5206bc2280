"""Replays a recording of `manage.py doctor --record`: the collectors read it as if AWS answered.

    document = json.loads(path.read_text())
    evidences = read_recording(document)
    outcomes = judge_recording(document, evidences, at)

A call that was not recorded is a gap, never an empty answer.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from botocore import xform_name

from accounts.aws import call_rates, session
from accounts.aws.calls import CallError
from accounts.aws.credentials import acting_as
from accounts.aws.gaps import Gap, GapKind
from accounts.aws.reader import AwsReader
from scans import registry
from scans.domain.collector import SCAN_ROLE
from scans.domain.engine import JudgedOutcome
from scans.domain.evidence import GLOBAL, Context, Evidence
from scans.domain.redaction import BYTES_KEY, TIME_KEY, Redactor
from scans.management.account_recording import load_public_words, load_service_model
from scans.pipeline import account_reader
from scans.pipeline.target_evaluation import evaluate_evidence
from tests.accounts.aws.roles import FakeRole

Evidences = dict[account_reader.EvidenceKey, Evidence]
NOT_RECORDED = "NotRecorded"


class Recording:
    """The answers of a recording, by service, operation and parameters, in the place where they were asked."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.account: str = document["account"]
        self.partition: str = document["partition"]
        self._redactor = Redactor(load_public_words())
        self._rows = {
            (row["service"], row["operation"], row["region"], canonical(row["params"])): row
            for row in document["calls"]
        }
        self._clients: dict[tuple[str, str], Any] = {}

    def build(self, service: str, region: str) -> Any:
        """A client for AwsReader. The region of a global read is its home region."""
        if (service, region) not in self._clients:
            self._clients[service, region] = self._make_client(service, region)
        return self._clients[service, region]

    def _make_client(self, service: str, region: str) -> Any:
        model = load_service_model(service)
        methods = {xform_name(name): partial(self._answer, service, name, region) for name in model.operation_names}
        return Client(meta=SimpleNamespace(service_model=model), **methods)

    def _answer(self, service: str, operation: str, region: str, **params: Any) -> dict[str, Any]:
        asked = canonical(params)
        for place in (region, GLOBAL):
            row = self._rows.get((service, operation, place, asked))
            if row is not None:
                break
        else:
            raise self._fail(service, operation, region, GapKind.NOT_READ, NOT_RECORDED, 0)
        if "error" in row:
            error = row["error"]
            failed = self._fail(
                service, operation, row["region"], GapKind(error["kind"]), error["code"], error["status"]
            )
            failed.bucket_region = error.get("bucket_region", "")
            raise failed
        answer: dict[str, Any] = restore(row["answer"])
        return answer

    def _fail(self, service: str, operation: str, region: str, kind: GapKind, code: str, status: int) -> CallError:
        call = next(call for call in registry.calls() if (call.service, call.operation) == (service, operation))
        return CallError(Gap(kind, call.api, call.action, region, code), "", status)


class Client(SimpleNamespace):
    """Hashed by identity, as AwsReader keeps methods by client."""

    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        return self is other


def restore(value: Any) -> Any:
    """A recorded value as botocore gives it."""
    if isinstance(value, list):
        return [restore(item) for item in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {TIME_KEY}:
        return datetime.fromisoformat(value[TIME_KEY]).replace(tzinfo=UTC)
    if set(value) == {BYTES_KEY}:
        return value[BYTES_KEY].encode()
    return {name: restore(item) for name, item in value.items()}


def canonical(params: dict[str, Any]) -> str:
    """Parameters without times: a collector that asks since yesterday asks otherwise on another day."""
    # Collectors sort the names that they ask for together, and substitutes sort otherwise.
    return json.dumps(with_sorted_lists(without_times(params)), sort_keys=True)


def with_sorted_lists(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: with_sorted_lists(item) for name, item in value.items()}
    if isinstance(value, list):
        return sorted((with_sorted_lists(item) for item in value), key=lambda item: json.dumps(item, sort_keys=True))
    return value


def without_times(value: Any) -> Any:
    if isinstance(value, datetime) or (isinstance(value, dict) and set(value) == {TIME_KEY}):
        return None
    if isinstance(value, dict):
        return {name: without_times(item) for name, item in value.items()}
    return [without_times(item) for item in value] if isinstance(value, (list, tuple)) else value


def read_recording(document: dict[str, Any]) -> Evidences:
    """The evidence that the collectors find in a recording."""
    recording = Recording(document)
    names = {name for name, item in registry.collectors().items() if item.collector.role == SCAN_ROLE}
    reader: Callable[..., AwsReader] = partial(AwsReader, build=recording.build)
    with ExitStack() as stack:
        stack.enter_context(patch.object(account_reader, "AwsReader", reader))
        stack.enter_context(patch.object(call_rates, "SECOND", 0.0))
        stack.enter_context(patch.dict(session.methods))
        stack.enter_context(acting_as(FakeRole(recording.account)))
        plan = account_reader.CollectionPlan(
            recording.account,
            recording.partition,
            names,
            regions_wanted=tuple(document["regions"]),
            context=build_context(document),
        )
        return account_reader.collect(plan).evidences


def build_context(document: dict[str, Any], at: str = "1970-01-01T00:00:00+00:00") -> Context:
    """What the recording tells of the organization."""
    names = ("partition", "account", "organization", "management_account")
    return Context(**{name: document[name] for name in names}, accounts=frozenset({document["account"]}), as_of=at)


def judge_recording(document: dict[str, Any], evidences: Evidences, at: datetime) -> list[JudgedOutcome]:
    """The outcomes of the controls that need one account only."""
    context = build_context(document, at.isoformat())
    chosen = [
        (item.control, item.evaluate) for item in registry.controls().values() if not item.control.needs_organization
    ]
    return evaluate_evidence(evidences, chosen, context, at).judged
