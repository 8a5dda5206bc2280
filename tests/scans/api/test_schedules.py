"""Schedules in the API: list, look, make, change, pause, delete, run now."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Account
from governance.core.models import AuditEvent
from governance.core.policy import SYSTEM, Permission, Role, ScopeKind
from governance.identity.models import User
from governance.identity.people import api_tokens
from scans import tasks
from scans.models import Scan, Schedule
from tests.scans.api.asking import ROOT, every, fields, get, items, post, refused
from tests.support.inventory import ORG, REGION
from tests.support.people import person, signed_in

pytestmark = pytest.mark.django_db
SHOP, TILL, LEDGER = "100000000001", "100000000002", "100000000003"
NIGHTLY: dict[str, Any] = {"name": "nightly", "daily_at": "02:00", "time_zone": "Europe/Madrid"}
RETAIL: dict[str, Any] = {"name": "retail", "every_minutes": 360, "ous": ["ou-1-retail"]}


@pytest.fixture(autouse=True)
def sent(monkeypatch):
    found: list[int] = []
    monkeypatch.setattr(tasks, "enqueue_scan", found.append)
    return found


@pytest.fixture
def local(inventory) -> Client:
    """A scan operator of one OU."""
    return signed_in(person("lena", (Role.SCAN_OPERATOR, ScopeKind.OU, "ou-1-retail")))


def make(client: Client, body: dict[str, Any] = NIGHTLY, **headers: str) -> dict[str, Any]:
    answer = post(client, "schedules/", body, **headers)
    assert answer.status_code == 201, answer.content
    assert get_from(client, answer["Location"]) == answer.json()
    return answer.json() | {"etag": answer["ETag"]}


def get_from(client: Client, url: str) -> Any:
    answer = client.get(url)
    assert answer.status_code == 200, answer.content
    return answer.json()


def send(client: Client, method: str, made: dict[str, Any], body: Any = None, etag: str | None = None) -> Any:
    match = {"If-Match": made["etag"] if etag is None else etag} if etag != "" else {}
    return getattr(client, method)(
        f"{ROOT}schedules/{made['id']}/",
        json.dumps(body) if body is not None else "",
        "application/json",
        headers=match,
    )


def test_schedule_is_created_and_shown_whole(operator, auditor):
    made = make(operator)
    assert (made["name"], made["organization"], made["enabled"]) == ("nightly", ORG, True)
    assert (made["every_minutes"], made["daily_at"], made["time_zone"]) == (None, "02:00", "Europe/Madrid")
    assert made["asked"] == {"whole": True, "accounts": [], "ous": [], "regions": [], "controls": []}
    assert (made["created_by"], made["changed_by"], made["last_run"], made["refused"], made["missed"]) == (
        "oscar", None, None, None, 0
    )  # fmt: skip
    assert Schedule.objects.get().next_due_at > timezone.now()
    assert items(auditor, "schedules/") == [{k: v for k, v in made.items() if k != "etag"}]
    assert AuditEvent.objects.get(action="schedule.create").actor == "oscar"


def test_partial_schedule_takes_every_scan_option(operator):
    body = {"accounts": [SHOP], "ous": ["ou-1-sandbox"], "regions": [REGION], "controls": ["SSM-DS-001"]}
    made = make(operator, RETAIL | body)
    assert made["asked"] == body | {"whole": False, "controls": [f"SSM-DS-001.{n:02d}" for n in range(1, 15)]}
    assert (made["every_minutes"], made["daily_at"], made["time_zone"]) == (360, None, None)


def test_schedule_needs_permission(operator, owner, auditor, outsider, local, inventory):
    refused(post(Client(), "schedules/", NIGHTLY), 401)
    for client in (owner, auditor, outsider):
        refused(post(client, "schedules/", NIGHTLY), 403)
        refused(post(client, "schedules/", RETAIL | {"ous": [], "accounts": [SHOP]}), 403)
    refused(post(local, "schedules/", NIGHTLY), 403)
    refused(post(local, "schedules/", RETAIL | {"ous": ["r-1"]}), 403)
    assert not Schedule.objects.exists()
    assert make(local, RETAIL)["created_by"] == "lena"
    assert make(local, RETAIL | {"name": "two", "ous": [], "accounts": [SHOP, TILL]})


def test_foreign_schedule_is_not_found(operator, local, owner):
    whole, mine = make(operator), make(local, RETAIL)
    shop = make(operator, RETAIL | {"name": "shop", "ous": [], "accounts": [SHOP]})
    assert {item["id"] for item in items(local, "schedules/")} == {mine["id"], shop["id"]}
    assert [item["id"] for item in items(owner, "schedules/")] == [shop["id"]]
    foreign = f"schedules/{whole['id']}/"
    refused(local.get(ROOT + foreign), 404)
    refused(send(local, "patch", whole, {"enabled": False}), 404)
    refused(send(local, "delete", whole), 404)
    refused(post(local, foreign + "run/"), 404)
    assert get(owner, f"schedules/{shop['id']}/")["name"] == "shop"
    refused(send(owner, "patch", shop, {"enabled": False}), 403)
    refused(send(owner, "delete", shop), 403)
    refused(post(owner, f"schedules/{shop['id']}/run/"), 403)
    assert AuditEvent.objects.filter(action__startswith="schedule.").count() == 3


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"name": ""}, "name"), ({"name": "x" * 101}, "name"), ({"accounts": ["999999999999"]}, "accounts"),
        ({"ous": ["ou-none"]}, "ous"), ({"regions": ["mars"]}, "regions"), ({"controls": ["NOPE"]}, "controls"),
        ({"organization": "o-none"}, "organization"), ({"every_minutes": 5}, "daily_at"), ({"nonsense": 1}, "nonsense"),
        ({"time_zone": "Mars/Base"}, "time_zone"), ({"time_zone": None}, "time_zone"), ({"daily_at": "25:00"}, "daily_at"),
        ({"daily_at": None, "time_zone": None}, "every_minutes"),
        ({"daily_at": None, "time_zone": None, "every_minutes": 4}, "every_minutes"),
        ({"accounts": [SHOP] * 1001}, "accounts"), ({"accounts": "all"}, "accounts"),
    ],
)  # fmt: skip
def test_invalid_schedule_names_its_field(operator, body, wrong):
    assert fields(refused(post(operator, "schedules/", NIGHTLY | body), 400)) == {wrong}
    assert not Schedule.objects.exists()


def test_invisible_account_looks_unknown(local):
    said = [refused(post(local, "schedules/", RETAIL | {"accounts": [id]}), 400) for id in (LEDGER, "999999999999")]
    assert [one["errors"][0]["detail"].replace(LEDGER, "999999999999") for one in said] == [
        said[1]["errors"][0]["detail"]
    ] * 2


def test_a_change_needs_the_version_that_was_read(operator):
    made = make(operator)
    refused(send(operator, "patch", made, {"name": "b"}, etag=""), 428)
    refused(send(operator, "patch", made, {"name": "b"}, etag="*"), 428)
    refused(send(operator, "delete", made, etag=""), 428)
    done = send(operator, "patch", made, {"name": "b", "accounts": [SHOP]})
    assert done.status_code == 200, done.content
    assert (done.json()["name"], done.json()["asked"]["accounts"], done.json()["daily_at"]) == ("b", [SHOP], "02:00")
    assert (done.json()["changed_by"], done["ETag"] != made["etag"]) == ("oscar", True)
    refused(send(operator, "patch", made, {"name": "c"}), 412)
    refused(send(operator, "delete", made), 412)
    Schedule.objects.update(next_due_at=timezone.now())
    assert operator.get(f"{ROOT}schedules/{made['id']}/")["ETag"] == done["ETag"], "the clock makes no new version"


@pytest.mark.parametrize(
    ("body", "becomes"),
    [
        ({"every_minutes": 60}, (60, None, None)), ({"every_minutes": 60, "daily_at": None}, (60, None, None)),
        ({"daily_at": "03:30"}, (None, "03:30", "Europe/Madrid")), ({"time_zone": "UTC"}, (None, "02:00", "UTC")),
        ({"daily_at": "03:30", "time_zone": "UTC"}, (None, "03:30", "UTC")),
        ({"daily_at": None}, None), ({"time_zone": None}, None), ({"every_minutes": 60, "daily_at": "03:00"}, None),
    ],
)  # fmt: skip
def test_a_new_rhythm(operator, body, becomes):
    answer = send(operator, "patch", made := make(operator), body)
    if becomes is None:
        refused(answer, 400)
    else:
        said = answer.json()
        assert (said["every_minutes"], said["daily_at"], said["time_zone"]) == becomes
    assert get(operator, f"schedules/{made['id']}/")["name"] == "nightly"


def test_pause_and_resume(operator):
    made = make(operator)
    paused = send(operator, "patch", made, {"enabled": False})
    assert (paused.json()["enabled"], paused.json()["next_run_at"]) == (False, None)
    again = send(operator, "patch", made, {"enabled": True}, etag=paused["ETag"])
    assert again.json()["next_run_at"] == made["next_run_at"]


def test_a_change_can_not_reach_beyond_the_grant(local):
    made = make(local, RETAIL)
    refused(send(local, "patch", made, {"ous": []}), 403)
    assert fields(refused(send(local, "patch", made, {"accounts": [LEDGER]}), 400)) == {"accounts"}
    assert get(local, f"schedules/{made['id']}/")["asked"]["ous"] == ["ou-1-retail"]


def test_deleted_schedule_is_gone_but_its_scan_stays(operator):
    made = make(operator)
    ran = post(operator, f"schedules/{made['id']}/run/").json()
    answer = send(operator, "delete", made)
    assert (answer.status_code, answer.content) == (204, b"")
    refused(operator.get(f"{ROOT}schedules/{made['id']}/"), 404)
    assert items(operator, "schedules/") == []
    assert get(operator, f"scans/{ran['id']}/")["id"] == ran["id"]


def test_run_now_starts_the_scan(operator, sent, django_capture_on_commit_callbacks):
    made = make(operator, RETAIL)
    with django_capture_on_commit_callbacks(execute=True):
        first = post(operator, f"schedules/{made['id']}/run/")
    assert first.status_code == 201, first.content
    scan = first.json()
    assert (scan["started_by"], scan["accounts"], scan["asked"]["ous"]) == ("oscar", 2, ["ou-1-retail"])
    assert first["Location"] == f"{ROOT}scans/{scan['id']}/"
    again = post(operator, f"schedules/{made['id']}/run/")
    assert (again.status_code, again.json(), sent) == (200, scan, [scan["id"]])
    last = get(operator, f"schedules/{made['id']}/")["last_run"]
    assert (last["scan"], last["state"]) == (scan["id"], "running")


def test_refused_run_gives_reason_in_answer_and_schedule(operator, inventory):
    made = make(operator, RETAIL)
    Account.objects.filter(ou=inventory.retail).update(status="CLOSED")
    assert "can be scanned" in refused(post(operator, f"schedules/{made['id']}/run/"), 409)["detail"]
    seen = get(operator, f"schedules/{made['id']}/")
    assert "can be scanned" in seen["refused"]
    assert seen["refused_at"] is not None
    assert Scan.objects.count() == 1


def test_accounts_that_are_gone_are_named(operator):
    made = make(operator, RETAIL | {"ous": [], "accounts": [SHOP, TILL]})
    Account.objects.filter(account_id=TILL).update(status="VANISHED")
    assert get(operator, f"schedules/{made['id']}/")["gone"] == [
        f"The account till ({TILL}) has left the organization."
    ]


def test_a_post_that_is_sent_again_acts_once(operator):
    first, again = (post(operator, "schedules/", NIGHTLY, Idempotency_Key="k1") for _ in range(2))
    assert (again.status_code, again.json(), again["ETag"]) == (201, first.json(), first["ETag"])
    assert again["Idempotency-Replayed"] == "true"
    assert Schedule.objects.count() == 1
    assert fields(refused(post(operator, "schedules/", NIGHTLY), 400)) == {"name"}


def test_pages_hold_every_schedule_once(operator):
    ids = [make(operator, NIGHTLY | {"name": f"n{n}"})["id"] for n in range(5)]
    assert [item["id"] for item in every(operator, "schedules/", limit=2)] == ids[::-1]


def bearer(*permissions: Permission) -> dict[str, str]:
    """A service account that scans the whole organization, and a token of it cut to these, in one account."""
    service = person("robot", (Role.SCAN_OPERATOR, ScopeKind.ORGANIZATION, ORG))
    User.objects.filter(pk=service.pk).update(is_service=True, responsible=person("nina"))
    service.refresh_from_db()
    now = timezone.now()
    cut = api_tokens.TokenLimits(list(permissions), [(ScopeKind.ACCOUNT, SHOP)], now + timedelta(days=9))

    _, text = api_tokens.create_token(actor=SYSTEM, service=service, name="schedules", cut=cut, now=now)
    return {"Authorization": f"Bearer {text}"}


def test_token_reaches_only_its_scope(inventory):
    headers = bearer(Permission.SCAN_SCHEDULE, Permission.ACCOUNT_VIEW)
    client = Client()
    refused(post(client, "schedules/", NIGHTLY, **headers), 403)
    body = RETAIL | {"ous": [], "accounts": [SHOP]}
    made = post(client, "schedules/", body, **headers)
    assert (made.status_code, made.json()["created_by"]) == (201, "robot")
    ran = post(client, f"schedules/{made.json()['id']}/run/", **headers)
    assert (ran.status_code, ran.json()["accounts"]) == (201, 1)
    refused(client.get(f"{ROOT}schedules/", headers=headers), 403)


def test_token_without_the_scope_can_not_make_schedules(inventory):
    headers = bearer(Permission.SCAN_RUN, Permission.SCAN_VIEW, Permission.ACCOUNT_VIEW)
    refused(post(Client(), "schedules/", RETAIL | {"ous": [], "accounts": [SHOP]}, **headers), 403)
