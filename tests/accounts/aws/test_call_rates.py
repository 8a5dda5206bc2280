"""Calls that AWS allows only so often wait for their turn, by account, region and operation."""

from __future__ import annotations

import pytest

from accounts.aws.call_rates import Pacer
from accounts.aws.calls import Call
from accounts.aws.credentials import acting_as
from accounts.aws.reader import AwsReader, Counters
from accounts.aws.retry import Retrier
from scans import registry
from tests.accounts.aws.roles import FakeRole, FakeTime
from tests.accounts.aws.stub import Answer, refusal

ACCOUNT = "111111111111"
LOOKUP = Call("cloudtrail", "LookupEvents", "cloudtrail:LookupEvents", per_second=2)
PARAMETERS = Call("ssm", "DescribeParameters", "ssm:DescribeParameters")


def times(pacer: Pacer, time: FakeTime, *asked: tuple[str, str, Call]) -> list[float]:
    found = []
    for account, region, call in asked:
        pacer.wait(account, region, call)
        found.append(time.now - 1000.0)
    return found


def test_calls_of_one_account_region_and_operation_wait() -> None:
    time = FakeTime()
    assert times(Pacer(time.sleep, time.clock), time, *[("1", "r", LOOKUP)] * 4) == [0.0, 0.5, 1.0, 1.5]


def test_calls_of_other_accounts_regions_or_operations_pass() -> None:
    time = FakeTime()
    get = Call("ssm", "GetAutomationExecution", "x", per_second=3)
    asked = [("1", "r", LOOKUP), ("2", "r", LOOKUP), ("1", "s", LOOKUP), ("1", "r", get)]
    assert times(Pacer(time.sleep, time.clock), time, *asked) == [0.0] * 4


def test_a_pause_is_not_saved_up_for_a_burst() -> None:
    time = FakeTime()
    pacer = Pacer(time.sleep, time.clock)
    pacer.wait("1", "r", LOOKUP)
    time.now += 60
    assert times(pacer, time, *[("1", "r", LOOKUP)] * 3) == [60.0, 60.5, 61.0]


def reader(time: FakeTime, *calls: Call, region: str = "us-east-1", held: list[str] | None = None) -> AwsReader:
    counters = Counters(Retrier(time.sleep, time.clock, lambda: 0.0), Pacer(time.sleep, time.clock))
    return AwsReader(ACCOUNT, "aws", region, calls, counters=counters, slots=Slot(held) if held is not None else None)


class Slot:
    def __init__(self, told: list[str]) -> None:
        self.told = told

    def __enter__(self) -> None:
        self.told.append("taken")

    def __exit__(self, *_: object) -> None:
        self.told.append("given back")


def test_every_page_and_retry_waits(aws) -> None:
    answers = iter([
        Answer({"Events": [], "NextToken": "1"}), refusal("InternalFailure", status=500), Answer({"Events": []}),
    ])  # fmt: skip
    aws(lambda request: next(answers))
    time = FakeTime()
    with acting_as(FakeRole(ACCOUNT)):
        reader(time, LOOKUP).pages("cloudtrail", "LookupEvents", "Events")
    assert time.now - 1000.0 == pytest.approx(1.0)


def test_a_global_read_shares_the_rate_of_its_region(aws) -> None:
    aws(lambda request: Answer({"Events": []}))
    time = FakeTime()
    first, second = reader(time, LOOKUP), reader(time, LOOKUP, region="global")
    second.counters = first.counters
    with acting_as(FakeRole(ACCOUNT)):
        first.call("cloudtrail", "LookupEvents")
        second.call("cloudtrail", "LookupEvents")
    assert time.slept == [0.5]


def test_a_call_that_waits_holds_no_slot(aws) -> None:
    aws(lambda request: Answer({"Events": []}))
    time, told = FakeTime(), []
    time.sleep = lambda seconds: told.append("waits")  # type: ignore[method-assign]
    with acting_as(FakeRole(ACCOUNT)):
        one = reader(time, LOOKUP, held=told)
        one.call("cloudtrail", "LookupEvents")
        one.call("cloudtrail", "LookupEvents")
    assert told == ["taken", "given back", "waits", "taken", "given back"]


def test_the_calls_that_aws_limits_are_declared() -> None:
    rates = {call.api: call.per_second for call in registry.calls() if call.per_second}
    assert rates == {
        "cloudtrail.LookupEvents": 2,
        "route53.ListHostedZonesByVPC": 2,
        "ssm.GetAutomationExecution": 3,
        "ssm.DescribeAutomationExecutions": 3,
        "ssm.DescribeAutomationStepExecutions": 3,
        "ssm.GetOpsItem": 5,
        "ec2.DescribeInstanceAttribute": 10,
        "ec2.DescribeLaunchTemplateVersions": 10,
    }


def test_operation_has_one_rate_in_all_declarations() -> None:
    declared = {call for item in registry.collectors().values() for call in item.collector.calls}
    assert len({call.api for call in declared}) == len(declared)
