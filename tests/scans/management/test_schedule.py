"""`manage.py schedule`: list, add, change, pause, resume, remove, run, with the exit statuses of all commands."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from unittest import mock

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import Account, Organization
from governance.core.models import AuditEvent
from scans.models import Scan, Schedule
from scans.pipeline import due_schedules
from tests.scans.orders import company

pytestmark = pytest.mark.django_db
PAYMENTS = "111122223334"


@pytest.fixture(autouse=True)
def organization() -> Organization:
    return company()


def run(*words: str) -> tuple[int, str, str]:
    out, err = StringIO(), StringIO()
    try:
        call_command("schedule", *words, stdout=out, stderr=err)
    except SystemExit as ended:
        return int(str(ended.code)), out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


def made(*words: str) -> Schedule:
    status, _, said = run("add", "nightly", *(words or ("--daily", "02:00", "--zone", "UTC")))
    assert status == 0, said
    return Schedule.objects.latest("id")


def test_add_and_list() -> None:
    assert run("list") == (
        0,
        "There are no schedules. Create one: manage.py schedule add NAME --daily 02:00 --zone UTC\n",
        "",
    )
    one = made("--every", "6h", "--account", PAYMENTS, "--control", "SSM-PS-001", "--region", "eu-west-1")
    assert (one.every_minutes, one.asked["accounts"], one.created_by) == (360, [PAYMENTS], "system")
    status, out, _ = run("list")
    assert status == 0
    assert out.startswith(
        f"{one.pk}  nightly  every 6 hours; 1 account; regions eu-west-1; controls SSM-PS-001 of o-1\n"
    )
    assert "last run: none yet" in out
    assert AuditEvent.objects.get(action="schedule.create").actor == "system"


@pytest.mark.parametrize(("text", "minutes"), [("5m", 5), ("90m", 90), ("1h", 60), ("7d", 10080)])
def test_interval_option_sets_minutes(text: str, minutes: int) -> None:
    assert made("--every", text).every_minutes == minutes


def test_change_keeps_unnamed_settings() -> None:
    one = made("--every", "6h", "--account", PAYMENTS, "--control", "SSM-PS-001")
    assert run("change", str(one.pk), "--name", "b", "--all-controls")[:2] == (0, f"Schedule {one.pk} is changed.\n")
    one.refresh_from_db()
    assert (one.name, one.every_minutes, one.asked["accounts"], one.asked["controls"]) == ("b", 360, [PAYMENTS], [])
    assert run("change", str(one.pk), "--daily", "03:30", "--zone", "Europe/Madrid")[0] == 0
    one.refresh_from_db()
    assert (str(one.daily_at), one.time_zone) == ("03:30:00", "Europe/Madrid")
    assert run("change", str(one.pk), "--name", "b")[:2] == (0, f"Schedule {one.pk} is unchanged.\n")


def test_pause_resume_remove() -> None:
    one = made()
    assert run("pause", str(one.pk))[:2] == (0, f"Schedule {one.pk} is paused.\n")
    assert "    paused; last run" in run("list")[1]
    assert run("resume", str(one.pk))[1].startswith(f"Schedule {one.pk} is resumed; next run ")
    assert run("remove", str(one.pk))[:2] == (0, f"Schedule {one.pk} is removed.\n")
    assert run("pause", str(one.pk)) == (2, "", f"There is no schedule {one.pk}. See: manage.py schedule list\n")
    assert not Schedule.objects.filter(enabled=True).exists()


def test_run_hands_one_scan_to_the_workers(settings: object, monkeypatch: pytest.MonkeyPatch) -> None:
    one = made("--every", "1d", "--account", PAYMENTS)
    monkeypatch.setattr(settings, "EMBEDDED", False, raising=False)
    monkeypatch.setattr("scans.management.commands.schedule.reach_broker", lambda: None)
    with mock.patch("scans.tasks.enqueue_scan") as told:
        status, out, _ = run("run", str(one.pk))
        scan = Scan.objects.get()
        assert (status, out) == (0, f"Scan {scan.pk} is queued.\n")
        assert run("run", str(one.pk))[:2] == (0, f"Scan {scan.pk} of this schedule is already running.\n")
    told.assert_called_once_with(scan.pk)
    assert f"last run: scan {scan.pk} (running)" in run("list")[1]


def test_a_schedule_goes_by_its_id_or_its_name() -> None:
    one = made()
    assert run("pause", "nightly") == (0, f"Schedule {one.pk} is paused.\n", "")
    other = Organization.objects.create(org_id="o-2", partition="aws", management_account_id="999988887777")
    twin = Schedule.objects.create(
        organization=other, name="nightly", every_minutes=60, next_due_at=timezone.now(), created_at=timezone.now()
    )
    assert run("pause", "nightly")[0] == 2
    assert run("pause", str(twin.pk))[0] == 0
    called = Schedule.objects.create(
        organization=other, name=str(one.pk), every_minutes=60, next_due_at=timezone.now(), created_at=timezone.now()
    )
    assert run("remove", str(one.pk))[1] == f"Schedule {one.pk} is removed.\n", "an id comes before a name"
    assert Schedule.objects.get(pk=called.pk).deleted_at is None


def test_run_without_workers_could_not(settings: object, monkeypatch: pytest.MonkeyPatch) -> None:
    one = made()
    monkeypatch.setattr(settings, "EMBEDDED", True, raising=False)
    status, _, said = run("run", str(one.pk))
    assert (status, said.count("\n"), said.startswith("There are no workers")) == (1, 1, True)
    assert not Scan.objects.exists()


def test_refused_run_fails_and_list_shows_the_reason(settings: object, monkeypatch: pytest.MonkeyPatch) -> None:
    one = made("--every", "1d", "--account", PAYMENTS)
    Account.objects.filter(account_id=PAYMENTS).update(status="CLOSED")
    monkeypatch.setattr(settings, "EMBEDDED", False, raising=False)
    monkeypatch.setattr("scans.management.commands.schedule.reach_broker", lambda: None)
    status, _, said = run("run", str(one.pk))
    assert (status, said.startswith("None of the selected accounts can be scanned")) == (1, True)
    Schedule.objects.update(next_due_at=timezone.now() - timedelta(minutes=1))
    assert due_schedules.start_due_schedules() == []
    out = run("list")[1]
    for words in ("last start refused", "missed runs: 1", f"The account payments ({PAYMENTS}) is closed."):
        assert words in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("add x", "Enter an interval"), ("add x --every 4m", "Enter an interval from 5 minutes"),
        ("add x --every 6", "--every takes"), ("add x --every 6w", "--every takes"),
        ("add x --daily 25:00 --zone UTC", "Enter the time as HH:MM, such as 02:30."),
        ("add x --daily 02:00", "Enter a time zone"), ("add x --daily 02:00 --zone Mars", "Unknown time zone: Mars."),
        ("add x --every 6h --daily 02:00 --zone UTC", "Choose either"), ("add x --every 6h --zone UTC", "A time zone needs"),
        ("add x --every 6h --account 000000000000", "Unknown account: 000000000000."),
        ("add x --every 6h --ou ou-none", "Unknown OU: ou-none."), ("add x --every 6h --region mars", "Unknown region: mars."),
        ("add x --every 6h --control NOPE", "Unknown control: NOPE."),
        ("add x --every 6h --organization o-none", "The organization o-none is not known."),
        ("add nightly --every 6h", "A schedule with this name already exists."),
        ("list --organization o-none", "The organization o-none is not known."),
        ("change 999999 --name x", "There is no schedule 999999."), ("pause abc", "There is no schedule abc."),
        ("run 99999999999999999999", "There is no schedule 99999999999999999999."),
        ("remove ²", "There is no schedule ²."),
    ],
)  # fmt: skip
def test_wrong_usage_is_one_line(words: str, said: str) -> None:
    made()
    status, out, error = run(*words.split())
    assert (status, out, error.count("\n")) == (2, "", 1), error
    assert error.startswith(said)
    assert Schedule.objects.count() == 1


def test_all_and_some_accounts_together_is_wrong_usage() -> None:
    one = made()
    assert run("change", str(one.pk), "--all-accounts", "--account", PAYMENTS)[0] == 2


def test_unknown_act_is_refused() -> None:
    with pytest.raises(CommandError):
        call_command("schedule", "dance")


def test_schedule_without_organization_fails() -> None:
    Account.objects.all().delete()
    Organization.objects.all()[0].ous.all().delete()
    Organization.objects.all().delete()
    status, _, said = run("add", "x", "--every", "6h")
    assert (status, said) == (1, "No organization is known yet. Run: manage.py discover\n")
