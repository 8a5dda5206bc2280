"""Alive and ready are two questions, and neither answer says anything secret."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from governance import health
from governance.core import task_turns


def test_liveness_does_not_use_the_database() -> None:
    """No database is allowed in this test."""
    answer = Client().get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.django_db
def test_ready_when_the_database_is_there_and_migrated() -> None:
    task_turns.run_exclusively("scans.sweep", lambda: None)
    answer = Client().get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "database": "ok", "migrations": "ok", "clock": "ok"}


@pytest.mark.django_db
def test_stopped_clock_is_reported_but_server_stays_ready() -> None:
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")
    assert answer.json()["clock"] == "no task of the clock has ever run: start beat and a worker for the queue clock"


@pytest.mark.django_db
def test_not_ready_while_migrations_are_pending(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health.MigrationExecutor, "migration_plan", lambda self, targets: [("scans", "0002")])
    answer = Client().get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {
        "status": "not ready", "database": "ok", "migrations": "pending: run manage.py migrate",
    }  # fmt: skip


def test_unreachable_database_is_not_ready_without_details(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_connection: Any) -> None:
        raise OperationalError("connection to server at db.internal, user tutela failed")

    monkeypatch.setattr(health, "MigrationExecutor", away)
    answer = Client().get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"status": "not ready", "database": "unreachable", "migrations": "not known"}


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_pages_accept_reads_only(path: str) -> None:
    assert Client().post(path).status_code == 405
