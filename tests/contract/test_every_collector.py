"""G1: every collector against answers made from botocore's models, and every control over what was read.

A collector or call that is added later is tried without a change here. Each run has a seed, which a failure names:
TUTELA_CONTRACT_SEED=SEED tries that one only.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from accounts.aws import session
from scans import registry
from scans.domain.control import Verdict
from scans.domain.engine import SHAPE_ERRORS, JudgedOutcome
from scans.domain.evidence import parse_evidence, serialize_evidence
from scans.pipeline.account_reader import AccountUnreadableError
from tests.contract.plausible import REGION
from tests.contract.shapes import MODES, Maker
from tests.contract.wire import Evidences, Wire, judge, wired
from tests.support.examples import examples

ONE = os.environ.get("TUTELA_CONTRACT_SEED")
# What is asked for and isn't in the shape, and why that is right.
ASKED_ALL_THE_SAME = {
    # One function reads the items of the list and whole executions, which have it.
    "ssm.DescribeAutomationExecutions: AutomationExecutionMetadata has no member Parameters",
    # The same of OpsItems.
    "ssm.DescribeOpsItems: OpsItemSummary has no member Description",
}
# Declared calls that no made-up answer leads to, and why.
NOT_MADE: dict[str, str] = {}
SHAPE_ERROR_CODES = {error.__name__ for error in SHAPE_ERRORS}


def seeds(count: int) -> list[str]:
    return [ONE] if ONE else [str(number) for number in range(examples(count))]


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    with wired(Maker("", MODES["nothing"]).answer) as made:
        yield made


@pytest.mark.parametrize("mode", MODES)
def test_every_answer_of_the_model_is_read_and_judged(wire: Wire, mode: str) -> None:
    faults: dict[str, str] = {}
    for seed in seeds(12):
        for fault in find_faults(wire, seed, mode):
            faults.setdefault(fault, seed)
    assert not faults, "".join(f"\n{fault} (TUTELA_CONTRACT_SEED={seed} -k '{mode}')" for fault, seed in faults.items())


def find_faults(wire: Wire, seed: str, mode: str) -> Iterator[str]:
    maker = Maker(seed, MODES[mode])
    wire.answer = maker.answer
    wire.breaches.clear()
    try:
        evidences = wire.read()
    except AccountUnreadableError:  # its regions have odd names or states
        return
    yield from find_odd_evidence(evidences)
    yield from maker.wrong - ASKED_ALL_THE_SAME
    if mode != "wrong":  # there, an id that AWS gave in another form is asked about as it is
        yield from wire.breaches
    for item in judge(evidences):
        if mode == "nothing" and item.outcome.verdict is Verdict.PASS:
            yield f"{item.control.id} passes where AWS answered nothing: {item.outcome.reason}"
        if mode != "wrong" and (code := tripped(item)):
            yield f"{item.control.id} can't read a fact of {item.type} that its collector yields: {code}"


def find_odd_evidence(evidences: Evidences) -> Iterator[str]:
    for (_, name), evidence in evidences.items():
        data = serialize_evidence(evidence)
        if serialize_evidence(parse_evidence(data)) != data:
            yield f"the evidence of {name} has another form once it was stored"
        facts = registry.collectors()[name].collector.facts
        for resource in evidence.resources:
            if undeclared := sorted(set(resource.facts) - set(facts.get(resource.type, ()))):
                yield f"{name} yields {resource.type} with {', '.join(undeclared)}, which it doesn't declare"


def tripped(item: JudgedOutcome) -> str:
    """The exception that a control met in a fact, if any. The engine makes an UNKNOWN of it."""
    return next((g.code for g in item.outcome.gaps if g.code in SHAPE_ERROR_CODES and g.api == item.type), "")


@pytest.mark.slow
@pytest.mark.exhaustive
def test_every_declared_call_is_made(wire: Wire) -> None:
    declared = {call.api for item in registry.collectors().values() for call in item.collector.calls}
    wire.asked.clear()
    for seed in map(str, range(40)):
        for mode in ("full", "most", "future"):
            wire.answer = Maker(seed, MODES[mode]).answer
            wire.read()
        if declared <= {".".join(api) for api in wire.asked}:
            break
    left = declared - {".".join(api) for api in wire.asked}
    assert left == set(NOT_MADE), "give tests/contract/plausible.py texts that lead to these calls, or a reason here"


def test_one_seed_makes_the_same_answers_again(wire: Wire) -> None:
    def read() -> list[bytes]:
        wire.answer = Maker("again", MODES["full"]).answer
        return [serialize_evidence(item) for item in wire.read().values()]

    assert read() == read()


def test_a_member_that_the_model_lacks_is_noted(wire: Wire) -> None:
    maker = Maker("1", MODES["full"])
    model = session.client("macie2", REGION).meta.service_model.operation_model("GetMacieSession")
    answer = maker.answer(model, {}, REGION)
    answer.get("status")
    answer.get("staus")
    (noted,) = maker.wrong
    assert noted.endswith("has no member staus")
