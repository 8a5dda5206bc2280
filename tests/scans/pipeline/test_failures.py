"""What stopped the work: whether it may pass, and what is told of it."""

from __future__ import annotations

import errno

import pytest
from django.db import DataError, IntegrityError, InterfaceError, OperationalError

from scans.pipeline import failures

NO_SPACE = OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    "error",
    [
        OperationalError("database is locked"), InterfaceError("connection already closed"), NO_SPACE, MemoryError(),
        ConnectionRefusedError(), RuntimeError("can't start new thread"), KeyboardInterrupt(),
    ],
)  # fmt: skip
def test_infrastructure_errors_are_transient(error: BaseException) -> None:
    assert failures.is_transient(error)


@pytest.mark.parametrize(
    "error",
    [
        UnicodeEncodeError("utf-8", "\ud83d", 0, 1, "surrogates not allowed"), DataError("x"), IntegrityError("x"),
        RecursionError(), KeyError("x"), RuntimeError("another"),
    ],
)  # fmt: skip
def test_a_defect_does_not(error: BaseException) -> None:
    assert not failures.is_transient(error)


@pytest.mark.parametrize(
    ("error", "reason", "todo"),
    [
        (OperationalError("disk full\nDETAIL: x\x00"), "The database failed: disk full", "Check the database"),
        (NO_SPACE, "No space left on device", "disk, memory and network"),
        (MemoryError(), "ran out of memory", "more memory"),
        (KeyError("secret"), "An internal error of the portal (KeyError)", "Report this error"),
    ],
)
def test_the_reason_is_told_with_the_id_in_the_log(
    error: Exception, reason: str, todo: str, caplog: pytest.LogCaptureFixture
) -> None:
    said = failures.record_failure(error, "scan 1, account 2")
    assert reason in said["reason"]
    assert todo in said["what_to_do"]
    id = said["reason"].partition("(error ")[2][:8]
    assert f"Internal error {id} in scan 1, account 2" in caplog.text


def test_a_defect_is_not_quoted() -> None:
    assert "secret" not in str(failures.record_failure(KeyError("secret"), "x"))


def test_the_next_try_comes_soon_and_each_a_little_later() -> None:
    waits = [failures.compute_retry_delay(tries).total_seconds() for tries in range(1, failures.MAX_WORK_TRIES + 5)]
    assert waits == sorted(waits)
    assert 0 < waits[0] < 10
    assert waits[-1] < 45
