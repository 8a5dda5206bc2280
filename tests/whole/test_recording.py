"""G5: `manage.py doctor --record` writes an account's answers without its names, and the collectors can read them again."""

from __future__ import annotations

import io
import json
import re
import stat
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from accounts.models import Account
from scans import registry
from scans.domain.engine import JudgedOutcome
from scans.domain.redaction import DELIMITERS
from scans.management.account_recording import load_public_words, load_service_model
from scans.pipeline import account_reader
from tests.support.recordings import judge_recording, read_recording
from tests.whole.scene import Scene, set_up

pytestmark = [pytest.mark.slow, pytest.mark.django_db]
NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def scene(django_db_setup: None, django_db_blocker: Any) -> Iterator[Scene]:
    with django_db_blocker.unblock(), set_up() as made:
        yield made


def record(path: Path, *more: str) -> tuple[int, str]:
    out = io.StringIO()
    status = 0
    try:
        call_command("doctor", "--record", str(path), *more, stdout=out, stderr=out)
    except SystemExit as stop:
        status = int(stop.code or 0)
    return status, out.getvalue()


@pytest.fixture(scope="module")
def raw() -> dict[str, list[str]]:
    """Every text of every answer while the recording was made."""
    return {"texts": []}


@pytest.fixture(scope="module")
def document(scene: Scene, raw: dict[str, list[str]], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    path = tmp_path_factory.mktemp("recorded") / "account.json"
    scene.heal()
    for api in {call.api for call in registry.calls()}:
        scene.reshaping[api] = lambda answer: (raw["texts"].extend(texts(answer)), answer)[1]
    status, said = record(path, "--account", scene.target.account.account_id)
    scene.heal()
    assert (status, "calls" in said) == (0, True), said
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    made: dict[str, Any] = json.loads(path.read_text())
    return made


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from (name, *texts(item))
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)
    elif isinstance(value, (str, bytes)):
        yield value if isinstance(value, str) else value.decode(errors="replace")


def test_every_declared_call_is_recorded(document: dict[str, Any]) -> None:
    made = {f"{row['service']}.{row['operation']}" for row in document["calls"]}
    # Asked only where ListRegions fails, where the copy of AWS's policies is old, and in members of a Macie organization.
    seldom = {"ec2.DescribeRegions", "iam.GetPolicyVersion", "macie2.GetAdministratorAccount"}
    assert {call.api for call in registry.calls()} - made <= seldom


def test_no_name_of_the_account_is_in_the_file(
    scene: Scene, document: dict[str, Any], raw: dict[str, list[str]]
) -> None:
    """What stays is a word of AWS's models or of the portal's own code."""
    kept = set(re.split(r"[^A-Za-z0-9_-]+", json.dumps(document)))
    named = {part for text in raw["texts"] for part in DELIMITERS.split(text) if len(part) > 3}
    public = load_public_words()
    survivors = {
        part for part in named & kept if part.lower() not in public and not re.match(r"\d+$|\d{4}-\d\d-\d\dT00$", part)
    }
    # AWS publishes its managed policies, so their ARNs stay.
    aws_policies = {text.rpartition("/")[2] for text in raw["texts"] if ":iam::aws:policy/" in text}
    assert survivors <= enum_values() | member_names() | aws_policies
    assert scene.target.account.account_id not in json.dumps(document)


def enum_values() -> set[str]:
    found: set[str] = set()
    for call in registry.calls():
        model = load_service_model(call.service)
        for name in model.shape_names:
            shape = model.shape_for(name)
            for value in getattr(shape, "enum", None) or ():
                found |= {value, *DELIMITERS.split(value)}
    return found


def member_names() -> set[str]:
    found: set[str] = set()
    for service in {call.service for call in registry.calls()}:
        model = load_service_model(service)
        for name in model.shape_names:
            found |= set(getattr(model.shape_for(name), "members", ()))
    return found


# They look into texts, names or values, which a recording doesn't have.
OF_TEXTS = frozenset({"SSM-FF-001", "SSM-FF-002", "SSM-FF-003", "SSM-FF-005", "SSM-PS-001", "SSM-PS-002"})


def test_recording_is_read_and_judged_again(scene: Scene, document: dict[str, Any]) -> None:
    evidences = read_recording(document)
    assert {name for _, name in evidences} == {name for _, name in scene.evidences} - {"ssm_values"}
    organization, account = scene.organization, scene.target.account.account_id
    real = {"account": account, "organization": organization.org_id, "management_account": account}
    before = count_verdicts(judge_recording(document | real, scene.evidences, NOW))
    after = count_verdicts(judge_recording(document, evidences, NOW))
    changed = [f"{id}: {before[id]} became {after[id]}" for id in before if before[id] != after[id]]
    assert not changed, "\n".join(changed)
    assert sum(verdicts["fail"] for verdicts in after.values()) > 20


def count_verdicts(judged: list[JudgedOutcome]) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for item in judged:
        if item.control.id not in OF_TEXTS:
            found[item.control.id][item.outcome.verdict] += 1
    return found


def test_a_call_that_was_not_recorded_is_unknown(document: dict[str, Any]) -> None:
    less = {**document, "calls": [row for row in document["calls"] if row["operation"] != "DescribeParameters"]}
    evidences = read_recording(less)
    gaps = {gap.code for item in evidences.values() for gap in item.all_gaps()}
    assert "NotRecorded" in gaps


def test_existing_file_is_not_overwritten(scene: Scene, tmp_path: Path) -> None:
    path = tmp_path / "there.json"
    path.write_text("mine")
    status, said = record(path, "--account", scene.target.account.account_id)
    assert (status, path.read_text()) == (2, "mine")
    assert "overwrites nothing" in said


def test_failed_recording_leaves_no_file(scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(plan: Any) -> Any:
        raise account_reader.AccountUnreadableError("AWS refused it.", "Deploy the role.")

    monkeypatch.setattr(account_reader, "collect", fail)
    path = tmp_path / "new.json"
    status, said = record(path, "--account", scene.target.account.account_id)
    assert (status, said) == (1, "AWS refused it. Deploy the role.\n")
    assert not path.exists()


def test_one_account_must_be_named(scene: Scene, tmp_path: Path) -> None:
    first = Account.objects.get()
    Account.objects.create(organization=first.organization, account_id="999988887777", name="other", status="ACTIVE")
    assert record(tmp_path / "new.json")[0] == 2
    assert not (tmp_path / "new.json").exists()
