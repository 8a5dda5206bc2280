"""Reads one account whose AWS is made up: real clients, which check parameters and page, and no network."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

import pytest
from botocore.model import OperationModel

from accounts.aws import call_rates, session
from accounts.aws.credentials import acting_as
from scans import registry
from scans.collectors import ssm_nodes, ssm_values
from scans.domain.engine import JudgedOutcome
from scans.domain.evidence import Context, Evidence
from scans.pipeline import account_reader, target_evaluation
from scans.pipeline.role_sessions import RoleOnDemand
from tests.accounts.aws.roles import FakeRole
from tests.contract.plausible import ACCOUNT, OTHER, REGION
from tests.contract.shapes import list_breaches

Answer = Callable[[OperationModel, Mapping[str, Any], str], dict[str, Any]]
Evidences = dict[account_reader.EvidenceKey, Evidence]
CONTEXT = Context(
    account=ACCOUNT, organization="o-example1234", management_account=ACCOUNT, accounts=frozenset({ACCOUNT, OTHER}),
    bucket_owners={"shop-output": ACCOUNT, "shop-sessions": OTHER}, as_of="2026-03-01T00:00:00+00:00",
    policy={"inspect_values": True},
)  # fmt: skip
STATUS = "$status"  # in an answer: the HTTP status of a refusal
WHERE = {"regions_wanted": (REGION,), "inbound": {"shop-sessions": ("01",)}}


class Response:
    """What botocore's handlers see of an answer that was never sent."""

    headers: dict[str, str] = {}
    raw = None
    content = b""

    def __init__(self, status: int) -> None:
        self.status_code = status


@dataclass
class Wire:
    """The made-up AWS. asked: the operations that were called. breaches: parameters beyond the model's limits."""

    answer: Answer
    asked: set[tuple[str, str]] = field(default_factory=set)
    breaches: set[str] = field(default_factory=set)

    def note(self, params: Mapping[str, Any], model: OperationModel, context: dict[str, Any], **_: Any) -> None:
        api = (model.service_model.service_name, model.name)
        self.asked.add(api)
        self.breaches.update(list_breaches(model.input_shape, params, ".".join(api)))
        context["asked_with"] = dict(params)

    def reply(self, model: OperationModel, context: dict[str, Any], **_: Any) -> tuple[Response, dict[str, Any]]:
        # botocore's own handlers change some answers, and need the member that every answer has.
        found = self.answer(model, context["asked_with"], context["client_region"])
        response = Response(found.pop(STATUS, 200))
        found["ResponseMetadata"] = {"HTTPStatusCode": response.status_code}
        return response, found

    def read(self, **more: Any) -> Evidences:
        """Everything that the collectors read in the account."""
        ssm_nodes._encrypting.clear()
        plan = account_reader.CollectionPlan(
            ACCOUNT, "aws", set(registry.collectors()), context=CONTEXT,
            value_role=RoleOnDemand(lambda: FakeRole(ACCOUNT)),  # type: ignore[arg-type,return-value]
            **{**WHERE, **more},
        )  # fmt: skip
        with acting_as(FakeRole(ACCOUNT)):
            return account_reader.collect(plan).evidences


@contextmanager
def wired(answer: Answer) -> Iterator[Wire]:
    """This process with a made-up AWS. Nothing waits."""
    wire = Wire(answer)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        patch.setattr(call_rates, "SECOND", 0.0)
        patch.setattr(ssm_values, "SECONDS_APART", 0)
        for name, item in registry.collectors().items():
            if "sleep" in inspect.signature(item.collect).parameters:
                awake = partial(item.collect, sleep=lambda _: None)
                patch.setitem(registry.collectors(), name, registry.LoadedCollector(item.collector, awake))
        session.reset()
        events = session.get_botocore_session()
        events.register("before-parameter-build", wire.note)
        events.register("before-call", wire.reply)
        yield wire
        session.reset()


def judge(evidences: Evidences) -> list[JudgedOutcome]:
    """Every control over this evidence."""
    chosen = [(item.control, item.evaluate) for item in registry.controls().values()]
    at = datetime.fromisoformat(CONTEXT.as_of)
    return target_evaluation.evaluate_evidence(evidences, chosen, CONTEXT, at, [REGION]).judged
