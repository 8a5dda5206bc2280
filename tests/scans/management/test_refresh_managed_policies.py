"""A5: manage.py refresh_managed_policies, from the hub or from one account."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from accounts.aws.errors import AssumeError
from accounts.aws.gaps import GapKind
from scans.collectors.lib.aws_policy_copy import PolicyCopy, load_current_copy, write_copy
from scans.collectors.lib.aws_policy_refresh import REFRESH_CALLS
from scans.management.commands import refresh_managed_policies as command
from tests.scans.collectors.fake_reader import FakeReader
from tests.scans.orders import company

PREFIX = "arn:aws:iam::aws:policy/"


@pytest.fixture
def path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    place = tmp_path / "copy.json.gz"
    monkeypatch.setenv("TUTELA_MANAGED_POLICIES", str(place))
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    write_copy(PolicyCopy("aws", "2026-01-01", {"policy/Old": ("v1", "{}"), "policy/Gone": ("v1", "{}")}), place)
    return place


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> FakeReader:
    reader = FakeReader(REFRESH_CALLS, region="us-east-1")
    items = [{"Arn": f"{PREFIX}{name}", "DefaultVersionId": "v2"} for name in ("Old", "New")]
    reader.answer("iam", "ListPolicies", {"Policies": items})
    reader.answer("iam", "GetPolicyVersion", {"PolicyVersion": {"VersionId": "v2", "Document": {"Statement": []}}})
    monkeypatch.setattr(command, "AwsReader", lambda *given, **more: reader)
    return reader


def run(*words: str) -> tuple[Any, str]:
    out = StringIO()
    try:
        call_command("refresh_managed_policies", *words, stdout=out, stderr=out)
    except SystemExit as stop:
        return stop.code, out.getvalue()
    return 0, out.getvalue()


def test_hub_replaces_the_copy_and_says_what_changed(path: Path, aws: FakeReader) -> None:
    status, said = run()
    assert status == 0
    assert "Since the copy of 2026-01-01, 1 have changed, 1 are new and 1 are gone." in said
    assert set(load_current_copy().policies) == {"policy/Old", "policy/New"}


def test_refused_list_leaves_the_copy_alone(path: Path, aws: FakeReader) -> None:
    before = path.read_bytes()
    aws.refuse("iam", "ListPolicies", "AccessDenied")
    status, said = run()
    assert status == 1
    assert "iam:ListPolicies" in said
    assert path.read_bytes() == before


def test_refused_policy_is_told_with_status_3(path: Path, aws: FakeReader) -> None:
    aws.refuse("iam", "GetPolicyVersion", "Throttling", kind=GapKind.THROTTLED, when={"PolicyArn": f"{PREFIX}New"})
    status, said = run()
    assert status == 3
    assert "1 policies are missing: iam.GetPolicyVersion" in said
    assert set(load_current_copy().policies) == {"policy/Old"}


def test_unwritable_path_is_named(monkeypatch: pytest.MonkeyPatch, path: Path, aws: FakeReader) -> None:
    def refuse(copy: PolicyCopy, place: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(command, "write_copy", refuse)
    status, said = run()
    assert status == 1
    assert f"{path} can't be written: Permission denied" in said


@pytest.mark.django_db
def test_an_account_is_read_with_its_scan_role(monkeypatch: pytest.MonkeyPatch, path: Path, aws: FakeReader) -> None:
    company()
    asked: dict[str, Any] = {}
    monkeypatch.setattr(command, "assume_role", lambda account, **wanted: asked.update(wanted, account=account))
    assert run("--account", "111122223334")[0] == 0
    assert (asked["account"], asked["actions"]) == ("111122223334", {"iam:ListPolicies", "iam:GetPolicyVersion"})


@pytest.mark.django_db
def test_role_that_cannot_be_assumed_is_told(monkeypatch: pytest.MonkeyPatch, path: Path, aws: FakeReader) -> None:
    company()

    def refuse(account: str, **wanted: Any) -> None:
        raise AssumeError("The role could not be assumed.", "Check its trust policy.")

    monkeypatch.setattr(command, "assume_role", refuse)
    assert run("--account", "111122223334") == (1, "The role could not be assumed. Check its trust policy.\n")
