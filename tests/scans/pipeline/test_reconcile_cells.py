"""Cells after a list that could not be read: what was open stays counted, so no figure gets better."""

from __future__ import annotations

import pytest

from accounts.aws.gaps import Gap, GapKind
from governance.posture.scores import compute_score
from scans.domain.control import failed, passed
from scans.domain.engine import make_unread_outcome
from scans.domain.partial_scans import REGIONS_LIMITED
from scans.models import AccountTotal, Finding, PostureCell
from tests.scans.pipeline.test_reconcile import GAP, PLACE, REGION, account, scan_gives

__all__ = ["account"]
pytestmark = pytest.mark.django_db


def counted() -> tuple[int, int, int]:
    cell = PostureCell.objects.get()
    return cell.passed, cell.failed, cell.unknown


def test_fails_that_a_refused_list_hides_stay_counted(account) -> None:
    scan_gives(account, {"a": failed("bad."), "b": failed("bad."), "c": passed("fine.")})
    before = compute_score(PostureCell.objects.get())
    scan_gives(account, {PLACE: make_unread_outcome((GAP,))})
    assert counted() == (0, 2, 1)
    after = compute_score(PostureCell.objects.get())
    assert after.passing <= before.passing
    assert after.known <= before.known


def test_missing_from_complete_list_counts_no_more(account) -> None:
    scan_gives(account, {"a": failed("bad."), "c": passed("fine.")})
    scan_gives(account, {"c": passed("fine.")})
    assert counted() == (1, 0, 0)


def test_a_resource_that_can_be_seen_again_counts_once(account) -> None:
    scan_gives(account, {"a": failed("bad.")})
    scan_gives(account, {PLACE: make_unread_outcome((GAP,))})
    scan_gives(account, {"a": failed("bad.")})
    assert counted() == (0, 1, 0)


ELSEWHERE = make_unread_outcome((Gap(GapKind.NOT_READ, "scan.Regions", "", "other regions", REGIONS_LIMITED),))


def test_regional_scan_counts_its_finding_changes(account) -> None:
    """Of b it can't tell, since b depends on a region that it left out; a was fixed, c has come to fail."""
    scan_gives(account, {"a": failed("bad."), "b": failed("bad."), "c": passed("fine."), "d": passed("fine.")})
    assert counted() == (2, 2, 0)
    scan_gives(account, {"a": passed("fine."), "b": ELSEWHERE, "c": failed("bad.")}, regions=[REGION])
    assert counted() == (2, 2, 0)
    assert Finding.objects.filter(state="open", verdict="fail").count() == 2
    scan_gives(account, {"b": ELSEWHERE, "c": passed("fine.")}, regions=[REGION])
    assert counted() == (3, 1, 0)
    assert AccountTotal.objects.get().failed == Finding.objects.filter(state="open", verdict="fail").count() == 1


def test_regional_scan_invents_no_pass(account) -> None:
    scan_gives(account, {"a": failed("bad."), "b": passed("fine.")})
    scan_gives(account, {"a": failed("bad."), "b": ELSEWHERE, "new": failed("bad.")}, regions=[REGION])
    assert counted()[1:] == (2, 0)
    assert counted()[0] <= 1
