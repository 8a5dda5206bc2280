"""What was shown, in words, and the difference between two moments."""

from __future__ import annotations

from typing import Any

import pytest

from exceptions.requests import wording
from exceptions.rules import DRIFT_SENTENCES, Drift
from scans.models import Finding
from tests.support.story import Cast, show_snapshot

pytestmark = pytest.mark.django_db


def test_equal_snapshots_have_no_difference(people: Cast) -> None:
    body = show_snapshot(people.submitted())[1]
    assert wording.describe_changes(body, body) == []


@pytest.mark.parametrize(
    ("key", "was", "now", "said"),
    [
        ("justification", "One.", "Two.", (["One."], ["Two."])),
        ("quorum", 1, 2, (["1"], ["2"])),
        ("expires_at", "2026-01-01T00:00:00+00:00", None, (["2026-01-01 00:00 UTC"], ["none"])),
        ("accounts", {"count": 1, "digest": "a"}, {"count": 1200, "digest": "b"}, (["1"], ["1,200"])),
        (
            "controls",
            {"A": {"version": 1, "severity": "high"}},
            {"A": {}},
            (["A: version 1, high"], ["A: version –, gone"]),
        ),
        ("compensating_controls", {"A": "pass"}, {"A": "fail"}, (["A: pass"], ["A: fail"])),
        (
            "attachments",
            [[1, "a.pdf", 5, "aa"], [2, "b.pdf", 2048, "bb"]],
            [[1, "a.pdf", 5, "aa"], [3, "b.pdf", 2048, "cc"]],
            (["b.pdf, 2,048 bytes, SHA-256 bb"], ["b.pdf, 2,048 bytes, SHA-256 cc"]),
        ),
        ("on_behalf_of", "", "Sam", (["none"], ["Sam"])),
        ("state", "submitted", "changes_requested", (["submitted"], ["changes requested"])),
    ],
)
def test_each_value_kind_is_described_in_words(key: str, was: Any, now: Any, said: tuple[list[str], list[str]]) -> None:
    [change] = wording.describe_changes({key: was}, {key: now})
    assert (change.was, change.now) == said


def test_equal_count_of_other_findings_is_reported() -> None:
    [change] = wording.describe_changes(
        {"findings": {"count": 3, "digest": "a"}}, {"findings": {"count": 3, "digest": "b"}}
    )
    assert change.now[0].startswith("3, but different ones")


def test_findings_that_went_and_came_are_named(people: Cast) -> None:
    secret, bucket = people.inventory.secret, people.inventory.bucket
    [change] = wording.describe_changes({"listed": {secret.fingerprint: "a"}}, {"listed": {bucket.fingerprint: "a"}})
    assert change.was == [f"SSM-PS-001 on {secret.resource}"]
    assert change.now == [f"SSM-S3-001 on {bucket.resource}"]


def test_approver_name_is_shown_in_changes(people: Cast) -> None:
    [change] = wording.describe_changes({"decisions": []}, {"decisions": [[people.approver.pk, "approve"]]})
    assert change.now == ["ada approved"]


def test_only_new_comments_are_shown_as_changes(people: Cast) -> None:
    first, then = [1, people.owner.pk, "It is slow."], [2, None, "It is late."]
    [change] = wording.describe_changes({"comments": [first]}, {"comments": [first, then]})
    assert (change.was, change.now) == (["not there yet"], ["Tutela: It is late."])
    [change] = wording.describe_changes({"comments": []}, {"comments": [first]})
    assert change.now == ["owen: It is slow."]


def test_empty_fields_new_to_snapshot_are_no_difference() -> None:
    assert wording.describe_changes({}, {"attachments": [], "comments": [], "on_behalf_of": ""}) == []


@pytest.mark.parametrize("kind", sorted(DRIFT_SENTENCES))
def test_each_drift_kind_has_full_and_restricted_sentence(kind: str) -> None:
    from exceptions.requests.request_page import summarize_drift

    item = Drift(kind, "SSM-PS-001", "1", "2").as_dict()
    assert "SSM-PS-001" in wording.describe_drift([item])[0]
    assert "SSM-PS-001" not in summarize_drift([item, item])[0]
    assert len(summarize_drift([item, item])) == 1, "how many is not for them to know"


def test_changed_facts_of_covered_finding_are_a_difference(people: Cast) -> None:
    asked = people.submitted()
    _, before = show_snapshot(asked)
    Finding.objects.filter(pk=people.inventory.secret.pk).update(facts={"type": "Other"})
    labels = [change.label for change in wording.describe_changes(before, show_snapshot(asked)[1])]
    assert labels == ["Findings", "Listed findings"]
