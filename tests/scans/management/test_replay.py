"""manage.py replay: what it prints, and what it refuses."""

from __future__ import annotations

import json

import pytest
from django.core.management import call_command

from accounts.models import Account, Organization
from scans.models import Finding
from tests.scans.stored import MONDAY, account, parameters, scanned, volumes
from tests.scans.timemachine.test_replay import PS, newer, plain

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Account:
    return account()


def test_the_command_writes_outcomes_in_nine_fields(shop: Account, capsys: pytest.CaptureFixture[str]) -> None:
    scanned(shop, parameters(a="String"))
    call_command("replay", "--control", "ssm-ps-001", "--format", "jsonl")
    [row] = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
    assert list(row) == [
        "control", "account", "region", "resource", "verdict", "reason", "gaps", "evidence", "collected_at",
    ]  # fmt: skip
    assert (row["control"], row["verdict"], row["collected_at"]) == (PS, "fail", MONDAY.isoformat())


def test_replay_command_counts_changed_findings(
    shop: Account, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    scanned(shop, parameters(a="String"))
    newer(monkeypatch, PS, plain)
    call_command("replay")
    assert "Findings that would change: 1 fixed." in capsys.readouterr().out
    assert Finding.objects.get(control=PS).state == "open"
    call_command("replay", "--apply")
    assert "Findings changed: 1 fixed." in capsys.readouterr().out
    assert Finding.objects.get(control=PS).state == "resolved"


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["--as-of", "soon"], 2, "Enter the day as"),
        (["--as-of", "2999-01-01"], 2, "is in the future"),
        (["--apply", "--as-of", "2026-03-02"], 2, "newest evidence"),
        (["--control", "nix"], 2, "Unknown control: NIX"),
        (["--account", "000000000000"], 2, "Unknown account"),
        (["--organization", "o-none"], 2, "The organization o-none is not known."),
        (["--as-of", "2026-03-01"], 1, "manage.py scan"),
    ],
)
def test_replay_command_refuses_bad_usage_in_one_line(
    shop: Account, capsys: pytest.CaptureFixture[str], words: list[str], status: int, said: str
) -> None:
    scanned(shop, volumes())
    with pytest.raises(SystemExit) as ended:
        call_command("replay", *words)
    error = capsys.readouterr().err
    assert ended.value.code == status
    assert said in error
    assert len(error.splitlines()) == 1


def test_replay_without_organization_gives_advice(capsys: pytest.CaptureFixture[str]) -> None:
    assert not Organization.objects.exists()
    with pytest.raises(SystemExit):
        call_command("replay")
    assert "manage.py discover" in capsys.readouterr().err
