"""Several writers truly at once: one unbroken chain. SQLite has one writer, so this needs PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection, transaction

from governance.core import audit
from governance.core.models import AuditEvent
from governance.core.policy import SYSTEM
from tests.support.trails import ADA, found

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.racing]


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """Runs them in threads of their own, started together."""
    gate = Barrier(len(acts))

    def run(act: Callable[[], Any]) -> Any:
        gate.wait(timeout=60)
        try:
            return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def writer(number: int) -> Callable[[], None]:
    def write() -> None:
        for turn in range(25):
            with transaction.atomic():
                if turn % 5 == 4:
                    audit.record_all(actor=SYSTEM, entries=[audit.Entry("b.c", f"d:{number}")] * 3)
                else:
                    audit.record(actor=ADA, action="a.b", subject=f"c:{number}")

    return write


def test_writers_at_once_make_one_unbroken_chain() -> None:
    """The first of them race for the very first row as well."""
    at_once(*(writer(number) for number in range(4)))
    assert AuditEvent.objects.count() == 4 * (20 + 5 * 3)
    assert found() == []


def test_rolled_back_writer_leaves_no_gap() -> None:
    def failing() -> None:
        for _ in range(20):
            with transaction.atomic():
                audit.record(actor=ADA, action="a.b", subject="c:1")
                transaction.set_rollback(True)

    at_once(failing, writer(1), failing, writer(2))
    assert AuditEvent.objects.count() == 2 * (20 + 5 * 3)
    assert found() == []


def test_check_during_writing_finds_no_fault() -> None:
    def check() -> list[tuple[str, int]]:
        return [problem for _ in range(10) for problem in found()]

    results = at_once(check, writer(1), writer(2))
    assert results[0] == []
