"""manage.py flows, coverage and control_docs."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from django.core.management import call_command

from scans import registry
from scans.insight.flows.export_rows import NEVER_READ_TEXT
from tests.scans.insight.flows import worlds
from tests.support.inventory import Inventory


@pytest.fixture
def sending(inventory: Inventory) -> Inventory:
    mine = worlds.blank(inventory.shop.account_id)
    worlds.command(mine, "gone")
    worlds.destination(mine, "gone", own=False, head="not_found")
    mine[worlds.REGION, "ssm_documents"].record_gap("ssm.document", worlds.DENIED)
    worlds.keep(inventory.shop, mine)
    worlds.join(inventory.scan)
    return inventory


def run(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    call_command(*words)
    return capsys.readouterr().out


def refusal(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[object, str]:
    with pytest.raises(SystemExit) as stopped:
        call_command(*words)
    return stopped.value.code, capsys.readouterr().err


def test_flows_as_lines_and_as_csv(sending: Inventory, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [json.loads(line) for line in run(capsys, "flows").splitlines()]
    assert [(row["feature"], row["owner"], row["verdict"]) for row in rows] == [
        ("01", "dangling", "fail"), ("unread", "", "unknown"),
        *[("unread", "", "unknown")] * 3,  # an account of which nothing was read has a row that says so
    ]  # fmt: skip
    assert {row["account"] for row in rows if row["why"] == NEVER_READ_TEXT} == {
        account.account_id for account in (sending.till, sending.ledger, sending.play)
    }
    read = list(csv.DictReader(io.StringIO(run(capsys, "flows", "--format", "csv"))))
    assert [row["destination"] for row in read] == ["gone", "", "", "", ""]


def test_flows_of_one_account_or_region(sending: Inventory, capsys: pytest.CaptureFixture[str]) -> None:
    (never,) = map(json.loads, run(capsys, "flows", "--account", sending.play.account_id).splitlines())
    assert (never["verdict"], never["why"]) == ("unknown", NEVER_READ_TEXT)
    assert run(capsys, "flows", "--account", sending.shop.account_id, "--region", "us-east-1") == ""
    graph = run(capsys, "flows", "--format", "dot")
    assert graph.startswith("digraph flows {\n")
    assert f"  // {sending.play.account_id}: {NEVER_READ_TEXT}\n" in graph


@pytest.mark.parametrize("command", ["flows", "coverage"])
def test_unknown_account_is_refused(sending: Inventory, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = refusal(capsys, command, "--account", "000000000000")
    assert code == 2
    assert said == "The account 000000000000 is not known. Run: manage.py discover\n"


def test_coverage_as_rows(sending: Inventory, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [json.loads(line) for line in run(capsys, "coverage", "--format", "jsonl").splitlines()]
    partial = [row for row in rows if row["state"] == "partial"]
    assert [(row["account"], row["collector"]) for row in partial] == [(sending.shop.account_id, "ssm_documents")]
    assert {row["state"] for row in rows if row["account"] == sending.till.account_id} == {
        "never_read",
        "not_applicable",
    }
    read = csv.DictReader(io.StringIO(run(capsys, "coverage", "--format", "csv")))
    assert sum(row["state"] == "partial" for row in read) == 1


def test_coverage_as_a_table(sending: Inventory, capsys: pytest.CaptureFixture[str]) -> None:
    said = run(capsys, "coverage", "--account", sending.till.account_id)
    assert "never read" in said
    assert "The role TutelaScan can't be assumed." in " ".join(said.split())


def test_control_docs_are_written_checked_and_cleaned_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = tmp_path / "controls"
    code, said = refusal(capsys, "control_docs", "--check", "--output", str(place))
    assert code == 1
    assert "make docs" in said
    run(capsys, "control_docs", "--output", str(place))
    run(capsys, "control_docs", "--check", "--output", str(place))
    (place / "SSM-XX-999.md").write_text("of a control that is gone")
    assert "SSM-XX-999.md" in refusal(capsys, "control_docs", "--check", "--output", str(place))[1]
    run(capsys, "control_docs", "--output", str(place))
    assert {path.stem for path in place.iterdir()} == {"README", *registry.controls()}
