"""Keeps the time until which a read may run in the context, where each call and loop can check it. Pure."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace

from accounts.aws.calls import Call, CallError
from accounts.aws.gaps import Gap, GapKind


@dataclass(frozen=True, slots=True)
class Deadline:
    """at: a time of time.monotonic(). seconds: the whole allowance, for the gap's code."""

    at: float
    seconds: int

    @classmethod
    def after(cls, seconds: int) -> Deadline:
        return cls(time.monotonic() + seconds, seconds)

    @property
    def code(self) -> str:
        return f"NotReadIn{self.seconds}Seconds"

    def left(self) -> float:
        return self.at - time.monotonic()

    def passed(self, grace: float = 0) -> bool:
        return time.monotonic() >= self.at + grace

    def instead_of(self, gap: Gap) -> Gap:
        """The same gap, with the time that ran out as its reason."""
        return replace(gap, kind=GapKind.OUT_OF_TIME, code=self.code)


_current: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


@contextmanager
def until(deadline: Deadline) -> Iterator[None]:
    token = _current.set(deadline)
    try:
        yield
    finally:
        _current.reset(token)


def spent() -> Deadline | None:
    """The deadline, if it has passed."""
    deadline = _current.get()
    return deadline if deadline is not None and deadline.passed() else None


def refuse_late(call: Call, place: str) -> None:
    """Raise CallError if the deadline has passed. What was read before is kept."""
    late = spent()
    if late is not None:
        raise CallError(Gap(GapKind.OUT_OF_TIME, call.api, call.action, place, late.code))
