"""A5: the bundled copy of AWS managed policies, and the one that a command writes."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pytest

from accounts.aws.gaps import Gap
from scans.collectors.lib.aws_policy_copy import PolicyCopy, find_copy_path, load_current_copy, write_copy
from scans.collectors.lib.aws_policy_refresh import REFRESH_CALLS, Refresh, refresh_copy
from tests.scans.collectors.fake_reader import FakeReader

PREFIX = "arn:aws:iam::aws:"
ALLOW = {"Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
HELD = PolicyCopy(
    "aws", "2026-01-01", {"policy/Same": ("v1", "{}"), "policy/Old": ("v1", "{}"), "policy/Gone": ("v1", "{}")}
)


@pytest.fixture
def path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    place = tmp_path / "deeper" / "copy.json.gz"
    monkeypatch.setenv("TUTELA_MANAGED_POLICIES", str(place))
    return place


def test_bundled_copy_is_dated_and_names_its_source(path: Path) -> None:
    copy = load_current_copy()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", copy.read_on)
    assert "Apache" in copy.about
    assert len(copy.policies) > 1000
    for name in ("AmazonSSMManagedInstanceCore", "PowerUserAccess", "AmazonSSMFullAccess", "ReadOnlyAccess"):
        version = copy.policies[f"policy/{name}"][0]
        assert copy.find_document(f"{PREFIX}policy/{name}", version)


def test_another_version_or_partition_is_not_in_the_copy() -> None:
    assert HELD.find_document(f"{PREFIX}policy/Same", "v1") == {}
    assert HELD.find_document(f"{PREFIX}policy/Same", "v2") is None
    assert HELD.find_document(f"{PREFIX}policy/Unheard", "v1") is None
    broken = PolicyCopy("aws", "2026-01-01", {"policy/Same": ("v1", "{")})
    assert broken.find_document(f"{PREFIX}policy/Same", "v1") is None
    assert HELD.find_document(f"{PREFIX}policy/Same".replace("aws", "aws-cn", 1), "v1") is None


def test_written_copy_counts_at_once_and_leaves_no_parts(path: Path) -> None:
    load_current_copy()
    write_copy(HELD, path)
    assert load_current_copy().policies == HELD.policies
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    assert find_copy_path() == path


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not gzip",
        gzip.compress(b"[]")[:-9],
        gzip.compress(b"[]"),
        gzip.compress(b"{"),
        gzip.compress(b'{"policies": 1}'),
    ],
    ids=["empty", "text", "torn", "list", "half", "number"],
)
def test_an_unreadable_copy_gives_way_to_the_bundled_one(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    assert len(load_current_copy().policies) > 1000


def published(*policies: tuple[str, str]) -> FakeReader:
    reader = FakeReader(REFRESH_CALLS, region="global")
    items = [{"Arn": f"{PREFIX}policy/{name}", "DefaultVersionId": version} for name, version in policies]
    reader.answer("iam", "ListPolicies", {"Policies": items})
    answer = {"PolicyVersion": {"VersionId": "v2", "Document": ALLOW}}
    return reader.answer("iam", "GetPolicyVersion", answer)


def test_refresh_reads_only_what_changed() -> None:
    reader = published(("Same", "v1"), ("Old", "v2"), ("New", "v2"))
    found = refresh_copy(reader, HELD, "2026-02-03")
    assert isinstance(found, Refresh)
    assert (found.changed, found.added, found.removed, found.unread) == (["policy/Old"], ["policy/New"], 1, [])
    assert (found.copy.partition, found.copy.read_on) == ("aws", "2026-02-03")
    assert found.copy.policies["policy/Same"] == ("v1", "{}")
    assert json.loads(found.copy.policies["policy/Old"][1]) == ALLOW
    assert reader.count("iam", "GetPolicyVersion") == 2


def test_refresh_in_another_partition_reads_all() -> None:
    reader = published(("Same", "v2"))
    found = refresh_copy(reader, PolicyCopy("aws-cn", "2026-01-01", {"policy/Same": ("v2", "{}")}), "2026-02-03")
    assert isinstance(found, Refresh)
    assert json.loads(found.copy.policies["policy/Same"][1]) == ALLOW


def test_refused_list_changes_nothing() -> None:
    found = refresh_copy(published().refuse("iam", "ListPolicies", "AccessDenied"), HELD, "2026-02-03")
    assert isinstance(found, Gap)
    assert found.action == "iam:ListPolicies"


def test_refused_policy_is_left_out_and_told() -> None:
    reader = published(("Same", "v1"), ("Old", "v2")).refuse("iam", "GetPolicyVersion", "AccessDenied")
    found = refresh_copy(reader, HELD, "2026-02-03")
    assert isinstance(found, Refresh)
    assert list(found.copy.policies) == ["policy/Same"]
    assert [gap.action for gap in found.unread] == ["iam:GetPolicyVersion"]
    assert found.removed == 0  # what could not be read may still be there
