"""The pages of schedules: list, one, new, edit, pause, resume, run now, delete."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from unittest import mock

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Account
from governance.core.policy import SYSTEM, Role, ScopeKind
from scans.domain.schedule_times import make_rhythm
from scans.models import Scan, Schedule
from scans.pipeline.schedule_changes import create_schedule
from tests.support import readers
from tests.support.inventory import HOSTILE, ORG, Inventory
from tests.support.people import person, signed_in

LIST, NEW = "/scans/schedules/", "/scans/schedules/new/"


@pytest.fixture(autouse=True)
def enqueue() -> Iterator[mock.Mock]:
    with mock.patch("scans.tasks.enqueue_scan") as found:
        yield found


@pytest.fixture
def client(inventory: Inventory) -> Client:
    return readers.operator()


@pytest.fixture
def made(inventory: Inventory) -> Schedule:
    return make(inventory)


def make(inventory: Inventory, name: str = "nightly", **asked: list[str]) -> Schedule:
    return create_schedule(
        actor=SYSTEM, organization=inventory.organization, name=name, rhythm=make_rhythm(360), asked=asked
    )


def local() -> Client:
    return signed_in(person("lena", (Role.SCAN_OPERATOR, ScopeKind.OU, "ou-1-retail")))


def given(**more: object) -> dict[str, object]:
    return {
        "organization": ORG, "name": "nightly", "scope": "whole", "rhythm": "daily", "daily_at": "02:30",
        "time_zone": "Europe/Madrid", "number": "6", "unit": "hours", **more,
    }  # fmt: skip


def url(schedule: Schedule, act: str = "") -> str:
    return f"{LIST}{schedule.pk}/{act}"


def text(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_schedule_is_made_and_its_page_opens(client: Client) -> None:
    assert f'href="{NEW}"' in text(client, LIST)
    answer = client.post(NEW, given())
    made = Schedule.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, url(made))
    assert (str(made.daily_at), made.time_zone, made.created_by) == ("02:30:00", "Europe/Madrid", "otto")
    page = text(client, url(made))
    for said in ("daily at 02:30 (Europe/Madrid)", "<dd>all</dd>", "none yet", "by otto"):
        assert said in page
    assert f'href="{url(made)}"' in text(client, LIST)
    assert LIST in text(client, "/scans/")


def test_a_part_of_the_organization_every_so_often(client: Client, inventory: Inventory) -> None:
    answer = client.post(
        NEW,
        given(rhythm="every", scope="chosen", accounts=inventory.play.account_id, ous=["ou-1-retail"],
              regions=["eu-west-1"], controls=["SSM-PS-001"]),
    )  # fmt: skip
    made = Schedule.objects.get()
    assert (answer.status_code, made.every_minutes, made.daily_at) == (302, 360, None)
    assert made.asked == {
        "accounts": [inventory.play.account_id], "ous": ["ou-1-retail"], "regions": ["eu-west-1"],
        "controls": ["SSM-PS-001"],
    }  # fmt: skip
    page = text(client, url(made))
    for said in ("every 6 hours", "play", "Retail", "eu-west-1", "SSM-PS-001"):
        assert said in page


@pytest.mark.parametrize(
    ("more", "field", "words"),
    [
        ({"name": ""}, "name", "required"), ({"name": "password=hunter2hunter2"}, "name", "seems to contain"),
        ({"daily_at": ""}, "daily_at", "Enter a time"), ({"daily_at": "7"}, "daily_at", "such as 02:30"),
        ({"time_zone": "Mars"}, "time_zone", "Unknown time zone: Mars"), ({"rhythm": ""}, "rhythm", "required"),
        ({"rhythm": "every", "number": "4", "unit": "minutes"}, "number", "5 minutes"),
        ({"rhythm": "every", "number": "x"}, "number", "whole number"),
        ({"rhythm": "every", "number": ""}, "number", "Enter an interval"),
        ({"rhythm": "every", "unit": "years"}, "unit", "years"),
        ({"scope": "chosen"}, "accounts", "Enter at least one"),
        ({"scope": "chosen", "accounts": "999999999999"}, "accounts", "Not among the accounts"),
    ],
)  # fmt: skip
def test_refused_form_shows_field_error_and_keeps_input(
    client: Client, more: dict[str, object], field: str, words: str
) -> None:
    answer = client.post(NEW, given(controls=["SSM-PS-003"], **more))
    page = answer.content.decode()
    assert answer.status_code == 422
    assert words in page.split(f'id="{field}-error"')[1].split("</div>")[0]
    assert 'value="SSM-PS-003" id="s-SSM-PS-003" checked' in page
    for name, value in more.items():
        assert name in {"scope", "rhythm", "unit"} or str(value) in page
    assert not Schedule.objects.exists()


def test_a_schedule_is_edited(client: Client, inventory: Inventory) -> None:
    made = make(inventory, accounts=[inventory.shop.account_id], controls=["SSM-PS-001"])
    page = text(client, url(made, "edit/"))
    for shown in ('value="nightly"', f">{inventory.shop.account_id}</textarea>", 'id="s-SSM-PS-001" checked',
                  'value="every" id="s-every" checked', 'value="6"', "<option selected>hours</option>"):  # fmt: skip
        assert shown in page
    answer = client.post(url(made, "edit/"), given(name="weekly", rhythm="every", number="7", unit="days", version="1"))
    assert (answer.status_code, answer["Location"]) == (302, url(made))
    made.refresh_from_db()
    assert (made.name, made.every_minutes, made.asked["accounts"], made.changed_by) == ("weekly", 10080, [], "otto")


def test_stale_change_is_refused_and_keeps_input(client: Client, made: Schedule) -> None:
    client.post(url(made, "pause/"))
    for version in ("1", "", "x", "²"):
        answer = client.post(url(made, "edit/"), given(name="typed", version=version))
        assert answer.status_code == 409
        assert 'value="typed"' in answer.content.decode()
        assert "has changed since you read it" in answer.content.decode()
    made.refresh_from_db()
    assert made.name == "nightly"


def test_an_ou_without_accounts_stays_when_the_name_is_edited(client: Client, inventory: Inventory) -> None:
    made = make(inventory, ous=["ou-1-sandbox"])
    Account.objects.filter(ou=inventory.sandbox).update(ou=inventory.production)
    assert 'value="ou-1-sandbox" id="s-ou-1" checked' in text(client, url(made, "edit/"))
    more = {"rhythm": "every", "scope": "chosen", "ous": ["ou-1-sandbox"], "version": "1"}
    assert client.post(url(made, "edit/"), given(name="other", **more)).status_code == 302
    made.refresh_from_db()
    assert (made.name, made.asked["ous"]) == ("other", ["ou-1-sandbox"])


def test_pause_resume_and_delete_with_a_question(client: Client, made: Schedule) -> None:
    assert client.post(url(made, "pause/"), follow=True).redirect_chain == [(url(made), 302)]
    assert "none: paused" in text(client, url(made))
    assert "none: paused" in text(client, LIST)
    client.post(url(made, "resume/"))
    made.refresh_from_db()
    assert made.enabled
    assert "will start no more scans" in text(client, url(made, "delete/"))
    assert Schedule.objects.filter(deleted_at=None).exists()
    assert client.post(url(made, "delete/"))["Location"] == LIST
    assert client.get(url(made)).status_code == 404
    assert "There are no schedules that you can see" in text(client, LIST)


@pytest.mark.parametrize("act", ["pause/", "resume/", "run/"])
def test_acts_are_posts(client: Client, made: Schedule, act: str) -> None:
    assert client.get(url(made, act)).status_code == 405


def test_run_now_leads_to_its_scan(
    client: Client, made: Schedule, enqueue: mock.Mock, django_capture_on_commit_callbacks: Callable[..., object]
) -> None:
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[attr-defined]
        answer = client.post(url(made, "run/"))
    scan = Scan.objects.latest("id")
    assert (answer["Location"], scan.schedule, scan.started_by) == (f"/scans/{scan.pk}/", made, "otto")
    enqueue.assert_called_once_with(scan.pk)
    assert "is already running" in client.post(url(made, "run/"), follow=True).content.decode()
    for page in (text(client, LIST), text(client, url(made))):
        assert f'href="/scans/{scan.pk}/"' in page


def test_a_refused_start_shows_why(client: Client, inventory: Inventory) -> None:
    made = make(inventory, accounts=[inventory.shop.account_id])
    Account.objects.filter(pk=inventory.shop.pk).update(status="VANISHED")
    assert "No scan was started" in client.post(url(made, "run/"), follow=True).content.decode()
    for page in (text(client, LIST), text(client, url(made))):
        assert "The last start was refused" in page
        assert "has left the organization" in page
    assert "has left the organization" in text(client, url(made, "edit/"))


def test_schedules_are_visible_and_editable_by_scope(inventory: Inventory, made: Schedule) -> None:
    retail = make(inventory, "retail", ous=["ou-1-retail"])
    shop = make(inventory, "shop", accounts=[inventory.shop.account_id])
    lena, olga, ada = local(), readers.owner(inventory.shop.account_id), readers.auditor()
    acts = ("edit/", "delete/")
    assert [client.get(url(made)).status_code for client in (lena, olga, ada)] == [404, 404, 200]
    assert [client.get(url(retail)).status_code for client in (lena, olga, ada)] == [200, 404, 200]
    assert [client.get(url(shop)).status_code for client in (lena, olga, ada)] == [200, 200, 200]
    for act in (*acts, "pause/", "run/"):
        assert lena.post(url(made, act)).status_code == 404
        assert [client.post(url(shop, act)).status_code for client in (olga, ada)] == [403, 403]
    assert [lena.get(url(retail, act)).status_code for act in acts] == [200, 200]
    listed = text(lena, LIST)
    assert ("nightly" in listed, "retail" in listed, "shop" in listed) == (False, True, True)
    for client in (olga, ada):
        assert "Run now" not in text(client, url(shop))
        assert NEW not in text(client, LIST)
    assert Schedule.objects.filter(version=1, enabled=True).count() == 3


def test_a_local_operator_schedules_their_part_only(inventory: Inventory) -> None:
    client = local()
    assert "The whole organization" not in text(client, NEW)
    whole = client.post(NEW, given())
    assert "but not of all of it" in whole.content.decode()
    parent = client.post(NEW, given(scope="chosen", ous=["ou-1-prod"])).content.decode()
    assert "An OU needs a grant for the whole OU" in parent
    assert not Schedule.objects.exists()
    assert client.post(NEW, given(scope="chosen", ous=["ou-1-retail"])).status_code == 302


def test_names_are_escaped_and_rows_of_an_earlier_release_shown(client: Client, inventory: Inventory) -> None:
    old = Schedule.objects.create(
        organization=inventory.organization, name=HOSTILE[:100], every_minutes=5, next_due_at=timezone.now()
    )
    for address in (LIST, url(old), url(old, "edit/"), url(old, "delete/")):
        assert "<script>alert" not in text(client, address)
    assert "not recorded" in text(client, url(old))


def test_signed_out_and_without_a_grant(inventory: Inventory, made: Schedule) -> None:
    for address in (LIST, NEW, url(made), url(made, "edit/")):
        assert Client().get(address).status_code == 302
    outsider = readers.outsider()
    for address in (LIST, NEW, url(made), url(made, "edit/")):
        assert outsider.get(address).status_code == 403
