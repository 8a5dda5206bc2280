"""Scans in the API: list, look, start, cancel, resume."""

from __future__ import annotations

import pytest
from django.test import Client

from governance.core.models import AuditEvent
from governance.core.policy import Role, ScopeKind
from scans import tasks
from scans.models import Scan, Target
from tests.scans.api.asking import ROOT, every, fields, get, items, post, refused
from tests.support.inventory import ORG, REGION, scan
from tests.support.people import person, signed_in

pytestmark = pytest.mark.django_db

LOOKS = ("scans/", "scans/{id}/", "scans/{id}/progress/", "scans/{id}/gaps/")
ACTS = ("scans/", "scans/{id}/cancel/", "scans/{id}/resume/")


@pytest.fixture
def sent(monkeypatch, django_capture_on_commit_callbacks):
    """The ids of the Scans that the workers were told about."""
    told: list[int] = []
    monkeypatch.setattr(tasks, "enqueue_scan", told.append)
    return told


@pytest.fixture
def committed(django_capture_on_commit_callbacks):
    return lambda: django_capture_on_commit_callbacks(execute=True)


def test_a_scan_counts_the_accounts_that_i_may_see(auditor, owner, inventory):
    (seen,) = items(auditor, "scans/")
    assert (seen["accounts"], seen["ended"], seen["unreadable"], seen["state"]) == (4, 4, 1, "partial")
    (mine,) = items(owner, "scans/")
    assert (mine["accounts"], mine["unreadable"]) == (1, 0)
    assert get(owner, f"scans/{inventory.scan.pk}/") == mine


def test_scan_of_foreign_accounts_is_not_found(owner, inventory):
    other = scan(inventory.organization, inventory.ledger)
    assert [item["id"] for item in items(owner, "scans/")] == [inventory.scan.pk]
    for path in LOOKS[1:]:
        refused(owner.get(ROOT + path.format(id=other.pk)), 404)


def test_scan_request_shows_only_visible_places(owner, auditor, inventory):
    asked = {"accounts": ["100000000001", "100000000003"], "ous": ["ou-1-sandbox"], "regions": [REGION], "controls": []}
    Scan.objects.filter(pk=inventory.scan.pk).update(asked=asked)
    assert get(auditor, f"scans/{inventory.scan.pk}/")["asked"] == {"whole": False, **asked}
    mine = get(owner, f"scans/{inventory.scan.pk}/")["asked"]
    assert (mine["whole"], mine["accounts"], mine["ous"]) == (False, ["100000000001"], [])


def test_signed_out_and_not_permitted(outsider, auditor, inventory):
    for path in LOOKS:
        refused(Client().get(ROOT + path.format(id=inventory.scan.pk)), 401)
        refused(outsider.get(ROOT + path.format(id=inventory.scan.pk)), 403)
    for path in ACTS:
        refused(post(Client(), path.format(id=inventory.scan.pk)), 401)
        refused(post(auditor, path.format(id=inventory.scan.pk)), 403)
    assert Scan.objects.count() == 1


def test_progress_and_gaps(auditor, owner, inventory):
    said = get(auditor, f"scans/{inventory.scan.pk}/progress/")
    assert (said["state"], said["over"], said["accounts"], said["ended"]) == ("partial", True, 4, 4)
    assert said["verdicts"] == {"pass": 20, "fail": 8, "unknown": 4, "not_applicable": 8}
    assert (said["gaps"], said["unreadable"], said["seconds_left"]) == (1, 1, None)
    gaps = get(auditor, f"scans/{inventory.scan.pk}/gaps/")
    assert gaps["gaps"][0]["api"] == "ssm.DescribeParameters"
    assert gaps["gaps"][0]["accounts"] == [inventory.ledger.account_id]
    assert [item["account"] for item in gaps["unreadable"]] == [inventory.till.account_id]
    assert [(item["account"], item["state"]) for item in gaps["not_read"]] == [
        (inventory.till.account_id, "unreadable")
    ]
    assert get(owner, f"scans/{inventory.scan.pk}/gaps/") == {"gaps": [], "unreadable": [], "not_read": []}


def test_starting_the_whole_organization(operator, inventory, sent, committed):
    with committed():
        answer = post(operator, "scans/")
    assert answer.status_code == 201, answer.content
    made = answer.json()
    assert (made["state"], made["accounts"], made["asked"]["whole"]) == ("running", 4, True)
    assert answer["Location"] == f"{ROOT}scans/{made['id']}/"
    assert sent == [made["id"]]
    assert AuditEvent.objects.filter(action="scan.start", actor="oscar", subject=f"scan:{made['id']}").exists()


def test_starting_a_part(operator, inventory, sent):
    body = {"accounts": ["100000000004"], "ous": ["ou-1-retail"], "regions": [REGION], "controls": ["SSM-PS-001"]}
    made = post(operator, "scans/", body).json()
    assert made["accounts"] == 3
    assert made["asked"] == {"whole": False, **body}


def test_a_broker_that_is_down_only_delays(operator, inventory, monkeypatch, committed):
    def down(scan_id: int) -> None:
        raise OSError("connection refused")

    monkeypatch.setattr(tasks, "enqueue_scan", down)
    with committed():
        assert post(operator, "scans/").status_code == 201
    assert Target.objects.filter(state="queued").count() == 4


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"acounts": []}, "acounts"),
        ({"accounts": "100000000001"}, "accounts"),
        ({"accounts": ["999999999999"]}, "accounts"),
        ({"ous": ["ou-9"]}, "ous"),
        ({"regions": ["mars-north-1"]}, "regions"),
        ({"controls": ["SSM-ZZ-001"]}, "controls"),
        ({"organization": "o-other"}, "organization"),
        ({"accounts": ["\u0000"]}, "accounts.0"),
        ([1], ""),
    ],
)
def test_bodies_that_are_not_understood(operator, inventory, body, field):
    assert fields(refused(post(operator, "scans/", body), 400)) == {field}
    assert Scan.objects.count() == 1


def test_invisible_account_looks_unknown(inventory):
    held = (Role.SCAN_OPERATOR, ScopeKind.ACCOUNT, inventory.shop.account_id)
    mine = signed_in(person("sam", held))
    said = [
        refused(post(mine, "scans/", {"accounts": [id]}), 400) for id in (inventory.play.account_id, "999999999999")
    ]
    assert (
        said[0]["errors"][0]["detail"].replace(inventory.play.account_id, "999999999999")
        == said[1]["errors"][0]["detail"]
    )
    refused(post(mine, "scans/", {"ous": ["ou-1-sandbox"]}), 400)


def test_scanning_reaches_no_further_than_the_grant(inventory, sent):
    held = (Role.SCAN_OPERATOR, ScopeKind.ACCOUNT, inventory.shop.account_id)
    seen = (Role.AUDITOR, ScopeKind.ORGANIZATION, ORG)
    mine = signed_in(person("sam", held, seen))
    refused(post(mine, "scans/"), 403)
    refused(post(mine, "scans/", {"accounts": [inventory.play.account_id]}), 403)
    refused(post(mine, "scans/", {"ous": ["ou-1-retail"]}), 403)
    assert post(mine, "scans/", {"accounts": [inventory.shop.account_id]}).status_code == 201


def test_cancel_then_resume(operator, inventory, sent, committed):
    running = post(operator, "scans/").json()["id"]
    assert post(operator, f"scans/{running}/cancel/").json()["state"] == "cancelled"
    assert "already ended" in refused(post(operator, f"scans/{running}/cancel/"), 409)["detail"]
    with committed():
        assert post(operator, f"scans/{running}/resume/").json()["state"] == "running"
    assert sent == [running]
    assert "only a cancelled scan" in refused(post(operator, f"scans/{running}/resume/"), 409)["detail"]


def test_cancel_and_resume_take_no_fields_or_foreign_scan(operator, inventory):
    running = scan(inventory.organization, inventory.shop, inventory.play, state="running")
    assert fields(refused(post(operator, f"scans/{running.pk}/cancel/", {"why": "x"}), 400)) == {"why"}
    refused(post(operator, f"scans/{10**30}/cancel/"), 404)
    mine = signed_in(person("sam", (Role.SCAN_OPERATOR, ScopeKind.ACCOUNT, inventory.ledger.account_id)))
    for act in ("cancel", "resume"):
        refused(post(mine, f"scans/{running.pk}/{act}/"), 404)
    partly = signed_in(person("pia", (Role.SCAN_OPERATOR, ScopeKind.ACCOUNT, inventory.shop.account_id)))
    refused(post(partly, f"scans/{running.pk}/cancel/"), 403)
    running.refresh_from_db()
    assert running.state == "running"


def test_repeated_key_starts_one_scan(operator, inventory, sent, committed):
    with committed():
        first = post(operator, "scans/", {}, Idempotency_Key="k-1")
    with committed():
        again = post(operator, "scans/", {}, Idempotency_Key="k-1")
    assert (again.status_code, again.json(), again["Location"]) == (201, first.json(), first["Location"])
    assert again["Idempotency-Replayed"] == "true"
    assert Scan.objects.count() == 2
    assert len(sent) == 1, "the workers are told once"
    refused(post(operator, "scans/", {"accounts": ["100000000001"]}, Idempotency_Key="k-1"), 422)


def test_starting_is_throttled(operator, inventory, sent, monkeypatch):
    from rest_framework.throttling import ScopedRateThrottle

    monkeypatch.setattr(ScopedRateThrottle, "THROTTLE_RATES", {"scan-start": "2/hour"})
    body = {"accounts": ["100000000001"]}
    assert [post(operator, "scans/", body).status_code for _ in range(2)] == [201, 201]
    answer = post(operator, "scans/", body)
    refused(answer, 429)
    assert 3590 <= int(answer["Retry-After"]) <= 3600
    assert items(operator, "scans/"), "looking isn't"


def test_a_session_needs_the_csrf_token(inventory):
    strict = Client(enforce_csrf_checks=True)
    user = person("oscar", (Role.SCAN_OPERATOR, ScopeKind.ORGANIZATION, ORG))
    strict.cookies = signed_in(user).cookies
    refused(post(strict, "scans/"), 403)
    assert Scan.objects.count() == 1


def test_several_organizations_must_be_named(inventory):
    from accounts.models import Organization

    second = Organization.objects.create(org_id="o-second", partition="aws-us-gov", management_account_id="4" * 12)
    second.accounts.create(account_id="4" * 12, name="gov")
    both = [(Role.SCAN_OPERATOR, ScopeKind.ORGANIZATION, org) for org in (ORG, "o-second")]
    client = signed_in(person("sam", *both))
    assert fields(refused(post(client, "scans/"), 400)) == {"organization"}
    made = post(client, "scans/", {"organization": "o-second"}).json()
    assert (made["organization"], made["accounts"]) == ("o-second", 1)


def test_pages_and_queries(auditor, inventory, django_assert_max_num_queries):
    for _ in range(20):
        scan(inventory.organization, inventory.shop, inventory.play)
    Scan.objects.update(asked={"accounts": ["100000000001"], "ous": ["ou-1-prod"]})
    with django_assert_max_num_queries(11):
        found = items(auditor, "scans/")
    assert [item["id"] for item in found] == [item["id"] for item in every(auditor, "scans/", limit=4)]
    assert len(found) == 21


ERROR = {"what": "telling of the scan's end", "reason": "It broke (error 1f in the log).", "what_to_do": "Report it."}


def test_internal_errors_of_a_scan_are_listed(auditor, inventory):
    Scan.objects.filter(pk=inventory.scan.pk).update(totals={"errors": [ERROR]})
    assert get(auditor, f"scans/{inventory.scan.pk}/gaps/")["internal_errors"] == [ERROR]


def test_an_account_that_is_tried_again_is_not_yet_unreadable(auditor, inventory):
    waiting = {"state": "queued", "error": {"reason": "The database failed.", "what_to_do": "Wait."}}
    inventory.scan.targets.filter(account=inventory.till).update(**waiting)
    assert get(auditor, f"scans/{inventory.scan.pk}/gaps/")["unreadable"] == []
    inventory.scan.targets.filter(account=inventory.till).update(state="failed")
    (item,) = get(auditor, f"scans/{inventory.scan.pk}/gaps/")["unreadable"]
    assert (item["reason"], item["what_to_do"]) == ("The database failed.", "Wait.")
