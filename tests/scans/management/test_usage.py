"""Every command ends with 2 for what can't be meant, in one line that says what to do."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.core.management import call_command

from scans import registry
from tests.scans.orders import company

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("export outcomes --scan abc", "There is no scan abc. Use latest, or an id from the scans page."),
        ("export findings --scan 99999999999999999999", "There is no scan 99999999999999999999."),
        ("controls show NOPE", "There is no control NOPE. See: manage.py controls list"),
        ("scan --control NOPE", "Unknown control: NOPE. See manage.py controls list."),
        ("scan --account 000000000000", "Unknown account: 000000000000."),
        ("scan --ou ou-none", "Unknown OU: ou-none."),
        ("scan --region mars", "Unknown region: mars. Use a region name such as eu-west-1."),
        ("scan --organization o-none", "The organization o-none is not known."),
        ("doctor --account 000000000000", "Unknown account: 000000000000."),
        ("refresh_managed_policies --account 000000000000", "Unknown account: 000000000000."),
        ("coverage --account 000000000000", "The account 000000000000 is not known."),
        ("flows --account 000000000000", "The account 000000000000 is not known."),
        ("replay --organization o-none", "The organization o-none is not known."),
        ("replay --control NOPE", "Unknown control: NOPE."),
        ("diff 1 abc", "There is no scan 1."),
        ("audit export --output x --from soon", "'soon' is not a date"),
    ],
)
def test_wrong_usage_exits_with_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], settings: object, words: str, said: str
) -> None:
    monkeypatch.setattr(settings, "EXTERNAL_ID", "x" * 32, raising=False)
    monkeypatch.setattr("scans.management.commands.scan.require_hub", lambda partition: None)
    company()
    with pytest.raises(SystemExit) as ended:
        call_command(*words.split())
    error = capsys.readouterr().err
    assert ended.value.code == 2, error
    assert error.startswith(said)
    assert error.count("\n") == 1


def test_a_group_of_controls_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("controls", "show", "ssm-ds-001")
    assert [line[:13] for line in capsys.readouterr().out.splitlines()] == [f"SSM-DS-001.{n:02d}" for n in range(1, 15)]


def test_control_is_shown_with_statements_or_source(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    call_command("controls", "show", "SSM-PS-001")
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].endswith(", statements S16")
    assert lines[2].startswith("enforces: ")
    item = registry.controls()["SSM-PS-001"]
    own = replace(item, control=replace(item.control, statements=(), quote="", source="https://example.com/page"))
    monkeypatch.setattr(registry, "controls", lambda: {"SSM-PS-001": own})
    call_command("controls", "show", "SSM-PS-001")
    lines = capsys.readouterr().out.splitlines()
    assert lines[2] == "source: https://example.com/page"
    assert lines[3].startswith("judges: ")


@pytest.mark.parametrize("words", ["export outcomes", "scan"])
def test_missing_prerequisite_exits_with_1(capsys: pytest.CaptureFixture[str], words: str) -> None:
    with pytest.raises(SystemExit) as ended:
        call_command(*words.split())
    assert ended.value.code == 1
