"""Text, numbers and depth that others chose, in every member of every answer: read, told, judged, stored, exported.

Each example is a whole scan of one account. tests/whole/test_postgresql.py runs these on PostgreSQL, too.
"""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from botocore.model import OperationModel, Shape
from django.core.management import call_command
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from governance.core.policy import SYSTEM
from governance.core.storable import TooDeepError, as_storable, is_storable
from scans.models import Finding, Scan
from scans.pipeline import completion, target_worker
from scans.pipeline.start import start_scan
from tests.accounts.aws.roles import FakeRole
from tests.contract import plausible
from tests.contract.plausible import ACCOUNT, REGION
from tests.contract.shapes import Maker, Mode
from tests.contract.wire import Wire, wired
from tests.governance.core.test_storable import ODD_TEXT
from tests.scans.orders import company, read_all
from tests.support.examples import examples

pytestmark = pytest.mark.django_db

HOSTILE = Mode(1, odd_numbers=True)
DEEP = 200
JSON_TEXTS = (
    '{"Statement": [{"Sid": "\\ud83d", "Effect": "Allow", "Condition": {"NumericLessThan": {"k\\u0000": 1e999, "n": NaN}}}]}',
    '{"a":' * DEEP + "1" + "}" * DEEP, "[" * 5000, '{"tlsDetails": {"tlsVersion": "\\u0000", "clientProvidedHostHeader": 7}}',
    '{"schemaVersion": "2.2", "description": "\\ude00", "mainSteps": [{"inputs": {"n": 1e999, "deep": [[[[[1]]]]]}}]}',
)  # fmt: skip
TEXTS = (
    "\x00", "a\x00b", "\ud83d", "\ude00\ud83d", "e\u0301", "\u00e9", "\u202eevil\u202c", "\u200b", "\ufeff", "\uffff", "\U000f0000",
    "'; DROP TABLE scans_finding; --", "=cmd|' /C calc'!A0", "../../etc/passwd", "{{ x }}{% y %}", "<script>", "\r\n", "x" * 3_000,
    "\u00e9" * 70_000, "arn:aws:s3:::", "arn:aws:iam::" + "1" * 40 + ":role/\x00", *JSON_TEXTS,
)  # fmt: skip


def hostile_text(others: list[str]) -> Any:
    """Makes a member's text: half of them as AWS might say it, with something hostile at its end or not."""

    def choose(shape: Shape, owner: str, member: str, rng: random.Random) -> str:
        usual, odd = plausible.choose_text(shape, owner, member, rng), rng.choice([*TEXTS, *others])
        return rng.choice([usual, usual, usual + odd, odd])

    return choose


class FakeSessions:
    """Of a role that signs for the one account."""

    def open_first(self) -> FakeRole:
        return FakeRole(ACCOUNT)

    def open_for(self, _collector: str, _region: str) -> FakeRole:
        return FakeRole(ACCOUNT)


class Watching:
    """A maker of hostile answers that remembers in which of them something can't be stored."""

    def __init__(self, seed: int, others: list[str]) -> None:
        self.maker = Maker(seed, HOSTILE, hostile_text(others), watching=False)
        self.odd: set[str] = set()

    def answer(self, model: OperationModel, params: Mapping[str, Any], region: str) -> dict[str, Any]:
        found = self.maker.answer(model, params, region)
        if not is_storable(found):
            self.odd.add(f"{model.service_model.service_name}.{model.name}")
        return found


@pytest.fixture
def hostile(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(target_worker, "prepare_scan_sessions", lambda target, collectors: FakeSessions())
    with wired(lambda model, params, region: {}) as wire:
        yield wire


def scan_once(organization: Any) -> Scan:
    scan = start_scan(actor=SYSTEM, organization=organization, regions=[REGION])
    while scan.state == "running":
        read_all(scan)
        completion.advance_scan(scan.pk)
        scan.refresh_from_db()
    return scan


@given(seed=st.integers(0, 10**6), others=st.lists(ODD_TEXT, max_size=4))
@settings(max_examples=examples(8), suppress_health_check=list(HealthCheck))
def test_a_scan_of_hostile_answers_ends_and_tells(hostile: Wire, tmp_path: Path, seed: int, others: list[str]) -> None:
    answers = Watching(seed, others)
    hostile.answer = answers.answer
    with transaction.atomic():
        scan = scan_once(company("management"))
        target = scan.targets.get()
        assert (target.state, target.error) == ("done", None)
        assert answers.odd <= {gap["api"] for gap in target.gaps}, "what was replaced is told"
        assert Finding.objects.filter(account=target.account).exists()
        scan_once(scan.organization)  # the same again: what was kept can be read
        check_exports(tmp_path)
        transaction.set_rollback(True)


def check_exports(folder: Path) -> None:
    for what in ("outcomes", "findings"):
        lines, table = folder / f"{what}.jsonl", folder / f"{what}.csv"
        call_command("export", what, output=str(lines))
        call_command("export", what, format="csv", output=str(table))
        rows = [json.loads(line) for line in lines.read_text(encoding="utf-8").split("\n") if line]
        with table.open(encoding="utf-8", newline="") as file:
            assert len(list(csv.DictReader(file))) == len(rows) > 0
        for row in rows:
            assert is_storable(row)


def test_hostile_texts_are_of_each_kind() -> None:
    assert any(not is_storable(text) for text in TEXTS)
    for text in JSON_TEXTS[1:2]:
        with pytest.raises(TooDeepError):
            as_storable(json.loads(text))
