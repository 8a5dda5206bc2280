"""The deciding page: bound to what it showed, with a fresh second factor, and losing nothing that was typed."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.utils import timezone

from exceptions.models import Decision
from exceptions.requests import attachments, drafting
from governance.core.policy import Role, ScopeKind
from governance.identity.models import User
from scans.models import Finding
from tests.support.browsing import browser, shown, text
from tests.support.inventory import HOSTILE, ORG
from tests.support.overlays import find_overlay
from tests.support.people import current_code, enrol, person
from tests.support.story import Cast, acting

pytestmark = pytest.mark.django_db
HIDDEN = re.compile(r'name="(version|digest)" value="([^"]*)"')


def looked_at(client: Client, url: str) -> dict[str, str]:
    """What the page's form would send: the version and the digest of what it showed."""
    return dict(HIDDEN.findall(shown(client, url)))


def test_approver_sees_decision_basis_and_approves(people: Cast) -> None:
    asked = people.submitted(compensating_controls=["SSM-SM-002"])
    client, url = browser(people.approver), f"/exceptions/{asked.pk}/decide/"
    page = shown(client, url)
    for word in (people.inventory.secret.resource, asked.justification, "Head of Shop", "SSM-SM-002: never judged"):
        assert word in page.replace("&#x27;", "'"), word
    answer = client.post(url, {**looked_at(client, url), "act": "approve"}, follow=True)
    assert "is recorded" in text(answer)
    asked.refresh_from_db()
    assert asked.state == "approved"
    held = find_overlay(people.inventory.secret, timezone.now())
    assert held is not None
    assert held.kind == "excepted"


def test_change_since_view_is_shown_before_deciding(people: Cast) -> None:
    asked = people.submitted()
    client, url = browser(people.approver), f"/exceptions/{asked.pk}/decide/"
    seen = looked_at(client, url)
    Finding.objects.filter(pk=people.inventory.secret.pk).update(facts={"name": "/db/password", "type": "Other"})
    answer = client.post(url, {**seen, "act": "approve", "comment": HOSTILE})
    page = text(answer, 409)
    assert "the request changed since you opened it" in page
    [change] = [c for c in answer.context["screen"].changed if c.label == "Listed findings"]
    assert "its evidence has changed" in change.now[0]
    assert answer.context["typed"] == HOSTILE
    assert "<script>alert" not in page
    assert not Decision.objects.exists()
    again = dict(HIDDEN.findall(page))
    assert again["digest"] != seen["digest"]
    client.post(url, {**again, "act": "approve"})
    asked.refresh_from_db()
    assert asked.state == "approved"


def test_decision_page_shows_files_comments_and_changes(people: Cast) -> None:
    asked = people.submitted(on_behalf_of="OWEN")
    kept = attachments.attach(actor=acting(people.owner), request=asked, name="plan.pdf", data=b"%PDF-1.4")
    drafting.comment(actor=acting(people.owner), request=asked, text="See the plan.")
    client, url = browser(people.approver), f"/exceptions/{asked.pk}/decide/"
    page = shown(client, url)
    link = f'href="/exceptions/{asked.pk}/files/{kept.pk}/"'
    for word in (
        link,
        "plan.pdf",
        "8\xa0bytes",
        kept.digest,
        "See the plan.",
        'for <span class="breakable">owen</span>',
    ):
        assert word in page, word
    seen = dict(HIDDEN.findall(page))
    late = attachments.attach(actor=acting(people.owner), request=asked, name="late.pdf", data=b"%PDF-1.5")
    drafting.comment(actor=acting(people.owner), request=asked, text="And another.")
    answer = client.post(url, {**seen, "act": "approve"})
    assert "the request changed since you opened it" in text(answer, 409)
    said = {change.label: change.now for change in answer.context["screen"].changed}
    assert said["Files"] == [f"late.pdf, 8 bytes, SHA-256 {late.digest}"]
    assert said["Comments"] == ["owen: And another."]
    assert not Decision.objects.exists()


def test_concurrent_approval_is_shown_before_deciding(people: Cast) -> None:
    asked = people.submitted(
        scope_kind="account", control="SSM-PS-001", account=people.inventory.shop.account_id, findings=()
    )
    type(asked).objects.filter(pk=asked.pk).update(quorum=2)
    client, url = browser(people.second), f"/exceptions/{asked.pk}/decide/"
    seen = looked_at(client, url)
    asked.refresh_from_db()
    people.decides(asked, people.approver)
    answer = client.post(url, {**seen, "act": "approve"})
    assert "ada approved" in text(answer, 409)


def test_decision_resumes_after_second_factor(people: Cast) -> None:
    asked = people.submitted()
    client, url = browser(people.approver, fresh=False), f"/exceptions/{asked.pk}/decide/"
    given = {**looked_at(client, url), "act": "reject", "comment": "It can be fixed\ntoday."}
    ask = client.post(url, given)
    assert ask.status_code == 403
    assert ("comment", "It can be fixed\ntoday.") in ask.context["fields"]
    asked.refresh_from_db()
    assert asked.state == "submitted"
    code = current_code(enrol(people.approver))
    done = client.post(url, {**given, "step-up-code": code}, follow=True)
    assert "is rejected" in text(done)
    assert Decision.objects.get().comment == "It can be fixed\ntoday."


@pytest.mark.parametrize("act", ["reject", "request_changes"])
def test_rejection_or_change_request_needs_a_comment(people: Cast, act: str) -> None:
    asked = people.submitted()
    client, url = browser(people.approver), f"/exceptions/{asked.pk}/decide/"
    answer = client.post(url, {**looked_at(client, url), "act": act, "comment": " "})
    assert 'id="comment-fault"' in text(answer, 422)
    assert not Decision.objects.exists()


@pytest.mark.parametrize(("act", "state"), [("reject", "rejected"), ("request_changes", "changes_requested")])
def test_rejection_is_sent_to_the_requester(people: Cast, act: str, state: str) -> None:
    asked = people.submitted()
    client, url = browser(people.approver), f"/exceptions/{asked.pk}/decide/"
    client.post(url, {**looked_at(client, url), "act": act, "comment": "Name a release."})
    asked.refresh_from_db()
    assert asked.state == state
    page = shown(browser(people.owner), f"/exceptions/{asked.pk}/")
    assert "Name a release." in page
    assert "second factor" in page


def owner_and_approver(people: Cast) -> User:
    whole = (ScopeKind.ORGANIZATION, ORG)
    shop = (ScopeKind.ACCOUNT, people.inventory.shop.account_id)
    return person("conny", (Role.GOVERNANCE_APPROVER, *whole), (Role.ACCOUNT_OWNER, *shop))


def test_conflict_of_interest_replaces_the_buttons(people: Cast) -> None:
    asked = people.submitted()
    client, url = browser(owner_and_approver(people)), f"/exceptions/{asked.pk}/decide/"
    page = shown(client, url)
    assert "Conflict of interest." in page
    assert "You own shop" in page
    assert 'value="approve"' not in page
    answer = client.post(url, {**looked_by(people, asked.pk), "act": "approve"})
    assert answer.status_code == 409
    assert not Decision.objects.exists()


def looked_by(people: Cast, pk: int) -> dict[str, str]:
    return looked_at(browser(people.approver), f"/exceptions/{pk}/decide/")


def test_narrow_approver_can_not_decide_wider_request(people: Cast) -> None:
    narrow = person("nina", (Role.GOVERNANCE_APPROVER, ScopeKind.ACCOUNT, people.inventory.shop.account_id))
    asked = drafting.create_draft(
        actor=acting(people.admin), organization=people.inventory.organization,
        wanted=people.wanted(scope_kind="ou", ou="ou-1-prod", control="SSM-PS-001", findings=()),
    )  # fmt: skip
    drafting.submit(actor=acting(people.admin), request=asked, version=asked.version)
    client = browser(narrow)
    page = text(client.get(f"/exceptions/{asked.pk}/decide/", follow=True))
    assert "another approver must decide it" in page
    assert "ledger" not in page
    assert people.inventory.unread.resource not in page


def test_suspended_request_is_reapproved_on_the_difference(people: Cast) -> None:
    asked = people.approved()
    changed = {"facts": {"name": "/db/password", "type": "Other"}}
    Finding.objects.filter(pk=people.inventory.secret.pk).update(**changed)
    people.inventory.secret.refresh_from_db()
    from exceptions.requests import drift

    drift.suspend_after_scan(people.inventory.shop, [people.inventory.secret])
    client, url = browser(people.approver), f"/exceptions/{asked.pk}/decide/"
    page = shown(client, url)
    assert "Changes since the approval" in page
    assert "its evidence has changed" in page
    client.post(url, {**looked_at(client, url), "act": "reapprove"})
    asked.refresh_from_db()
    assert asked.state == "approved"


@pytest.mark.parametrize("who", ["approver", "admin"])
def test_active_exception_is_revoked_with_a_reason(people: Cast, who: str) -> None:
    asked = people.approved()
    client, url = browser(getattr(people, who)), f"/exceptions/{asked.pk}/revoke/"
    assert client.post(url, {**looked_at(client, url), "act": "revoke"}).status_code == 422
    client.post(url, {**looked_at(client, url), "act": "revoke", "comment": "The vendor delivered."})
    asked.refresh_from_db()
    assert asked.state == "revoked"
    assert find_overlay(people.inventory.secret, timezone.now()) is None


def test_unshown_digest_can_not_decide(people: Cast) -> None:
    asked = people.submitted()
    client, url = browser(people.approver), f"/exceptions/{asked.pk}/decide/"
    answer = client.post(url, {**looked_at(client, url), "digest": "0" * 64, "act": "approve"})
    assert answer.status_code == 409
    assert not Decision.objects.exists()


@pytest.mark.parametrize("version", ["", "x", "-1", "9" * 30])
def test_invalid_version_is_a_bad_request(people: Cast, version: str) -> None:
    asked = people.submitted()
    answer = browser(people.approver).post(f"/exceptions/{asked.pk}/decide/", {"version": version, "act": "approve"})
    assert answer.status_code == 400


def test_withdrawn_request_offers_no_decision_keeps_text(people: Cast) -> None:
    asked = people.submitted()
    client, url = browser(people.approver), f"/exceptions/{asked.pk}/decide/"
    seen = looked_at(client, url)
    drafting.withdraw(actor=acting(people.owner), request=asked, version=asked.version)
    page = text(client.post(url, {**seen, "act": "approve", "comment": "Fine by me."}), 409)
    assert "Fine by me." in page
    assert 'value="approve"' not in page
