"""What an owner of the database does to the trail with the triggers off is found, and found where it was done."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings

from governance.audit import anchor, check
from governance.core.models import AuditHead
from governance.core.verifier import GENESIS
from tests.support.trails import found, sql, written

pytestmark = pytest.mark.django_db

COPY = "INSERT INTO core_auditevent (seq, at, actor, actor_id, action, subject, body, prev, mac) SELECT"
REST = "at, actor, actor_id, action, subject, body, prev, mac FROM core_auditevent WHERE seq ="


@pytest.mark.parametrize("column", ["actor", "action", "subject"])
def test_an_edited_row(column: str) -> None:
    written()
    sql(f"UPDATE core_auditevent SET {column} = 'other' WHERE seq = 5")
    assert found() == [("edited", 5)]


@pytest.mark.parametrize(
    "change",
    ["body = '{\"number\": 5}'", "at = '2020-01-01 00:00:00+00:00'", "actor_id = 8", "actor_id = NULL",
     f"prev = '{GENESIS}'", f"mac = '{GENESIS}'"],
)  # fmt: skip
def test_every_column_is_sealed(change: str) -> None:
    written()
    sql(f"UPDATE core_auditevent SET {change} WHERE seq = 5")
    assert ("edited", 5) in found()


def test_two_edited_rows_are_both_named() -> None:
    written()
    sql("UPDATE core_auditevent SET actor = 'other' WHERE seq IN (5, 6)")
    assert found() == [("edited", 5), ("edited", 6)]


def test_a_deleted_row_and_a_deleted_run() -> None:
    written()
    sql("DELETE FROM core_auditevent WHERE seq IN (3, 6, 7)")
    assert found() == [("missing", 3), ("missing", 6)]


def test_a_deleted_first_row() -> None:
    written()
    sql("DELETE FROM core_auditevent WHERE seq = 1")
    assert found() == [("missing", 1)]


def test_deleted_and_renumbered_rows_are_found() -> None:
    written()
    sql(
        "DELETE FROM core_auditevent WHERE seq = 5",
        "UPDATE core_auditevent SET seq = -seq + 1 WHERE seq > 5",
        "UPDATE core_auditevent SET seq = -seq WHERE seq < 0",
    )
    assert found() == [("missing", 5), ("moved", 5), ("truncated", 10)]


def test_an_inserted_row() -> None:
    written()
    sql(
        "UPDATE core_auditevent SET seq = -seq - 1 WHERE seq >= 5",
        "UPDATE core_auditevent SET seq = -seq WHERE seq < 0",
        f"{COPY} 5, {REST} 2",
        "UPDATE core_auditevent SET subject = 'forged:1' WHERE seq = 5",
    )
    assert ("inserted", 5) in found()
    assert ("moved", 6) in found()


def test_a_row_put_in_after_the_end() -> None:
    written()
    sql(f"{COPY} 11, {REST} 10", "UPDATE core_auditevent SET subject = 'forged:1' WHERE seq = 11")
    assert found() == [("inserted", 11)]


def test_a_copy_of_a_genuine_row_is_no_genuine_row() -> None:
    written()
    sql(f"{COPY} 11, {REST} 10")
    assert ("moved", 11) in found()


def test_reordered_rows_are_found() -> None:
    written()
    sql(
        "UPDATE core_auditevent SET seq = -6 WHERE seq = 5",
        "UPDATE core_auditevent SET seq = 5 WHERE seq = 6",
        "UPDATE core_auditevent SET seq = 6 WHERE seq = -6",
    )
    assert found() == [("moved", 5), ("moved", 6)]


def test_a_truncated_tail() -> None:
    written()
    sql("DELETE FROM core_auditevent WHERE seq > 8")
    assert found() == [("truncated", 9)]


def test_a_truncated_tail_with_a_forged_head() -> None:
    events = written()
    sql("DELETE FROM core_auditevent WHERE seq > 8", f"UPDATE core_audithead SET seq = 8, mac = '{events[7].mac}'")
    assert found() == [("head", 8)]


def test_an_emptied_trail() -> None:
    written()
    sql("DELETE FROM core_auditevent")
    assert found() == [("truncated", 1)]


@pytest.fixture
def anchors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "anchors.jsonl"
    monkeypatch.setattr(settings, "AUDIT_ANCHOR_FILE", str(path))
    return path


def test_a_tail_cut_back_to_an_old_head_is_found_by_an_anchor(anchors: Path) -> None:
    """The head as it really was at row 8, from a backup: only what lies outside the database tells."""
    written(8)
    old = AuditHead.objects.get()
    written(2)
    anchor.anchor_now()
    sql(
        "DELETE FROM core_auditevent WHERE seq > 8",
        f"UPDATE core_audithead SET seq = {old.seq}, mac = '{old.mac}', seal = '{old.seal}'",
    )
    assert found() == []
    assert found(anchors=check.read_anchors(anchors)) == [("truncated", 10)]


def test_rewritten_trail_is_found_by_an_anchor(anchors: Path) -> None:
    written(3)
    anchor.anchor_now()
    sql("DELETE FROM core_auditevent", "DELETE FROM core_audithead")
    written(5)
    assert found() == []
    assert found(anchors=check.read_anchors(anchors)) == [("anchor", 3)]


def test_edited_anchor_is_reported(anchors: Path) -> None:
    written(3)
    anchor.anchor_now()
    anchors.write_text(anchors.read_text().replace('"seq": 3', '"seq": 30'))
    assert found(anchors=check.read_anchors(anchors)) == [("anchor", 30)]


def test_invalid_anchor_file_is_reported(anchors: Path) -> None:
    anchors.write_text("{}\n")
    with pytest.raises(ValueError, match="Line 1 of"):
        check.read_anchors(anchors)


def test_another_key_does_not_verify(monkeypatch: pytest.MonkeyPatch) -> None:
    written(2)
    monkeypatch.setattr(settings, "AUDIT_KEY", "another" * 8)
    assert ("edited", 1) in found()


def test_a_key_is_replaced_and_can_not_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = settings.AUDIT_KEY, "a-new-key-" * 5
    written(2)
    monkeypatch.setattr(settings, "AUDIT_KEY", new)
    monkeypatch.setattr(settings, "AUDIT_KEY_FALLBACKS", [old])
    written(2)
    assert found() == []
    monkeypatch.setattr(settings, "AUDIT_KEY", old)
    monkeypatch.setattr(settings, "AUDIT_KEY_FALLBACKS", [])
    written(1)
    monkeypatch.setattr(settings, "AUDIT_KEY", new)
    monkeypatch.setattr(settings, "AUDIT_KEY_FALLBACKS", [old])
    assert ("old_key", 5) in found()


def test_failed_anchor_target_does_not_block_others(anchors: Path) -> None:
    kept: list[anchor.Anchor] = []

    def away(_anchor: anchor.Anchor) -> None:
        raise anchor.AnchorWriteError("The bucket is away.")

    anchors.mkdir()
    written(1)
    with pytest.raises(anchor.AnchorWriteError, match=r"can't be written to .* The bucket is away\."):
        anchor.anchor_now([away, kept.append])
    assert len(kept) == 1
