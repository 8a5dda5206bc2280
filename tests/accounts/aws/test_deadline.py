"""After its deadline a reader makes no call more, and says of each that time ran out."""

from __future__ import annotations

from accounts.aws.calls import Call, CallError
from accounts.aws.deadline import Deadline, refuse_late, spent, until
from accounts.aws.gaps import Gap, GapKind

CALL = Call("ssm", "GetDocument", "ssm:GetDocument")
LATE = Deadline(0, 600)


def refused() -> Gap | None:
    try:
        refuse_late(CALL, "eu-west-1")
    except CallError as error:
        return error.gap
    return None


def test_without_a_deadline_nothing_is_late() -> None:
    assert spent() is None
    assert refused() is None


def test_calls_are_made_before_the_deadline() -> None:
    with until(Deadline.after(600)):
        assert spent() is None
        assert refused() is None


def test_calls_after_the_deadline_are_named_gaps() -> None:
    with until(LATE):
        assert refused() == Gap(
            GapKind.OUT_OF_TIME, "ssm.GetDocument", "ssm:GetDocument", "eu-west-1", "NotReadIn600Seconds"
        )
    assert refused() is None


def test_gap_after_deadline_becomes_an_out_of_time_gap() -> None:
    gap = Gap(GapKind.MALFORMED, "ssm.GetDocument", "ssm:GetDocument", "eu-west-1", "MalformedAnswer")
    assert LATE.instead_of(gap).sentence() == (
        "ssm.GetDocument in eu-west-1 was not read in the time that a scan may take"
        " (NotReadIn600Seconds; needs ssm:GetDocument)"
    )
