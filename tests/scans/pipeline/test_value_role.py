"""The value role: assumed once, only when asked for, and its refusal is the gap of each call."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.aws.assume import AssumedRole, AssumeError, acting_role
from accounts.aws.calls import Call, CallError
from accounts.aws.gaps import GapKind
from scans.pipeline.role_sessions import RoleOnDemand
from scans.pipeline.value_role import ValueReader, refuse_value_role
from tests.scans.collectors.fake_reader import FakeReader

GET = Call("ssm", "GetParameters", "ssm:GetParameters")


class Role:
    account_id = "111122223333"


def reader(role: RoleOnDemand, acting: list[Any] | None = None) -> ValueReader:
    def answer(_: dict[str, Any]) -> dict[str, Any]:
        (acting if acting is not None else []).append(acting_role())
        return {"Parameters": []}

    return ValueReader(FakeReader([GET], region="eu-west-1").answer("ssm", "GetParameters", answer), role)


def test_value_role_is_assumed_once_for_its_calls() -> None:
    taken: list[AssumedRole] = []
    acting: list[Any] = []

    def assume() -> AssumedRole:
        taken.append(Role())  # type: ignore[arg-type]
        return taken[-1]

    made = reader(RoleOnDemand(assume), acting)
    assert not taken, "assumed before anything was read"
    for _ in range(3):
        made.call("ssm", "GetParameters", Names=["x"], WithDecryption=False)
    assert acting == taken * 3
    assert len(taken) == 1
    assert acting_role() is None


def test_a_refusal_is_each_calls_gap_and_is_asked_for_once() -> None:
    asked: list[int] = []

    def refuse() -> AssumedRole:
        asked.append(1)
        raise AssumeError("The role can't be assumed.", "Deploy it.", "AccessDenied")

    role = RoleOnDemand(refuse)
    for _ in range(2):
        with pytest.raises(CallError) as refused:
            reader(role).call("ssm", "GetParameters", Names=["x"], WithDecryption=False)
        gap = refused.value.gap
        assert (gap.kind, gap.api, gap.action, gap.region) == (
            GapKind.NO_SESSION, "sts.AssumeRole", "sts:AssumeRole", "eu-west-1",
        )  # fmt: skip
    assert len(asked) == 1


def test_missing_value_role_reads_nothing() -> None:
    with pytest.raises(CallError):
        reader(RoleOnDemand(refuse_value_role)).call("ssm", "GetParameters", Names=["x"], WithDecryption=False)
