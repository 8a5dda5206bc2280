from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest
from django.db import DatabaseError, connection, transaction

from accounts.models import Organization
from governance.audit.check import check_trail
from governance.core import append_only, audit
from governance.core.models import AuditEvent, AuditHead
from governance.core.policy import SYSTEM
from governance.core.verifier import GENESIS
from tests.support.trails import ADA, found, written

pytestmark = pytest.mark.django_db


def test_rows_are_numbered_without_gaps_and_chained() -> None:
    events = written(3)
    assert [event.seq for event in events] == [1, 2, 3]
    assert [event.prev for event in events] == [GENESIS, events[0].mac, events[1].mac]
    assert (events[0].actor, events[0].actor_id, events[0].body) == ("ada", 7, {"number": 0})
    assert AuditHead.objects.get().seq == 3
    assert found() == []


def test_outside_a_transaction_nothing_is_recorded(transactional_db: None) -> None:
    with pytest.raises(audit.AuditOutsideTransactionError):
        audit.record(actor=SYSTEM, action="a.b", subject="c:1")
    assert not AuditEvent.objects.exists()


def test_no_audit_no_act(monkeypatch: pytest.MonkeyPatch) -> None:
    """An act whose audit row can't be written doesn't happen."""

    def full(*_args: object, **_options: object) -> None:
        raise DatabaseError("disk full")

    monkeypatch.setattr(AuditEvent.objects, "bulk_create", full)
    with pytest.raises(DatabaseError), transaction.atomic():  # noqa: PT012
        Organization.objects.create(org_id="o-exampleorg9", partition="aws", management_account_id="1" * 12)
        audit.record(actor=SYSTEM, action="a.b", subject="c:1")
    assert not Organization.objects.exists()


def test_an_act_that_is_rolled_back_leaves_no_gap() -> None:
    written(1)
    with pytest.raises(ZeroDivisionError), transaction.atomic():  # noqa: PT012
        audit.record(actor=SYSTEM, action="a.b", subject="c:1")
        raise ZeroDivisionError
    assert [event.seq for event in written(1)] == [2]
    assert found() == []


def test_many_acts_at_once_take_a_few_statements(django_assert_num_queries: object) -> None:
    written(1)
    entries = [audit.Entry("scan.note", f"finding:{number}", {"n": number}) for number in range(100)]
    with django_assert_num_queries(5), transaction.atomic():  # type: ignore[operator]  # two are the savepoint's
        audit.record_all(actor=SYSTEM, entries=entries)
    assert found() == []
    assert AuditEvent.objects.count() == 101


def test_empty_list_of_acts_writes_no_rows() -> None:
    with transaction.atomic():
        assert audit.record_all(actor=SYSTEM, entries=[]) == []
    assert not AuditEvent.objects.exists()


HOSTILE = '<b>\u202e\nO\'Neil "x"\\ \U0001f600 ' + "y" * 2048


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (HOSTILE, HOSTILE),
        ("nul\x00", "nul\u2400"),
        ("half\ud800", "half\ufffd"),
        (1e22, 10**22),
        (0.1, 0.1),
        (math.inf, "inf"),
        (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02T00:00:00.000000+00:00"),
        ({"b", "a"}, ["a", "b"]),
        ({1: [1.0, None, True]}, {"1": [1, None, True]}),
    ],
)
def test_recorded_values_come_back_as_sealed(given: object, kept: object) -> None:
    with transaction.atomic():
        audit.record(actor=ADA, action="a.b", subject="c:1", given=given)
    assert AuditEvent.objects.get().body == {"given": kept}
    assert found() == []


def test_a_name_that_has_no_room_is_refused_on_every_database() -> None:
    with pytest.raises(ValueError, match="subject has room for 200"), transaction.atomic():
        audit.record(actor=ADA, action="a.b", subject="c:" + "1" * 200)


def test_history_is_that_of_one_object() -> None:
    written(3)
    assert [event.subject for event in audit.history("thing:1")] == ["thing:1"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE core_auditevent SET actor = 'nobody' WHERE seq = 2",
        "DELETE FROM core_auditevent WHERE seq = 2",
        "DELETE FROM core_audithead",
        "UPDATE core_audithead SET seq = 2",
    ],
)
def test_the_database_refuses_to_change_the_trail(statement: str) -> None:
    written(3)
    with pytest.raises(DatabaseError, match=append_only.REFUSAL), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert found() == []


def test_the_database_refuses_to_empty_or_replace_the_trail() -> None:
    written(3)
    row = "(seq, at, actor, action, subject, body, prev, mac) VALUES (2, '2026-01-01', 'x', 'x', 'x', '{}', '', '')"
    statement = {"postgresql": "TRUNCATE core_auditevent", "sqlite": f"INSERT OR REPLACE INTO core_auditevent {row}"}[
        connection.vendor
    ]
    with pytest.raises(DatabaseError, match=append_only.REFUSAL), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert found() == []


def test_triggers_that_are_gone_are_a_problem() -> None:
    written(1)
    append_only.remove_audit_triggers(connection)
    assert "refuse changes" in check_trail().problems[0].says


def test_a_trail_without_its_head_takes_no_more_rows() -> None:
    from tests.support.trails import sql

    written(2)
    sql("DELETE FROM core_audithead")
    with pytest.raises(audit.AuditBrokenError, match="audit verify"):
        written(1)
    assert ("head", 2) in found()
