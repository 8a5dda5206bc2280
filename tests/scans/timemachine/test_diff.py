"""What differs between two looks at an account, and between two scans."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.core.management import call_command

from accounts.aws.gaps import Gap, GapKind
from accounts.models import Account
from scans import registry
from scans.domain.control import Outcome, failed, not_applicable, passed
from scans.domain.engine import JudgedOutcome, make_unread_outcome
from scans.domain.evidence import Context
from scans.models import Scan, Target
from scans.queries import compare
from scans.queries.compare import AccountDiff
from scans.timemachine.diff import DifferenceKind, FactChange, classify_difference, list_fact_changes
from tests.scans.stored import DAY, MONDAY, OTHER, REGION, account, kept, parameters, volumes

PS, EB = "SSM-PS-001", "SSM-EB-001"
GAP = Gap(GapKind.DENIED, "ssm.DescribeParameters", "ssm:DescribeParameters", REGION, "AccessDeniedException")
PASS, FAIL, NA, UNKNOWN = passed("x."), failed("x."), not_applicable("x."), make_unread_outcome((GAP,))


def judged(outcome: Outcome | None, *, place: bool = False) -> JudgedOutcome | None:
    control = registry.controls()[PS].control
    return (
        JudgedOutcome(control, "1", REGION, "arn", "" if place else "ssm.parameter", outcome, place)
        if outcome
        else None
    )


@pytest.mark.parametrize(
    ("was", "now", "kind"),
    [
        (None, FAIL, DifferenceKind.APPEARED), (PASS, FAIL, DifferenceKind.APPEARED), (NA, FAIL, DifferenceKind.APPEARED),
        (FAIL, PASS, DifferenceKind.FIXED), (FAIL, NA, DifferenceKind.LAPSED), (FAIL, None, DifferenceKind.VANISHED), (UNKNOWN, None, DifferenceKind.VANISHED),
        (PASS, UNKNOWN, DifferenceKind.WENT_UNKNOWN), (FAIL, UNKNOWN, DifferenceKind.WENT_UNKNOWN), (None, UNKNOWN, DifferenceKind.WENT_UNKNOWN),
        (UNKNOWN, PASS, DifferenceKind.BECAME_KNOWN), (UNKNOWN, FAIL, DifferenceKind.BECAME_KNOWN), (UNKNOWN, NA, DifferenceKind.BECAME_KNOWN),
        (PASS, PASS, None), (FAIL, FAIL, None), (UNKNOWN, UNKNOWN, None), (PASS, None, None), (PASS, NA, None),
        (None, PASS, None),
    ],
)  # fmt: skip
def test_each_verdict_pair_has_a_difference_kind(
    was: Outcome | None, now: Outcome | None, kind: DifferenceKind | None
) -> None:
    assert classify_difference(judged(was), judged(now), listed=True, changed=False) is kind


def test_absence_is_gone_only_where_the_place_was_listed() -> None:
    assert classify_difference(judged(FAIL), None, listed=False, changed=False) is DifferenceKind.WENT_UNKNOWN
    assert classify_difference(judged(UNKNOWN), None, listed=False, changed=False) is None
    assert (
        classify_difference(judged(UNKNOWN, place=True), None, listed=True, changed=False)
        is DifferenceKind.BECAME_KNOWN
    )
    assert classify_difference(judged(FAIL), judged(FAIL), listed=True, changed=True) is DifferenceKind.CHANGED


def test_facts_are_compared_field_by_field() -> None:
    before = {"encryption": {"algorithm": "AES256", "key": None}, "old": 1, "tags": ["a"], "same": {"x": 1}}
    after = {
        "encryption": {"algorithm": "aws:kms", "key": None},
        "tags": ["a", "b"],
        "same": {"x": 1},
        "read": {"$gap": {}},
    }
    assert list(list_fact_changes(before, after)) == [
        FactChange("encryption.algorithm", "AES256", "aws:kms"),
        FactChange("old", 1, None, "before"),
        FactChange("read", None, {"$gap": {}}, "after"),
        FactChange("tags", ["a"], ["a", "b"]),
    ]


def test_gap_counts_as_one_changed_value() -> None:
    [change] = list_fact_changes({"policy": {"Statement": []}}, {"policy": {"$gap": {"kind": "denied"}}})
    assert (change.path, change.after) == ("policy", {"$gap": {"kind": "denied"}})


def test_control_without_dates_ignores_the_day() -> None:
    """What compare skips where only time has passed."""
    from scans.domain.engine import judge_resource
    from scans.domain.evidence import Resource
    from tests.scans.controls.test_every_control import world_of

    assert {id for id, item in registry.controls().items() if item.timed} >= {"SSM-ID-006"}
    for item in registry.controls().values():
        for case in item.cases if not item.timed else ():
            type = case.type or next(iter(item.control.facts))
            resource = Resource(type, case.arn, case.region, dict(case.facts))
            context = Context(**{"account": "111122223333", **case.context})
            early, late = (
                judge_resource(item.control, item.evaluate, world_of(item, case), replace(context, as_of=day), resource,
                          item.control.facts[type])
                for day in ("1990-01-01T00:00:00+00:00", "2060-01-01T00:00:00+00:00")
            )  # fmt: skip
            assert early == late, case


# ---- two scans


@pytest.fixture
def shop(db: None) -> Account:
    return account()


def differences(before: Target, after: Target, **more: Any) -> list[tuple[str, str, str]]:
    """(kind, control, end of the resource)"""
    [item] = compare.diff_scans(before.scan, after.scan, Account.objects.all(), **more)
    assert not item.missing
    return [(str(d.kind), d.control, d.resource.rpartition("/")[2]) for d in item.differences]


def test_two_scans_differ_by_what_changed_in_aws(shop: Account) -> None:
    before = kept(shop, parameters(a="String", b="String", c="String", d="fine"))
    after = kept(shop, parameters(a="SecureString", b="fine", d="String", e="String"), at=MONDAY + DAY)
    assert differences(before, after, controls=[PS]) == [
        ("appeared", PS, "d"), ("appeared", PS, "e"), ("fixed", PS, "b"), ("lapsed", PS, "a"), ("vanished", PS, "c"),
    ]  # fmt: skip
    [item] = compare.diff_scans(before.scan, after.scan, Account.objects.all(), controls=[PS])
    lapsed = next(d for d in item.differences if d.kind is DifferenceKind.LAPSED)
    assert lapsed.facts == (FactChange("type", "String", "SecureString"),)


def test_a_refused_read_is_unknown_and_not_a_fix(shop: Account) -> None:
    refused = parameters()
    refused.record_gap("ssm.parameter", GAP)
    before, after = kept(shop, parameters(a="String")), kept(shop, refused, at=MONDAY + DAY)
    assert differences(before, after, controls=[PS]) == [("went_unknown", PS, "*"), ("went_unknown", PS, "a")]
    assert differences(after, before, controls=[PS]) == [("appeared", PS, "a"), ("became_known", PS, "*")]


def test_a_region_that_only_one_scan_read_is_no_difference(shop: Account) -> None:
    before = kept(shop, parameters(a="String"), parameters(OTHER, b="String"))
    after = kept(shop, parameters(a="String"), at=MONDAY + DAY, regions=[REGION])
    assert differences(before, after, controls=[PS]) == []


def test_account_read_by_one_scan_is_named_not_fixed(shop: Account) -> None:
    other = account("444455556666")
    before = kept(shop, volumes(enabled=False))
    Target.objects.create(scan=before.scan, account=other, state="unreadable")
    after = Target.objects.create(
        scan=Scan.objects.create(organization=shop.organization, started_by="x", state="partial", asked={}, context=before.scan.context),
        account=other, state="done", collected_at=MONDAY, manifest=before.manifest,
    )  # fmt: skip
    items = list(compare.diff_scans(before.scan, after.scan, Account.objects.all()))
    assert [(i.account, i.missing, i.differences) for i in items] == [(shop, "after", []), (other, "before", [])]


def test_unchanged_evidence_is_not_judged_again(shop: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    before, after = kept(shop, volumes()), kept(shop, volumes(), at=MONDAY + DAY)
    asked: list[Any] = []
    monkeypatch.setattr(compare, "rejudge_target", lambda t, a, controls: asked.append(controls) or [])
    assert differences(before, after) == []
    assert all(registry.controls()[id].timed for ids in asked for id in ids)


def test_only_visible_accounts_are_compared(shop: Account) -> None:
    other = account("444455556666")
    before, after = kept(shop, volumes(enabled=False)), kept(shop, volumes(), at=MONDAY + DAY)
    for scan in (before.scan, after.scan):
        Target.objects.create(scan=scan, account=other, state="done", collected_at=MONDAY, manifest=before.manifest)
    seen = list(compare.diff_scans(before.scan, after.scan, Account.objects.filter(pk=other.pk)))
    assert [item.account for item in seen] == [other]


def test_lost_evidence_is_named_in_comparison(shop: Account) -> None:
    before, after = kept(shop, volumes()), kept(shop, volumes(enabled=False), at=MONDAY + DAY)
    Target.objects.filter(pk=before.pk).update(manifest="f" * 64)
    [item] = compare.diff_scans(before.scan, after.scan, Account.objects.all())
    assert "not stored" in item.missing


def test_comparison_page_continues_where_it_ended(shop: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    before, after = kept(shop, volumes(enabled=False)), kept(shop, volumes(), at=MONDAY + DAY)
    for n in range(4):
        other = account(f"44445555666{n}")
        for old, target in ((False, before), (True, after)):
            made = kept(other, volumes(enabled=old))
            Target.objects.filter(pk=made.pk).update(scan=target.scan)
    monkeypatch.setattr(compare, "SHOWN", 2)
    seen, since = [], ""
    while True:
        page = compare.load_diff_page(before.scan, after.scan, Account.objects.all(), since=since)
        seen.append([item.account.account_id[-1] for item in page.accounts])
        since = page.next
        if not since:
            break
    assert seen == [["3", "0"], ["1", "2"], ["3"]]
    only_fixed = compare.load_diff_page(before.scan, after.scan, Account.objects.all(), kind="appeared")
    assert only_fixed.accounts == []


def test_lines_are_json(shop: Account) -> None:
    before, after = kept(shop, volumes(enabled=False)), kept(shop, volumes(), at=MONDAY + DAY)
    [item] = compare.diff_scans(before.scan, after.scan, Account.objects.all())
    [line] = [line for line in compare.serialize_differences(item) if line["control"] == EB]
    assert json.loads(json.dumps(line))["facts"] == [
        {"path": "eu-west-1.enabled", "before": False, "after": True, "there": "both"}
    ]
    [missing] = compare.serialize_differences(AccountDiff(shop, missing="after"))
    assert (missing["kind"], missing["only"]) == ("read_in_one", "before")


def test_diff_command_prints_differences(shop: Account, capsys: pytest.CaptureFixture[str]) -> None:
    before, after = kept(shop, volumes(enabled=False)), kept(shop, volumes(), at=MONDAY + DAY)
    call_command("diff", str(before.scan_id), str(after.scan_id))
    assert EB in capsys.readouterr().out
    call_command("diff", str(before.scan_id), str(after.scan_id), "--control", EB, "--format", "jsonl")
    [line] = map(json.loads, capsys.readouterr().out.splitlines())
    assert (line["kind"], line["control"]) == ("fixed", EB)
    call_command("diff", str(before.scan_id), str(before.scan_id))
    assert "Nothing differs" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (lambda a, b: (a, "x"), 2, "There is no scan x."),
        (lambda a, b: (a, "9" * 40), 2, "There is no scan"),
        (lambda a, b: (a, b), 2, "different organizations"),
        (lambda a, b: (a, a, "--control", "nix"), 2, "Unknown control: NIX"),
    ],
)
def test_diff_command_refuses_in_one_line(
    shop: Account, capsys: pytest.CaptureFixture[str], words: Callable[..., Any], status: int, said: str
) -> None:
    mine, theirs = kept(shop, volumes()), kept(account("444455556666", org_id="o-other"), volumes())
    with pytest.raises(SystemExit) as ended:
        call_command("diff", *map(str, words(mine.scan_id, theirs.scan_id)))
    error = capsys.readouterr().err
    assert (ended.value.code, len(error.splitlines())) == (status, 1)
    assert said in error
