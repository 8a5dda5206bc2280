"""The list of scans, one scan, its progress, cancel and resume."""

from __future__ import annotations

from unittest import mock

import pytest
from django.test import Client
from kombu.exceptions import OperationalError
from pytest_django import DjangoCaptureOnCommitCallbacks

from governance.core.policy import Role, ScopeKind
from scans.models import Scan
from tests.support import readers
from tests.support.inventory import GAP, HOSTILE, REGION, Inventory, scan
from tests.support.people import person, signed_in


@pytest.fixture
def running(inventory: Inventory) -> Scan:
    made = scan(inventory.organization, inventory.shop, inventory.till, inventory.ledger, state="running")
    made.targets.filter(account=inventory.shop).update(state="done", calls=40, counts={"pass": 3, "finding.open": 2})
    return made


def local_operator(account_id: str) -> Client:
    return signed_in(person("lena", (Role.SCAN_OPERATOR, ScopeKind.ACCOUNT, account_id)))


def test_the_list_counts_what_was_read_and_what_could_not_be(inventory: Inventory) -> None:
    page = readers.auditor().get("/scans/")
    line = page.context["lines"][0]
    assert (line.accounts, line.ended, line.unreadable) == (4, 4, 1)
    own = readers.owner(inventory.shop.account_id).get("/scans/").context["lines"][0]
    assert (own.accounts, own.ended, own.unreadable) == (1, 1, 0)


def test_scan_request_hides_what_reader_may_not_see(inventory: Inventory) -> None:
    shop, ledger = inventory.shop.account_id, inventory.ledger.account_id
    inventory.scan.asked = {"accounts": [shop, ledger], "ous": [inventory.sandbox.ou_id], "regions": [REGION]}
    inventory.scan.save()
    said = {"owner": "1 account; regions eu-west-1", "auditor": "2 accounts, 1 OU; regions eu-west-1"}
    for who, words in said.items():
        client = readers.owner(shop) if who == "owner" else readers.auditor()
        assert client.get("/scans/").context["lines"][0].asked.words() == words
        assert words in client.get(f"/scans/{inventory.scan.pk}/").content.decode()
        assert words in client.get(f"/scans/{inventory.scan.pk}/compare/{inventory.scan.pk}/").content.decode()


def test_scan_of_invisible_ou_reads_as_a_part(inventory: Inventory) -> None:
    inventory.scan.asked = {"ous": [inventory.sandbox.ou_id]}
    inventory.scan.save()
    line = readers.owner(inventory.shop.account_id).get("/scans/").context["lines"][0]
    assert line.asked.words() == "a part of the organization"


def test_no_scans_yet_points_to_the_start(inventory: Inventory) -> None:
    inventory.scan.targets.all().delete()
    assert "Start the first scan" in readers.operator().get("/scans/").content.decode()
    assert "A scan operator can start" in readers.auditor().get("/scans/").content.decode()


def test_the_page_groups_gaps_and_names_unreadable_accounts(inventory: Inventory) -> None:
    page = readers.auditor().get(f"/scans/{inventory.scan.pk}/")
    assert [(g.api, sorted(g.accounts)) for g in page.context["gaps"]] == [(GAP["api"], [inventory.ledger.account_id])]
    text = page.content.decode()
    for word in ("ssm:DescribeParameters", "Allow the action in the scan role", "Deploy the scan role there."):
        assert word in text


def test_an_owner_sees_only_their_part_of_a_scan(inventory: Inventory) -> None:
    text = readers.owner(inventory.shop.account_id).get(f"/scans/{inventory.scan.pk}/").content.decode()
    assert "ledger" not in text
    assert "ssm:DescribeParameters" not in text
    assert "Everything in the scan's scope was read." in text


def test_a_scan_of_other_accounts_is_not_found(inventory: Inventory) -> None:
    other = scan(inventory.organization, inventory.play)
    client = readers.owner(inventory.shop.account_id)
    for url in (f"/scans/{other.pk}/", f"/scans/{other.pk}/progress/"):
        assert client.get(url).status_code == 404


def test_running_scan_page_polls(running: Scan) -> None:
    client = readers.auditor()
    text = client.get(f"/scans/{running.pk}/").content.decode()
    assert f'hx-get="/scans/{running.pk}/progress/"' in text
    part = client.get(f"/scans/{running.pk}/progress/")
    assert "1 of 3 accounts are done" in part.content.decode()
    assert "HX-Refresh" not in part
    assert "<html" not in part.content.decode()


def test_ended_scan_page_stops_polling(running: Scan) -> None:
    client = readers.auditor()
    Scan.objects.filter(pk=running.pk).update(state="done")
    assert client.get(f"/scans/{running.pk}/progress/")["HX-Refresh"] == "true"
    assert "hx-get" not in client.get(f"/scans/{running.pk}/").content.decode()


def test_operator_of_whole_scan_may_cancel_it(running: Scan) -> None:
    client = readers.operator()
    assert "Cancel the scan" in client.get(f"/scans/{running.pk}/").content.decode()
    page = client.post(f"/scans/{running.pk}/cancel/", follow=True)
    running.refresh_from_db()
    assert running.state == "cancelled"
    assert "you can resume the scan" in page.content.decode()
    assert "Resume the scan" in page.content.decode()


@pytest.mark.parametrize("act", ["cancel", "resume"])
def test_cancel_and_resume_need_permission(inventory: Inventory, running: Scan, act: str) -> None:
    auditor, local = readers.auditor(), local_operator(inventory.shop.account_id)
    assert "Cancel the scan" not in auditor.get(f"/scans/{running.pk}/").content.decode()
    assert "Cancel the scan" not in local.get(f"/scans/{running.pk}/").content.decode()
    assert auditor.post(f"/scans/{running.pk}/{act}/").status_code == 403
    assert local.post(f"/scans/{running.pk}/{act}/").status_code == 403  # part of it is outside the grant
    assert local_only(inventory).post(f"/scans/{running.pk}/{act}/").status_code == 404
    assert Client().post(f"/scans/{running.pk}/{act}/").status_code == 302
    running.refresh_from_db()
    assert running.state == "running"


def local_only(inventory: Inventory) -> Client:
    """A scan operator of an account that is in no running scan."""
    return signed_in(person("pia", (Role.SCAN_OPERATOR, ScopeKind.ACCOUNT, inventory.play.account_id)))


def test_link_alone_does_not_cancel(running: Scan) -> None:
    assert readers.operator().get(f"/scans/{running.pk}/cancel/").status_code == 405


def test_cancelling_an_ended_scan_says_so(inventory: Inventory) -> None:
    page = readers.operator().post(f"/scans/{inventory.scan.pk}/cancel/", follow=True)
    assert "has already ended" in page.content.decode()


def test_resuming_hands_the_scan_to_the_workers(
    running: Scan, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    Scan.objects.filter(pk=running.pk).update(state="cancelled")
    with mock.patch("scans.tasks.enqueue_scan") as enqueue, django_capture_on_commit_callbacks(execute=True):
        readers.operator().post(f"/scans/{running.pk}/resume/")
    enqueue.assert_called_once_with(running.pk)


@pytest.mark.django_db(transaction=True)  # so that what is done after the commit happens inside the request
def test_unreachable_broker_is_reported_and_loses_nothing(running: Scan) -> None:
    Scan.objects.filter(pk=running.pk).update(state="cancelled")
    client = readers.operator()
    with mock.patch("scans.tasks.enqueue_scan", side_effect=OperationalError("refused")):
        page = client.post(f"/scans/{running.pk}/resume/", follow=True).content.decode()
    running.refresh_from_db()
    assert running.state == "running"
    assert "the message broker can&#x27;t be reached" in page


def test_targets_and_scans_have_pages(inventory: Inventory) -> None:
    for _ in range(26):
        scan(inventory.organization, inventory.play)
    client = readers.auditor()
    first = client.get("/scans/")
    second = client.get("/scans/", {"page": first.context["page"].next})
    assert len(first.context["lines"]) == 25
    assert [line.scan for line in second.context["lines"]][-1] == inventory.scan
    assert client.get(f"/scans/{inventory.scan.pk}/", {"page": first.context["page"].next}).status_code == 400


def test_hostile_names_of_accounts_and_starters_are_escaped(inventory: Inventory) -> None:
    Scan.objects.filter(pk=inventory.scan.pk).update(started_by="<b>bold</b>")
    inventory.till.name = HOSTILE
    inventory.till.save()
    text = readers.auditor().get(f"/scans/{inventory.scan.pk}/").content.decode()
    assert "<b>bold" not in text
    assert "<script>alert" not in text
    assert "&lt;b&gt;bold" in text


def test_internal_errors_are_shown_escaped(inventory: Inventory) -> None:
    error = {"what": "telling of the scan's end", "reason": f"It broke. {HOSTILE}", "what_to_do": "Report it."}
    Scan.objects.filter(pk=inventory.scan.pk).update(totals={"errors": [error]})
    inventory.scan.targets.update(error=None, gaps=[], state="done")
    page = readers.auditor().get(f"/scans/{inventory.scan.pk}/").content.decode()
    assert "The portal failed at telling of the scan&#x27;s end." in page
    assert "Report it." in page
    assert HOSTILE not in page
    assert "Everything in the scan's scope was read" not in page
