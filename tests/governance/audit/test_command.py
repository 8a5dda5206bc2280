from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command

from governance.audit import anchor, export
from governance.audit.tasks import anchor_audit
from governance.celery import app
from governance.core.models import AuditEvent
from governance.core.verifier import main
from tests.support.trails import sql, written

pytestmark = pytest.mark.django_db


@pytest.fixture
def anchors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "anchors.jsonl"
    monkeypatch.setattr(settings, "AUDIT_ANCHOR_FILE", str(path))
    return path


def run(*words: str) -> tuple[int, str]:
    """Exit status, and what was said."""
    out = io.StringIO()
    try:
        call_command("audit", *words, stdout=out, stderr=out)
    except SystemExit as ended:
        return int(ended.code or 0), out.getvalue()
    return 0, out.getvalue()


def test_a_whole_trail_verifies() -> None:
    written(3)
    assert run("verify") == (0, "3 rows: complete, in order, and sealed by this portal.\n")


def test_an_edited_row_is_named_and_fails() -> None:
    written(3)
    sql("UPDATE core_auditevent SET actor = 'other' WHERE seq = 2")
    assert run("verify") == (1, "edited: row 2 (thing:1) was changed\n")


def test_anchors_are_written_and_compared(anchors: Path) -> None:
    assert run("anchor") == (0, "The trail is empty; nothing to anchor.\n")
    written(2)
    assert run("anchor") == (0, "Row 2 is anchored.\n")
    written(1)
    anchor_audit()
    assert [json.loads(line)["seq"] for line in anchors.read_text().splitlines()] == [2, 3]
    assert run("verify")[0] == 0
    sql("DELETE FROM core_auditevent", "DELETE FROM core_audithead")
    written(1)
    status, said = run("verify")
    assert status == 1
    assert "row 2 was anchored at" in said
    assert run("verify", "--anchors", str(anchors))[0] == 1


def test_unwritable_or_unreadable_anchor_is_reported(anchors: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(1)
    monkeypatch.setattr(settings, "AUDIT_ANCHOR_FILE", str(anchors / "nowhere"))
    status, said = run("anchor")
    assert status == 1
    assert "can't be written to" in said
    assert run("verify", "--anchors", str(anchors))[0] == 2
    with pytest.raises(anchor.AnchorWriteError):
        anchor_audit()


def test_anchoring_goes_by_the_clock() -> None:
    entry = app.conf.beat_schedule["anchor-audit"]
    assert app.tasks[entry["task"]].name == anchor_audit.name


def test_an_export_checks_and_is_itself_a_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(3)
    path = tmp_path / "trail.jsonl"
    status, said = run("export", "--output", str(path))
    assert status == 0
    assert export.public_key() in said
    assert main([str(path), "--public-key", export.public_key()]) == 0
    assert "4 rows, 1 to 4" in capsys.readouterr().out
    assert AuditEvent.objects.latest("seq").action == "audit.export"


@pytest.mark.parametrize("key", ["zz", "ab", "g" * 64])
def test_invalid_public_key_is_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str], key: str) -> None:
    written(1)
    path = tmp_path / "trail.jsonl"
    run("export", "--output", str(path))
    with pytest.raises(SystemExit) as ended:
        main([str(path), "--public-key", key])
    assert ended.value.code == 2
    assert "64 hexadecimal digits" in capsys.readouterr().err


def test_a_part_is_exported_by_its_days(tmp_path: Path) -> None:
    written(3)
    path = tmp_path / "trail.jsonl"
    assert run("export", "--output", str(path), "--from", "2999-01-01")[0] == 0
    assert json.loads(path.read_text().splitlines()[-1])["manifest"]["count"] == 0
    assert run("export", "--output", str(path), "--to", "2999-01-01T00:00Z")[0] == 0
    status, said = run("export", "--output", str(path), "--from", "last week")
    assert (status, "is not a date" in said) == (2, True)
    assert run("export", "--output", str(tmp_path / "no" / "x"))[0] == 1


def test_the_key_and_the_program_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("key") == (0, export.public_key() + "\n")
    run("verifier")
    assert "def check_export" in capsys.readouterr().out
