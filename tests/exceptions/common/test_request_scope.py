"""What a reader counts of a request's scope: what they may see, on every page, in the API and in exports."""

from __future__ import annotations

import json
from typing import Any

import pytest

from accounts.hooks import discovery_extensions
from accounts.models import Account
from accounts.queries import visible_accounts
from exceptions.common.request_scope import count_named_findings, find_partly_hidden, preview_scope, resolve_scope
from exceptions.models import ExceptionRequest
from exceptions.requests import drafting
from exceptions.requests.decision_page import build_decision_page
from governance.core.policy import Permission, Role, ScopeKind
from governance.notify.models import Notification
from tests.support.browsing import browser, shown
from tests.support.people import person, signed_in
from tests.support.story import Cast, acting, show_snapshot

pytestmark = pytest.mark.django_db
API = "/api/v1/exceptions/"


@pytest.fixture
def wide(people: Cast) -> ExceptionRequest:
    """A control in an OU with the shop and the ledger; both have a finding."""
    wanted = people.wanted(scope_kind="ou", ou="ou-1-prod", control="SSM-PS-001", findings=())
    asked = drafting.create_draft(actor=acting(people.admin), organization=people.inventory.organization, wanted=wanted)
    drafting.submit(actor=acting(people.admin), request=asked, version=asked.version)
    return ExceptionRequest.objects.get(pk=asked.pk)


@pytest.fixture
def named(people: Cast) -> ExceptionRequest:
    """Two named findings: one of the shop, one of the ledger."""
    two = [
        (Role.ACCOUNT_OWNER, ScopeKind.ACCOUNT, a.account_id) for a in (people.inventory.shop, people.inventory.ledger)
    ]
    both = person("lea", *two)
    wanted = people.wanted(findings=[people.inventory.secret.fingerprint, people.inventory.unread.fingerprint])
    asked = drafting.create_draft(actor=acting(both), organization=people.inventory.organization, wanted=wanted)
    drafting.submit(actor=acting(both), request=asked, version=asked.version)
    return ExceptionRequest.objects.get(pk=asked.pk)


def test_foreign_accounts_and_findings_are_not_counted(people: Cast, wide: ExceptionRequest) -> None:
    mine = visible_accounts(acting(people.owner), Permission.EXCEPTION_VIEW)
    part, all = preview_scope(wide, mine), preview_scope(wide)
    assert (part.accounts, part.findings, part.by_severity, part.whole) == (1, 1, [("high", 1)], False)
    assert part.by_account == [(people.inventory.shop, 1)]
    assert (all.accounts, all.findings, all.whole) == (3, 2, True)


def test_api_says_scope_is_partial_without_a_count(people: Cast, wide: ExceptionRequest) -> None:
    part = signed_in(people.owner).get(f"{API}{wide.pk}/preview/").json()
    assert (part["accounts"], part["findings"], part["whole"]) == (1, 1, False)
    all = signed_in(people.approver).get(f"{API}{wide.pk}/preview/").json()
    assert (all["accounts"], all["findings"], all["whole"]) == (3, 2, True)


def test_page_counts_visible_scope_and_says_it_is_partial(people: Cast, wide: ExceptionRequest) -> None:
    page = shown(browser(people.owner), f"/exceptions/{wide.pk}/")
    assert "<strong>1</strong> open finding in <strong>1</strong> account" in page
    assert "Partly outside your access" in page
    assert "outside your access" not in shown(browser(people.approver), f"/exceptions/{wide.pk}/")


def test_named_findings_are_counted_within_access(people: Cast, named: ExceptionRequest) -> None:
    owner, approver = browser(people.owner), browser(people.approver)
    assert count_named_findings([named]) == {named.pk: 2}
    for url in (f"/exceptions/{named.pk}/", "/exceptions/"):
        assert "1 named finding" in shown(owner, url), url
        assert "2 named findings" not in shown(owner, url), url
        assert "2 named findings" in shown(approver, url), url
    for client, scope in ((owner, "1 named finding"), (approver, "2 named findings")):
        assert client.get(f"{API}{named.pk}/").json()["scope"] == scope
        assert client.get(API).json()["items"][0]["scope"] == scope
        lines = b"".join(client.get("/exceptions/export/?format=jsonl")).decode().splitlines()
        assert [json.loads(line)["scope"] for line in lines] == [scope]


def test_approver_sees_all_findings_to_decide(people: Cast, named: ExceptionRequest) -> None:
    _, body = show_snapshot(named)
    actor = acting(people.approver)
    scope = resolve_scope(named)
    screen = build_decision_page(named, scope, body, actor, people.approver, actor.second_factor_at, since=None)
    assert {f.pk for f in screen.findings} == {people.inventory.secret.pk, people.inventory.unread.pk}
    assert (screen.covered.findings, body["scope"]) == (2, "2 named findings")


def test_partial_approvers_are_not_notified_of_the_rest(people: Cast) -> None:
    person("nina", (Role.GOVERNANCE_APPROVER, ScopeKind.ACCOUNT, people.inventory.shop.account_id))
    two = [
        (Role.ACCOUNT_OWNER, ScopeKind.ACCOUNT, a.account_id) for a in (people.inventory.shop, people.inventory.ledger)
    ]
    both = person("lea", *two)
    wanted = people.wanted(findings=[people.inventory.secret.fingerprint, people.inventory.unread.fingerprint])
    asked = drafting.create_draft(actor=acting(both), organization=people.inventory.organization, wanted=wanted)
    drafting.submit(actor=acting(both), request=asked, version=asked.version)
    told = {n.person.username: (n.title, n.text) for n in Notification.objects.filter(kind="exception.requested")}
    assert told["ada"] == (f"{asked}: your decision is needed", "2 named findings")
    assert told["nina"][0] == f"{asked}: waiting for a decision"
    assert "finding" not in told["nina"][1]
    assert "lea" not in told


def test_partly_hidden_requests_take_one_query(
    people: Cast, wide: ExceptionRequest, named: ExceptionRequest, django_assert_num_queries: Any
) -> None:
    mine = visible_accounts(acting(people.owner), Permission.EXCEPTION_VIEW)
    with django_assert_num_queries(1):
        assert find_partly_hidden([wide, named], mine) == {wide.pk, named.pk}
    assert (
        find_partly_hidden([wide, named], visible_accounts(acting(people.approver), Permission.EXCEPTION_VIEW)) == set()
    )


@pytest.mark.parametrize(("name", "to"), [("till", "sandbox"), ("play", "retail")])
def test_scope_change_names_account_only_to_its_viewers(people: Cast, name: str, to: str) -> None:
    inventory = people.inventory
    wanted = people.wanted(scope_kind="ou", ou="ou-1-retail", control="SSM-PS-001", findings=())
    asked = drafting.create_draft(actor=acting(people.admin), organization=inventory.organization, wanted=wanted)
    drafting.submit(actor=acting(people.admin), request=asked, version=asked.version)
    for approver in (people.approver, people.second):
        asked = people.decides(asked, approver)
    left = getattr(inventory, name)
    Account.objects.filter(pk=left.pk).update(ou=getattr(inventory, to))
    for listen in discovery_extensions.required().after_discovery:
        listen(inventory.organization)
    seen = [a.account_id for a in (inventory.shop, inventory.till, inventory.play) if a != left]
    part = person("pia", *((Role.ACCOUNT_OWNER, ScopeKind.ACCOUNT, id) for id in seen))
    for who, told in ((part, False), (people.approver, True)):
        export = b"".join(browser(who).get("/exceptions/export/?format=jsonl")).decode()
        api = signed_in(who).get(f"{API}{asked.pk}/").json()
        page = shown(browser(who), f"/exceptions/{asked.pk}/")
        assert api["status"] == "suspended"
        for text in (page, json.dumps(api), export):
            assert (f"Account {left.account_id}" in text) == told
