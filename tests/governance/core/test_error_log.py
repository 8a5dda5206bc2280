"""Unforeseen errors: the traceback in the log, the id for people."""

from __future__ import annotations

from pathlib import Path

import pytest

from governance.core import error_log


def fail() -> str:
    try:
        return str(1 // 0)
    except ZeroDivisionError as error:
        error.add_note("odd text in it: \ud83d")
        return error_log.log_error(error, "scan 3")


def test_the_log_has_the_traceback_under_the_id(caplog: pytest.LogCaptureFixture) -> None:
    id = fail()
    assert f"Internal error {id} in scan 3: ZeroDivisionError" in caplog.text
    assert "Traceback" in caplog.text
    caplog.text.encode()  # whatever an error quotes, any log takes it


def test_a_command_keeps_tracebacks_off_the_terminal(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "var" / "errors.log"
    with error_log.log_errors_to(path) as kept:
        id = fail()
    assert kept.written == 1
    assert id in path.read_text()
    assert "Traceback" in path.read_text()
    assert path.stat().st_mode & 0o077 == 0
    said = capfd.readouterr()
    assert "Traceback" not in said.out + said.err


def test_no_error_creates_no_file(tmp_path: Path) -> None:
    with error_log.log_errors_to(tmp_path / "errors.log"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_can_not_be_written_is_one_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "var").write_text("not a directory")
    with error_log.log_errors_to(tmp_path / "var" / "errors.log"):
        id = fail()
    said = capfd.readouterr().err
    assert said.count("\n") == 1
    assert id in said
    assert "can't be written" in said


def test_retried_error_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    error_log.log_transient_error(OSError("no space"), "heartbeat of target 3")
    assert "heartbeat of target 3 failed and is tried again: OSError: no space" in caplog.text
