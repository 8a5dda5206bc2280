"""Making, changing, pausing, deleting and running schedules: who may, what is refused, what is recorded."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Account, Organization
from governance.core.models import AuditEvent
from governance.core.policy import SYSTEM, Actor, NotPermittedError, Permission, Role, ScopeKind
from governance.core.transitions import LostRaceError
from scans.domain.schedule_times import make_rhythm
from scans.errors import ScanRequestError
from scans.models import Scan, Schedule
from scans.pipeline import due_schedules
from scans.pipeline.schedule_changes import change_schedule, create_schedule, delete_schedule, run_schedule
from scans.pipeline.start import cancel_scan
from scans.queries.schedules import list_schedule_lines, visible_schedules
from tests.scans.orders import company, holding, unit

pytestmark = pytest.mark.django_db
PAYMENTS, SANDBOX = "111122223334", "111122223335"
OPERATOR = holding(Role.SCAN_OPERATOR, ScopeKind.ORGANIZATION, "o-1")
LOCAL = holding(Role.SCAN_OPERATOR, ScopeKind.OU, "ou-retail")
OWNER = holding(Role.ACCOUNT_OWNER, ScopeKind.ACCOUNT, PAYMENTS)
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


def acts() -> list[str]:
    found = AuditEvent.objects.filter(action__startswith="schedule.").order_by("seq")
    return [event.action.removeprefix("schedule.") for event in found]


def test_schedule_is_created_and_starts_its_scan(organization: Organization) -> None:
    before = timezone.now()
    made = make(organization, accounts=[PAYMENTS, PAYMENTS], regions=["eu-west-1"], controls=["SSM-DS-001"])
    assert before + timedelta(hours=1) <= made.next_due_at <= timezone.now() + timedelta(hours=1)
    assert (made.created_by, made.changed_at, made.enabled) == ("p", None, True)
    assert due_schedules.start_due_schedules() == []
    make_due(made)
    (started,) = due_schedules.start_due_schedules()
    scan = Scan.objects.get(pk=started)
    assert (scan.asked, scan.asked["accounts"]) == (made.asked, [PAYMENTS])
    assert scan.asked["controls"] == [f"SSM-DS-001.{n:02d}" for n in range(1, 15)]
    assert [target.account.account_id for target in scan.targets.all()] == [PAYMENTS]
    said = AuditEvent.objects.get(action="schedule.create")
    assert (said.actor_id, said.subject, said.body["rhythm"]) == (1, f"schedule:{made.pk}", "every hour")


@pytest.mark.parametrize(
    ("actor", "asked", "allowed"),
    [
        (OPERATOR, {}, True), (OPERATOR, {"ous": ["ou-retail"]}, True), (OPERATOR, {"accounts": [SANDBOX]}, True),
        (LOCAL, {}, False), (LOCAL, {"ous": ["ou-retail"]}, True), (LOCAL, {"accounts": [PAYMENTS]}, True),
        (LOCAL, {"accounts": [PAYMENTS, SANDBOX]}, False), (LOCAL, {"ous": ["r-1"]}, False),
        # All that is in the OU now, but not what joins it later.
        (holding(Role.SCAN_OPERATOR, ScopeKind.ACCOUNT, PAYMENTS), {"ous": ["ou-retail"]}, False),
        (holding(Role.SCAN_OPERATOR, ScopeKind.ORGANIZATION, "o-2"), {}, False),
        (OWNER, {"accounts": [PAYMENTS]}, False), (OWNER, {}, False),
        (holding(Role.SECURITY_ADMIN, ScopeKind.ORGANIZATION, "o-1"), {}, False),
        (holding(Role.INTEGRATION, ScopeKind.ORGANIZATION, "o-1"), {}, False),
        (SYSTEM, {}, True),
    ],
)  # fmt: skip
def test_schedule_needs_permission_for_its_whole_scope(
    organization: Organization, actor: Actor, asked: dict[str, list[str]], allowed: bool
) -> None:
    if allowed:
        assert make(organization, actor, **asked).pk
        return
    with pytest.raises(NotPermittedError, match="scan operator for the whole scope"):
        make(organization, actor, **asked)
    assert not Schedule.objects.exists()


def test_local_operator_can_not_reach_or_widen_schedules(organization: Organization) -> None:
    whole, mine = make(organization), make(organization, LOCAL, "mine", ous=["ou-retail"])
    for act in (
        lambda: change_schedule(actor=LOCAL, schedule=whole, enabled=False),
        lambda: change_schedule(actor=LOCAL, schedule=whole, asked={"ous": ["ou-retail"]}),
        lambda: change_schedule(actor=LOCAL, schedule=mine, asked={}),
        lambda: delete_schedule(actor=LOCAL, schedule=whole),
        lambda: run_schedule(actor=LOCAL, schedule=whole),
    ):
        with pytest.raises(NotPermittedError):
            act()
    assert (acts(), Scan.objects.count()) == (["create", "create"], 0)


def test_reader_sees_schedules_within_access(organization: Organization) -> None:
    whole = make(organization)
    retail = make(organization, name="retail", ous=["ou-retail"])
    both = make(organization, name="both", accounts=[PAYMENTS, SANDBOX])
    one = make(organization, name="one", accounts=[PAYMENTS])

    def seen(actor: Actor, permission: Permission = Permission.SCAN_VIEW) -> set[Schedule]:
        return set(visible_schedules(actor, permission))

    assert seen(OPERATOR) == seen(SYSTEM) == {whole, retail, both, one}
    assert seen(LOCAL) == seen(LOCAL, Permission.SCAN_SCHEDULE) == {retail, one}
    assert (seen(OWNER), seen(OWNER, Permission.SCAN_SCHEDULE)) == ({one}, set())
    assert seen(holding(Role.AUDITOR, ScopeKind.ORGANIZATION, "o-2")) == set()
    assert set(visible_schedules(LOCAL, pk=whole.pk)) == set()


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"accounts": ["999999999999"]}, "accounts"), ({"ous": ["ou-none"]}, "ous"),
        ({"regions": ["mars"]}, "regions"), ({"controls": ["NOPE"]}, "controls"),
        ({"accounts": [str(n) for n in range(1001)]}, "accounts"),
    ],
)  # fmt: skip
def test_unknown_ids_are_refused_as_for_a_scan(organization: Organization, asked: dict[str, Any], field: str) -> None:
    with pytest.raises(ScanRequestError) as refused:
        make(organization, **asked)
    assert refused.value.field == field
    assert not Schedule.objects.exists()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("  ", "Enter a name"), ("x" * 101, "at most 100"), ("a\nb", "can't be displayed"),
        ("password=hunter2hunter2", "seems to contain"), (" nightly ", "with this name already"),
    ],
)  # fmt: skip
def test_a_name_that_can_not_be_kept(organization: Organization, name: str, said: str) -> None:
    make(organization)
    with pytest.raises(ScanRequestError, match=said) as refused:
        make(organization, name=name)
    assert refused.value.field == "name"
    other = company("other", org_id="o-2")
    assert make(other, SYSTEM).name == "nightly", "names are of one organization"


def test_schedule_change_is_audited(organization: Organization) -> None:
    made = make(organization, accounts=[PAYMENTS])
    change_schedule(
        actor=OPERATOR, schedule=made, name="payments", rhythm=make_rhythm(daily_at="02:30", time_zone="Europe/Madrid"),
        asked={"accounts": [SANDBOX]}, version=1,
    )  # fmt: skip
    assert (made.name, made.changed_by, made.version, made.asked["accounts"]) == ("payments", "p", 2, [SANDBOX])
    assert made.next_due_at.minute == 30
    said = AuditEvent.objects.get(action="schedule.change").body
    assert (said["was"]["name"], said["now"]["name"]) == ("nightly", "payments")
    assert (said["was"]["asked"]["accounts"], said["now"]["asked"]["accounts"]) == ([PAYMENTS], [SANDBOX])
    with pytest.raises(LostRaceError):
        change_schedule(actor=OPERATOR, schedule=made, name="again", version=1)


def test_unchanged_values_are_no_change(organization: Organization) -> None:
    made = make(organization, controls=["PS"])
    due = made.next_due_at
    change_schedule(
        actor=OPERATOR, schedule=made, name=made.name, rhythm=HOURLY, asked={"controls": ["PS"]}, enabled=True
    )
    assert (made.version, made.next_due_at, acts()) == (1, due, ["create"])
    change_schedule(actor=OPERATOR, schedule=made, name="other")
    assert made.next_due_at == due, "a new name moves no due time"


def test_paused_schedule_starts_nothing_and_catches_up_none(organization: Organization) -> None:
    made = make(organization)
    change_schedule(actor=OPERATOR, schedule=made, enabled=False)
    make_due(made, timedelta(hours=5))
    assert due_schedules.start_due_schedules() == []
    before = timezone.now()
    change_schedule(actor=OPERATOR, schedule=made, enabled=True)
    assert made.next_due_at >= before + timedelta(hours=1)
    assert (made.missed, due_schedules.start_due_schedules()) == (0, [])
    assert acts() == ["create", "pause", "resume"]


def test_deleted_schedule_starts_nothing_but_scans_stay(organization: Organization) -> None:
    made = make(organization)
    make_due(made)
    (started,) = due_schedules.start_due_schedules()
    delete_schedule(actor=OPERATOR, schedule=made)
    make_due(made)
    assert due_schedules.start_due_schedules() == []
    assert Scan.objects.get(pk=started).schedule == made
    assert not visible_schedules(SYSTEM).exists()
    for act in (
        lambda: change_schedule(actor=OPERATOR, schedule=made, enabled=True),
        lambda: run_schedule(actor=OPERATOR, schedule=made),
        lambda: delete_schedule(actor=OPERATOR, schedule=made),
    ):
        with pytest.raises(LostRaceError, match="deleted"):
            act()
    assert make(organization).name == made.name, "its name is free again"


def test_run_now_starts_one_scan_and_moves_no_due_time(organization: Organization) -> None:
    made = make(organization, ous=["ou-retail"])
    due = made.next_due_at
    done = run_schedule(actor=LOCAL, schedule=made)
    assert (done.started, done.scan.started_by, done.scan.schedule) == (True, "p", made)
    again = run_schedule(actor=OPERATOR, schedule=made)
    assert (again.started, again.scan) == (False, done.scan)
    made.refresh_from_db()
    assert (made.next_due_at, acts()) == (due, ["create", "run"])
    cancel_scan(actor=SYSTEM, scan=done.scan)
    change_schedule(actor=OPERATOR, schedule=made, enabled=False)
    assert run_schedule(actor=OPERATOR, schedule=made).started, "a paused one can be run"


def test_the_list_takes_as_many_queries_for_many(organization: Organization, django_assert_num_queries: Any) -> None:
    rows = [make(organization, name=f"n{n}", accounts=[PAYMENTS], ous=["ou-retail"]) for n in range(6)]
    for some in (rows[:1], rows):
        with django_assert_num_queries(7):
            list_schedule_lines(
                list(visible_schedules(OPERATOR).filter(pk__in=[r.pk for r in some])), OPERATOR, Account.objects.all()
            )
