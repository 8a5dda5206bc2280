"""What every command shares: exit statuses, and one clear line for what can't be done."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.db import OperationalError, ProgrammingError

from governance.core import cli
from governance.core.cli import COULD_NOT, DONE, NOT_MIGRATED, PARTLY, CouldNotError, TutelaCommand


def run(act: Any) -> tuple[int, str]:
    """Status and what was said on the error side."""

    class Command(TutelaCommand):
        def work(self, options: dict[str, Any]) -> int:
            result: int = act()
            return result

    err = StringIO()
    try:
        Command(stderr=err, no_color=True).handle()
    except SystemExit as ended:
        return int(str(ended.code)), err.getvalue()
    return 0, err.getvalue()


def failing(error: BaseException) -> Any:
    def act() -> int:
        raise error

    return act


@pytest.mark.parametrize("status", [DONE, PARTLY])
def test_exit_status_is_the_works_result(status: int) -> None:
    assert run(lambda: status) == (status, "")


def test_could_not_error_is_one_line_with_status_1() -> None:
    assert run(failing(CouldNotError("Run: manage.py discover"))) == (COULD_NOT, "Run: manage.py discover\n")


@pytest.mark.parametrize(
    "error",
    [
        OperationalError("no such table: scans_scan"),
        OperationalError("no such column: x"),
        OperationalError("table scans_target has no column named by_control"),
        ProgrammingError('relation "scans_scan" does not exist\nLINE 1: SELECT'),
    ],
)
def test_a_database_that_is_not_migrated_says_migrate(error: Exception) -> None:
    assert run(failing(error)) == (COULD_NOT, NOT_MIGRATED + "\n")


def test_unreachable_database_error_names_the_setting() -> None:
    status, said = run(failing(OperationalError("connection refused\n\tIs the server running?\n")))
    assert status == COULD_NOT
    assert said == "The database could not be used: connection refused. Check DATABASE_URL.\n"


def test_a_defect_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        run(lambda: 1 // 0)


def test_closed_pipe_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli.sys, "stderr", StringIO())
    assert run(failing(BrokenPipeError())) == (0, "")


def test_a_command_without_work_is_a_defect() -> None:
    with pytest.raises(NotImplementedError, match=r"TutelaCommand\.work"):
        TutelaCommand().work({})


def test_only_a_terminal_has_a_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "90")
    terminal = StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    assert (cli.measure_width(terminal), cli.measure_width(StringIO())) == (90, cli.UNLIMITED_WIDTH)


def test_output_steers_no_terminal() -> None:
    class Command(TutelaCommand):
        def work(self, options: dict[str, Any]) -> int:
            self.stdout.write("name \x1b[31mred\x07\x9b1A\ttab\nline")
            return DONE

    out = StringIO()
    Command(stdout=out, no_color=True).handle()
    assert out.getvalue() == "name \ufffd[31mred\ufffd\ufffd1A\ttab\nline\n"
