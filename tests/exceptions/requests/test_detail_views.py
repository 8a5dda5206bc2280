"""A request's page: the thread, the files, what happened, and what its people may do."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from exceptions.models import ExceptionRequest
from exceptions.requests import attachments, drafting, drift
from scans.models import Finding
from tests.support.browsing import browser, shown, text
from tests.support.inventory import HOSTILE
from tests.support.story import Cast, acting

pytestmark = pytest.mark.django_db


def test_hostile_text_is_shown_escaped_and_whole(people: Cast) -> None:
    long = HOSTILE + "x" * 2000
    asked = people.submitted(justification=long, business_owner=HOSTILE, compensation=long)
    drafting.comment(actor=acting(people.owner), request=asked, text=long)
    for url in (f"/exceptions/{asked.pk}/", f"/exceptions/{asked.pk}/decide/", "/exceptions/", "/inbox/"):
        page = shown(browser(people.approver), url)
        assert "<script>alert" not in page, url
    page = shown(browser(people.approver), f"/exceptions/{asked.pk}/")
    assert page.count("x" * 2000) == 3


def test_a_comment_appears_and_a_refused_one_is_kept(people: Cast) -> None:
    asked = people.submitted()
    client, url = browser(people.approver), f"/exceptions/{asked.pk}/comment/"
    assert "Which release?" in text(client.post(url, {"text": "Which release?"}, follow=True))
    refused = text(client.post(url, {"text": "Use password = hunter2secret99 there"}), 422)
    assert "hunter2secret99" in refused
    assert 'id="text-fault"' in refused
    assert asked.comments.count() == 1


def test_a_file_is_only_ever_a_download(people: Cast) -> None:
    asked = people.submitted()
    data = b"<script>alert(1)</script>"
    owner = browser(people.owner)
    file = SimpleUploadedFile("notes.txt", data, content_type="text/html")
    assert "notes.txt" in text(owner.post(f"/exceptions/{asked.pk}/attach/", {"attachment": file}, follow=True))
    answer = browser(people.approver).get(f"/exceptions/{asked.pk}/files/{asked.attachments.get().pk}/")
    assert answer.content == data
    assert answer["Content-Disposition"] == 'attachment; filename="notes.txt"'
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Type"] == "text/plain"


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [("a.html", b"x", "a.html has an unsupported type"), ("a.pdf", b"", "a.pdf has 0 bytes"),
     ("a.pdf", b"x" * (2 * 1024 * 1024 + 10), "a.pdf has 2,097,162 bytes")],
)  # fmt: skip
def test_refused_file_shows_error_beside_field(people: Cast, name: str, data: bytes, said: str) -> None:
    asked = people.submitted()
    answer = browser(people.owner).post(
        f"/exceptions/{asked.pk}/attach/", {"attachment": SimpleUploadedFile(name, data)}
    )
    page = text(answer, 422)
    assert 'id="attachment-fault"' in page
    assert said in page
    assert not asked.attachments.exists()


def test_a_file_of_another_request_is_not_found(people: Cast) -> None:
    asked, other = people.submitted(), people.drafted()
    kept = attachments.attach(actor=acting(people.owner), request=other, name="a.pdf", data=b"%PDF")
    assert browser(people.approver).get(f"/exceptions/{asked.pk}/files/{kept.pk}/").status_code == 404
    assert browser(people.approver).get(f"/exceptions/{other.pk}/files/{kept.pk}/").status_code == 404


def test_only_requester_is_offered_withdrawal(people: Cast) -> None:
    asked = people.approved()
    assert "Withdraw the request" not in shown(browser(people.approver), f"/exceptions/{asked.pk}/")
    owner = browser(people.owner)
    given = {"version": asked.version, "reason": "The agent was replaced."}
    assert "count as open" in text(owner.post(f"/exceptions/{asked.pk}/withdraw/", given, follow=True))
    asked.refresh_from_db()
    assert asked.state == "withdrawn"
    assert "The agent was replaced." in shown(owner, f"/exceptions/{asked.pk}/")


def test_stale_version_is_refused_on_the_page(people: Cast) -> None:
    asked = people.submitted()
    answer = browser(people.owner).post(f"/exceptions/{asked.pk}/withdraw/", {"version": 1, "reason": "kept words"})
    page = text(answer, 409)
    assert "changed by another person" in page
    assert "kept words" in page


def test_renewal_is_a_draft_starting_at_the_old_end(people: Cast) -> None:
    asked = people.approved()
    owner = browser(people.owner)
    assert "This is renewal 1 of at most 2" in shown(owner, f"/exceptions/{asked.pk}/")
    until = f"{timezone.now() + timedelta(days=40):%Y-%m-%d}"
    given = {"renew_until": until, "renew_why": "The release was put off until the summer."}
    page = text(owner.post(f"/exceptions/{asked.pk}/renew/", given, follow=True))
    new = ExceptionRequest.objects.latest("id")
    assert (new.renews, new.starts_at, new.state) == (asked, asked.expires_at, "draft")
    assert "Ready to submit" in page


@pytest.mark.parametrize("until", ["", "soon", "2026-02-31"])
def test_renewal_with_invalid_day_keeps_input(people: Cast, until: str) -> None:
    asked = people.approved()
    answer = browser(people.owner).post(
        f"/exceptions/{asked.pk}/renew/", {"renew_until": until, "renew_why": "kept words"}
    )
    page = text(answer, 422)
    assert "kept words" in page
    assert 'id="renew_until-fault"' in page


def test_changes_since_approval_are_shown(people: Cast) -> None:
    asked = people.approved()
    Finding.objects.filter(pk=people.inventory.secret.pk).update(facts={"name": "/db/password", "type": "Other"})
    people.inventory.secret.refresh_from_db()
    drift.suspend_after_scan(people.inventory.shop, [people.inventory.secret])
    page = shown(browser(people.owner), f"/exceptions/{asked.pk}/")
    assert "Reasons for the suspension" in page
    assert f"The evidence for {people.inventory.secret.resource} has changed." in page
    assert "Changes since the approval" in page


def test_owner_of_one_account_sees_no_other_in_scope(people: Cast) -> None:
    asked = drafting.create_draft(
        actor=acting(people.admin), organization=people.inventory.organization,
        wanted=people.wanted(scope_kind="ou", ou="ou-1-prod", control="SSM-PS-001", findings=()),
    )  # fmt: skip
    drafting.submit(actor=acting(people.admin), request=asked, version=asked.version)
    people.decides(asked, people.approver)
    asked.refresh_from_db()
    people.decides(asked, people.second)
    type(asked).objects.filter(pk=asked.pk).update(
        state="suspended", drift=[{"kind": "evidence", "what": people.inventory.unread.resource, "was": "a", "is": "b"}]
    )
    page = shown(browser(people.owner), f"/exceptions/{asked.pk}/")
    assert people.inventory.secret.resource in page
    assert people.inventory.unread.resource not in page
    assert "The evidence for a covered resource has changed." in page
    whole = shown(browser(people.admin), f"/exceptions/{asked.pk}/")
    assert people.inventory.unread.resource in whole


def test_history_comes_from_the_audit_trail(people: Cast) -> None:
    asked = people.approved()
    answer = browser(people.owner).get(f"/exceptions/{asked.pk}/")
    assert [(step.actor, step.act) for step in answer.context["page"].history] == [
        ("owen", "draft"), ("owen", "submit"), ("ada", "approve"),
    ]  # fmt: skip


def test_history_has_a_line_for_each_decision_with_its_words(people: Cast) -> None:
    asked = people.submitted()
    ExceptionRequest.objects.filter(pk=asked.pk).update(quorum=2)
    asked.refresh_from_db()
    drafting.comment(actor=acting(people.owner), request=asked, text="Soon, please.")
    people.decides(asked, people.approver, comment="As it is now.")
    people.decides(ExceptionRequest.objects.get(pk=asked.pk), people.second)
    history = browser(people.owner).get(f"/exceptions/{asked.pk}/").context["page"].history
    assert [(step.actor, step.act, step.reason) for step in history[2:]] == [
        ("owen", "comment", ""), ("ada", "approve", "As it is now."), ("bea", "approve", ""),
    ]  # fmt: skip


@pytest.mark.parametrize("act", ["reject", "withdraw"])
def test_ended_request_shows_actual_end(people: Cast, act: str) -> None:
    asked = people.submitted()
    if act == "reject":
        people.decides(asked, people.approver, "reject", comment="It can be fixed.")
    else:
        drafting.withdraw(actor=acting(people.owner), request=asked, version=asked.version)
    client = browser(people.owner)
    page = shown(client, f"/exceptions/{asked.pk}/")
    assert "<dt>Ends</dt>" not in page
    assert "<dt>Ended</dt>" in page
    for url in (f"/exceptions/{asked.pk}/", "/exceptions/", f"/findings/{people.inventory.secret.pk}/"):
        assert not re.search(r">in \d+ d<", shown(client, url)), url


def test_a_title_has_no_empty_brackets(people: Cast) -> None:
    asked = people.submitted(
        scope_kind="resource", findings=(), account="100000000001", resource="arn:aws:s3:::shop-logs"
    )
    page = shown(browser(people.approver), f"/exceptions/{asked.pk}/")
    assert "every control on arn:aws:s3:::shop-logs in shop (100000000001)</span>" in page
    assert "()" not in page


def test_ended_request_offers_no_decision(people: Cast) -> None:
    asked = people.submitted()
    past = timezone.now() - timedelta(days=1)
    type(asked).objects.filter(pk=asked.pk).update(expires_at=past, starts_at=past - timedelta(days=1))
    page = shown(browser(people.approver), f"/exceptions/{asked.pk}/")
    assert "expired" in page
    assert "This request needs a decision" not in page
