"""Roles and readers for tests: no STS, no waiting."""

from __future__ import annotations

from dataclasses import dataclass

from botocore.credentials import ReadOnlyCredentials

from accounts.aws.calls import Call
from accounts.aws.reader import Counters
from accounts.aws.retry import Retrier

PARAMETERS = Call("ssm", "DescribeParameters", "ssm:DescribeParameters")


@dataclass
class FakeRole:
    account_id: str

    def credentials(self) -> ReadOnlyCredentials:
        return ReadOnlyCredentials(
            f"ASIA{self.account_id}", f"secret{self.account_id}", f"token{self.account_id}", None
        )


class FakeTime:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def clock(self) -> float:
        return self.now


def impatient(time: FakeTime | None = None) -> Counters:
    time = time or FakeTime()
    return Counters(Retrier(sleep=time.sleep, clock=time.clock, jitter=lambda: 0.0))
