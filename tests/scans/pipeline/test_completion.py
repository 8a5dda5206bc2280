"""From the last Target to the end of a Scan; every step may be repeated, by whichever worker comes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.aws.gaps import Gap, GapKind
from accounts.models import Organization
from governance.core.policy import SYSTEM
from scans.models import Scan, Target
from scans.pipeline import account_reader, completion, cross_account
from scans.pipeline.start import cancel_scan, start_scan
from tests.scans.orders import company, first, in_place_of_aws, read_all, volumes

pytestmark = pytest.mark.django_db

BUCKETS = {"111122223334": {"logs": ["07"]}}


@pytest.fixture
def organization(monkeypatch: pytest.MonkeyPatch) -> Organization:
    in_place_of_aws(monkeypatch)
    return company()


@pytest.fixture
def scan(organization: Organization) -> Scan:
    return start_scan(actor=SYSTEM, organization=organization)


def died(_scan: Scan) -> None:
    raise KeyboardInterrupt


def state(scan: Scan) -> str:
    scan.refresh_from_db()
    return scan.state


def test_a_scan_waits_for_its_last_account(scan: Scan) -> None:
    read_all(scan)
    scan.targets.filter(pk=first(scan).pk).update(state="running")
    assert completion.advance_scan(scan.pk) == []
    assert state(scan) == "running"
    scan.targets.update(state="done")
    completion.advance_scan(scan.pk)
    assert state(scan) == "done"
    assert scan.finished_at is not None


def test_an_ended_scan_is_left_alone(scan: Scan) -> None:
    read_all(scan)
    completion.advance_scan(scan.pk)
    finished = scan.finished_at
    completion.advance_scan(scan.pk)
    assert state(scan) == "done"
    assert finished in {None, scan.finished_at}


def test_owners_of_inbound_buckets_are_visited_once_more(scan: Scan, monkeypatch: pytest.MonkeyPatch) -> None:
    read_all(scan)
    monkeypatch.setattr(cross_account, "find_inbound_buckets", lambda organization, owners=None: BUCKETS)
    (again,) = completion.advance_scan(scan.pk)
    target = scan.targets.get(pk=again)
    assert (target.state, target.visit, target.inbound) == ("queued", 2, {"logs": ["07"]})
    assert completion.advance_scan(scan.pk) == []
    assert state(scan) == "running"
    read_all(scan)
    assert completion.advance_scan(scan.pk) == []
    assert state(scan) == "done"


def test_owner_with_known_inbound_is_not_visited_again(scan: Scan, monkeypatch: pytest.MonkeyPatch) -> None:
    scan.targets.filter(account__account_id="111122223334").update(inbound={"logs": ["07", "08"]})
    read_all(scan)
    monkeypatch.setattr(cross_account, "find_inbound_buckets", lambda organization, owners=None: BUCKETS)
    assert completion.advance_scan(scan.pk) == []
    assert state(scan) == "done"


def test_scan_of_other_controls_revisits_no_account(
    organization: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan = start_scan(actor=SYSTEM, organization=organization, controls=["SSM-EB-001"])
    read_all(scan)
    monkeypatch.setattr(cross_account, "find_inbound_buckets", lambda organization, owners=None: BUCKETS)
    assert completion.advance_scan(scan.pk) == []
    assert state(scan) == "done"


def test_concurrent_workers_do_not_skip_second_visit(scan: Scan, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second looks while the first is still finding out who must be visited again."""
    read_all(scan)
    answers: list[list[int]] = []

    def meanwhile(organization: Organization, owners: Any = None) -> Any:
        if not answers:
            answers.append([])
            answers[0] = completion.advance_scan(scan.pk)
        return BUCKETS

    monkeypatch.setattr(cross_account, "find_inbound_buckets", meanwhile)
    assert len(completion.advance_scan(scan.pk)) == 1
    assert answers == [[]]
    assert state(scan) == "running"
    assert scan.lease_until is None


def test_joining_is_taken_over_after_lease_expires(scan: Scan) -> None:
    read_all(scan)
    now = timezone.now()
    Scan.objects.filter(pk=scan.pk).update(state="joining", lease_until=now + timedelta(minutes=1))
    completion.advance_scan(scan.pk)
    assert state(scan) == "joining"
    Scan.objects.filter(pk=scan.pk).update(lease_until=now - timedelta(seconds=1))
    completion.advance_scan(scan.pk)
    assert state(scan) == "done"
    assert scan.lease_until is None


def test_long_joining_keeps_its_lease(scan: Scan, monkeypatch: pytest.MonkeyPatch) -> None:
    """By signs of life from beside it: here one is given for each account, when the lease has nearly run out."""
    read_all(scan)
    left: list[timedelta] = []
    extend: list[Callable[[], object]] = []

    @contextmanager
    def kept_up(sign: Callable[[], object], name: str) -> Iterator[None]:
        extend.append(sign)
        yield

    def slowly(joined: Scan, *_: object) -> None:
        Scan.objects.filter(pk=joined.pk).update(lease_until=timezone.now() + timedelta(seconds=1))
        extend[0]()
        held = Scan.objects.values_list("lease_until", flat=True).get(pk=joined.pk)
        assert held is not None
        left.append(held - timezone.now())

    monkeypatch.setattr(completion, "keep_lease_alive", kept_up)
    monkeypatch.setattr(completion, "cross_evaluate_target", slowly)
    completion.advance_scan(scan.pk)
    assert len(left) == 3
    assert min(left) > timedelta(seconds=30)
    assert state(scan) == "done"
    extend[0]()  # a late sign doesn't bring back what was let go
    assert scan.lease_until is None


def test_joining_without_lease_leaves_the_rest(scan: Scan, monkeypatch: pytest.MonkeyPatch) -> None:
    read_all(scan)
    judged: list[int] = []
    later = timezone.now() + timedelta(minutes=20)

    def overtaken(joined: Scan, target: Target, *_: object) -> None:
        judged.append(target.pk)
        joined.lease_until = timezone.now()
        Scan.objects.filter(pk=joined.pk).update(owner="elsewhere:1:1", lease_until=later)

    monkeypatch.setattr(completion, "cross_evaluate_target", overtaken)
    completion.advance_scan(scan.pk)
    assert len(judged) == 1
    assert state(scan) == "joining"
    assert scan.lease_until == later


def test_repeated_joining_counts_nothing_twice(scan: Scan, monkeypatch: pytest.MonkeyPatch) -> None:
    read_all(scan)
    with monkeypatch.context() as dying:
        dying.setattr(completion, "complete_scan", died)
        with pytest.raises(KeyboardInterrupt):
            completion.advance_scan(scan.pk)
    once = [
        {k: v for k, v in counts.items() if k != "joined"} for counts in scan.targets.values_list("counts", flat=True)
    ]
    completion.advance_scan(scan.pk)  # what failed holds no lease
    assert state(scan) == "done"
    total: dict[str, int] = {}
    for counts in once:
        for name, number in counts.items():
            total[name] = total.get(name, 0) + number
    assert scan.totals["counts"] == total
    assert total["pass"] == 3


def test_scan_cancelled_during_joining_stays_cancelled(scan: Scan, monkeypatch: pytest.MonkeyPatch) -> None:
    read_all(scan)
    owners = cross_account.map_bucket_owners

    def cancelled_meanwhile(*args: Any) -> Any:
        cancel_scan(actor=SYSTEM, scan=Scan.objects.get(pk=scan.pk))
        return owners(*args)

    monkeypatch.setattr(cross_account, "map_bucket_owners", cancelled_meanwhile)
    assert completion.advance_scan(scan.pk) == []
    assert state(scan) == "cancelled"


@pytest.mark.parametrize(
    ("gap", "ends"),
    [
        (
            Gap(GapKind.DENIED, "ssm.ListDocuments", "ssm:ListDocuments", "eu-west-1", "AccessDeniedException"),
            "partial",
        ),
        (Gap(GapKind.NOT_READ, "scan.Regions", "", "other regions", "RegionsLimited"), "done"),
    ],
)
def test_gap_makes_scan_partial_unless_requested(
    scan: Scan, monkeypatch: pytest.MonkeyPatch, gap: Gap, ends: str
) -> None:
    def with_a_gap(plan: account_reader.CollectionPlan) -> account_reader.CollectionResult:
        found = volumes(plan)
        found.gaps.append(gap)
        return found

    monkeypatch.setattr(account_reader, "collect", with_a_gap)
    read_all(scan)
    completion.advance_scan(scan.pk)
    assert state(scan) == ends
    assert scan.totals["partial"] is (ends == "partial")


def test_totals_are_sums_over_the_accounts(scan: Scan) -> None:
    read_all(scan)
    scan.targets.update(calls=7, retries=2)
    scan.targets.filter(pk=first(scan).pk).update(state="unreadable", error={"reason": "r", "what_to_do": "w"})
    completion.advance_scan(scan.pk)
    assert state(scan) == "partial"
    totals = scan.totals
    assert (totals["accounts"], totals["calls"], totals["retries"], totals["unreadable"]) == (3, 21, 6, 1)
    assert totals["states"] == {"done": 2, "unreadable": 1}
    assert "joined" not in totals["counts"]
