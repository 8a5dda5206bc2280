"""What becomes of due times that start no scan: missed, refused, and shown."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Account, Organization
from governance.core.policy import SYSTEM, Actor, Role, ScopeKind
from scans.domain.schedule_times import Rhythm, make_rhythm
from scans.errors import ScanRequestError
from scans.models import Scan, Schedule
from scans.pipeline import due_schedules
from scans.pipeline.schedule_changes import change_schedule, create_schedule, run_schedule
from scans.pipeline.schedule_scope import ScheduleScope
from scans.pipeline.start import cancel_scan
from scans.queries.schedules import list_schedule_lines
from tests.scans.orders import company, holding, unit

pytestmark = pytest.mark.django_db
PAYMENTS, SANDBOX = "111122223334", "111122223335"
OPERATOR = holding(Role.SCAN_OPERATOR, ScopeKind.ORGANIZATION, "o-1")
HOURLY = make_rhythm(60)


@pytest.fixture
def organization() -> Organization:
    made = company()
    Account.objects.filter(account_id=PAYMENTS).update(ou=unit(made, "ou-retail", "Retail", made.ous.get(ou_id="r-1")))
    return made


def make(organization: Organization, actor: Actor = OPERATOR, name: str = "nightly", **asked: list[str]) -> Schedule:
    return create_schedule(actor=actor, organization=organization, name=name, rhythm=HOURLY, asked=asked)


def make_due(schedule: Schedule, late: timedelta = timedelta(minutes=1)) -> None:
    Schedule.objects.filter(pk=schedule.pk).update(next_due_at=timezone.now() - late)


def test_a_due_time_while_its_scan_runs_is_missed(organization: Organization) -> None:
    made = make(organization)
    make_due(made)
    (first,) = due_schedules.start_due_schedules()
    make_due(made)
    assert due_schedules.start_due_schedules() == []
    made.refresh_from_db()
    assert made.refused == f"Scan {first} of this schedule was still running."
    assert (made.missed, made.next_due_at > timezone.now()) == (1, True)
    cancel_scan(actor=SYSTEM, scan=Scan.objects.get())
    make_due(made)
    assert len(due_schedules.start_due_schedules()) == 1
    made.refresh_from_db()
    assert (made.refused, made.refused_at, made.missed) == ("", None, 1)


def test_times_at_which_no_beat_ran_are_counted(organization: Organization) -> None:
    made = make(organization)
    make_due(made, timedelta(hours=3, minutes=30))
    assert len(due_schedules.start_due_schedules()) == 1
    made.refresh_from_db()
    assert made.missed == 3
    assert made.missed_at is not None


def test_vanished_accounts_are_named_and_block_no_schedule(organization: Organization) -> None:
    bad = make(organization, accounts=[PAYMENTS])
    half = make(organization, name="half", accounts=[PAYMENTS, SANDBOX])
    good = make(organization, name="good")
    Account.objects.filter(account_id=PAYMENTS).update(status=Account.Status.VANISHED)
    for each in (bad, half, good):
        make_due(each)
    started = Scan.objects.filter(pk__in=due_schedules.start_due_schedules())
    assert {scan.schedule for scan in started} == {half, good}
    assert [t.account.account_id for t in started.get(schedule=half).targets.all()] == [SANDBOX]
    bad.refresh_from_db()
    assert bad.refused.startswith("None of the selected accounts can be scanned")
    assert (bad.missed, bad.refused_at is not None, bad.next_due_at > timezone.now()) == (1, True, True)
    gone = f"The account payments ({PAYMENTS}) has left the organization."
    assert [ScheduleScope([each]).gone(each) for each in (bad, half, good)] == [[gone], [gone], []]
    assert due_schedules.start_due_schedules() == []


def test_an_ou_a_control_and_a_time_zone_that_are_gone(organization: Organization) -> None:
    made = make(organization, ous=["ou-retail"], controls=["SSM-PS-001"])
    organization.ous.filter(ou_id="ou-retail").update(vanished_at=timezone.now())
    Schedule.objects.filter(pk=made.pk).update(
        asked={**made.asked, "controls": ["SSM-XX-999"]}, daily_at="02:00", time_zone="Mars/Base"
    )
    make_due(made)
    assert due_schedules.start_due_schedules() == []
    made.refresh_from_db()
    assert made.refused.startswith("Unknown control: SSM-XX-999.")
    assert made.next_due_at > timezone.now() + timedelta(minutes=59)
    said = ["The OU Retail (ou-retail) no longer exists.", "The control SSM-XX-999 no longer exists."]
    assert ScheduleScope([made]).gone(made) == said


def test_refused_run_gives_and_keeps_the_reason(organization: Organization) -> None:
    made = make(organization, accounts=[PAYMENTS])
    Account.objects.filter(account_id=PAYMENTS).update(status=Account.Status.CLOSED)
    with pytest.raises(ScanRequestError, match="they are closed"):
        run_schedule(actor=OPERATOR, schedule=made)
    made.refresh_from_db()
    assert "they are closed" in made.refused
    change_schedule(actor=OPERATOR, schedule=made, asked={"accounts": [SANDBOX]})
    assert made.refused == "", "the reason was about the scope before"


def test_a_change_between_a_beats_look_and_its_act_wins(organization: Organization) -> None:
    made = make(organization)
    make_due(made)
    looked = Schedule.objects.select_related("organization").get(pk=made.pk)
    change_schedule(actor=OPERATOR, schedule=made, enabled=False)
    started: list[int] = []
    due_schedules.start_scheduled_scan(looked, now=timezone.now(), started=started)
    assert (started, Scan.objects.count()) == ([], 0)


def test_a_row_of_an_earlier_release_scans_the_whole(organization: Organization) -> None:
    old = Schedule.objects.create(
        organization=organization, name="old", every_minutes=60, next_due_at=timezone.now() - timedelta(minutes=1)
    )
    assert len(due_schedules.start_due_schedules()) == 1
    (line,) = list_schedule_lines([old], SYSTEM, Account.objects.all())
    assert (line.asked.words(), line.rhythm) == ("everything", Rhythm(60))
