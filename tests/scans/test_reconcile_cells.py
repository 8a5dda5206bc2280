"""Cells after a list that could not be read: what was open stays counted, so no figure gets better."""

from __future__ import annotations

import pytest

from governance.posture.scores import score_of
from scans.control import failed, passed
from scans.engine import unread
from scans.models import PostureCell
from tests.scans.test_reconcile import GAP, PLACE, account, scan_gives

__all__ = ["account"]
pytestmark = pytest.mark.django_db


def counted() -> tuple[int, int, int]:
    cell = PostureCell.objects.get()
    return cell.passed, cell.failed, cell.unknown


def test_fails_that_a_refused_list_hides_stay_counted(account) -> None:
    scan_gives(account, {"a": failed("bad."), "b": failed("bad."), "c": passed("fine.")})
    before = score_of(PostureCell.objects.get())
    scan_gives(account, {PLACE: unread((GAP,))})
    assert counted() == (0, 2, 1)
    after = score_of(PostureCell.objects.get())
    assert after.passing <= before.passing
    assert after.known <= before.known


def test_what_is_gone_from_a_whole_list_counts_no_more(account) -> None:
    scan_gives(account, {"a": failed("bad."), "c": passed("fine.")})
    scan_gives(account, {"c": passed("fine.")})
    assert counted() == (1, 0, 0)


def test_a_resource_that_can_be_seen_again_counts_once(account) -> None:
    scan_gives(account, {"a": failed("bad.")})
    scan_gives(account, {PLACE: unread((GAP,))})
    scan_gives(account, {"a": failed("bad.")})
    assert counted() == (0, 1, 0)
