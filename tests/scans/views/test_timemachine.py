"""The pages that ask stored evidence: as of a day, what if it were fixed, what changed between two scans."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import Account
from governance.core.policy import Role, ScopeKind
from scans.models import Finding, FindingEvent
from tests.scans.stored import DAY, MONDAY, ONE, OTHER, account, kept, parameters, scanned, volumes
from tests.support.people import person, signed_in

pytestmark = pytest.mark.django_db

HOSTILE = '<script>alert(1)</script>\u202e"x'
PS, EB = "SSM-PS-001", "SSM-EB-001"


class Told:
    """An account that was read on a Monday and, better, on the Tuesday after; and one of somebody else."""

    def __init__(self) -> None:
        self.shop, self.other = account(), account("444455556666")
        self.monday = scanned(self.shop, parameters(a="String", b="String"), volumes(enabled=False))
        self.tuesday = scanned(self.shop, parameters(a="String"), volumes(), at=MONDAY + DAY)
        scanned(self.other, volumes(OTHER, enabled=False))
        self.open = Finding.objects.get(control=PS, resource__endswith="/a")
        self.fixed = Finding.objects.get(control=EB, account=self.shop)
        self.foreign = Finding.objects.get(control=EB, account=self.other)


@pytest.fixture
def told() -> Told:
    return Told()


def reader(role: Role = Role.AUDITOR, scope: ScopeKind = ScopeKind.ORGANIZATION, id: str = "o-example") -> Client:
    return signed_in(person("rita", (role, scope, id)))


def owner() -> Client:
    return reader(Role.ACCOUNT_OWNER, ScopeKind.ACCOUNT, ONE)


PAGES: dict[str, Callable[[Told], str]] = {
    "account": lambda t: f"/accounts/{t.shop.account_id}/as-of/?as_of=2026-03-02",
    "finding": lambda t: f"/findings/{t.open.pk}/as-of/?as_of=2026-03-02",
    "what if": lambda t: f"/findings/{t.open.pk}/what-if/",
    "compare": lambda t: f"/scans/{t.monday.scan_id}/compare/{t.tuesday.scan_id}/",
}
FOREIGN: dict[str, Callable[[Told], str]] = {
    "account": lambda t: f"/accounts/{t.other.account_id}/as-of/",
    "finding": lambda t: f"/findings/{t.foreign.pk}/as-of/",
    "what if": lambda t: f"/findings/{t.foreign.pk}/what-if/",
    "compare": lambda t: f"/scans/{t.other.targets.get().scan_id}/compare/{t.tuesday.scan_id}/",
}


@pytest.mark.parametrize("page", PAGES)
def test_time_machine_pages_need_permission(told: Told, page: str) -> None:
    url = PAGES[page](told)
    assert reader().get(url).status_code == 200
    assert signed_in(person("oskar")).get(url).status_code == 403
    assert Client().get(url).status_code == 302
    assert reader_without_findings().get(url).status_code == (200 if page == "account" else 403)


def reader_without_findings() -> Client:
    return signed_in(person("otto", (Role.SCAN_OPERATOR, ScopeKind.ORGANIZATION, "o-example")))


@pytest.mark.parametrize("page", PAGES)
def test_an_owner_sees_their_own_and_others_are_not_found(told: Told, page: str) -> None:
    client = owner()
    assert client.get(PAGES[page](told)).status_code == 200
    assert client.get(FOREIGN[page](told)).status_code == 404


def test_account_on_a_day_shows_that_days_results(told: Told) -> None:
    client = reader()
    then = client.get(f"/accounts/{ONE}/as-of/?as_of=2026-03-02").context["past"]
    assert then.target.scan_id == told.monday.scan_id
    assert {line.id: line.counts.failed for line in then.lines if line.id in {PS, EB}} == {PS: 2, EB: 1}
    assert {t.finding.control for t in then.findings} >= {PS, EB}
    later = client.get(f"/accounts/{ONE}/as-of/?as_of=2026-03-03").context["past"]
    assert {line.id: line.counts.failed for line in later.lines if line.id in {PS, EB}} == {PS: 1, EB: 0}
    assert told.fixed not in [t.finding for t in later.findings]


def test_page_before_first_scan_makes_no_claim(told: Told) -> None:
    page = reader().get(f"/accounts/{ONE}/as-of/?as_of=2026-01-01")
    assert page.context["past"].target is None
    assert "Nothing had been read" in page.content.decode()


def test_account_without_finding_permission_shows_none(told: Told) -> None:
    page = reader_without_findings().get(f"/accounts/{ONE}/as-of/?as_of=2026-03-02")
    assert page.context["past"].findings == []
    assert told.open.resource not in page.content.decode()


def test_a_finding_on_a_day_shows_state_reason_and_changed_facts(told: Told) -> None:
    page = reader().get(f"/findings/{told.fixed.pk}/as-of/?as_of=2026-03-02")
    past = page.context["past"]
    assert (past.then.state, past.then.last_event.verdict) == ("open", "fail")
    assert [(c.path, c.before, c.after) for c in past.changed] == [("eu-west-1.enabled", False, True)]
    after = reader_again(page).get(f"/findings/{told.fixed.pk}/as-of/?as_of=2026-03-03").context["past"]
    assert (after.then.state, after.then.resolution) == ("resolved", "fixed")
    before = reader_again(page).get(f"/findings/{told.fixed.pk}/as-of/?as_of=2026-03-01")
    assert before.context["past"].then is None
    assert "The finding was not yet known" in before.content.decode()


def reader_again(page: object) -> Client:
    return page.client  # type: ignore[attr-defined, no-any-return]


def test_note_after_resolution_does_not_reopen(told: Told) -> None:
    FindingEvent.objects.create(
        finding=told.fixed, at=MONDAY + DAY * 2, kind="note", verdict="unknown", reason="not known.", evidence=""
    )
    past = reader().get(f"/findings/{told.fixed.pk}/as-of/?as_of=2026-03-04").context["past"]
    assert (past.then.state, past.then.last_event.verdict) == ("resolved", "unknown")


@pytest.mark.parametrize("text", ["soon", "2999-01-01", "2026-13-01", HOSTILE])
def test_a_day_that_cant_be_is_refused_and_kept_in_the_field(told: Told, text: str) -> None:
    for url in (f"/accounts/{ONE}/as-of/", f"/findings/{told.open.pk}/as-of/"):
        client = (
            reader()
            if url.startswith("/accounts")
            else signed_in(person("ruth", (Role.AUDITOR, ScopeKind.ORGANIZATION, "o-example")))
        )
        page = client.get(url, {"as_of": text})
        assert page.status_code == 400
        assert page.context["as_of"] == text
        assert "<script>alert" not in page.content.decode()
        assert 'role="alert"' in page.content.decode()


def test_what_if_shows_the_verdict_and_changes(told: Told) -> None:
    page = reader().get(f"/findings/{told.open.pk}/what-if/")
    simulation = page.context["simulation"]
    assert simulation.would_pass
    assert "The fix would resolve this finding" in page.content.decode()
    assert {(c.fact, c.after) for c in simulation.changes if c.fact == "type"} == {("type", "SecureString")}


def test_what_if_refuses_a_finding_that_does_not_fail(told: Told) -> None:
    page = reader().get(f"/findings/{told.fixed.pk}/what-if/")
    assert page.status_code == 200
    assert "doesn&#x27;t show a failure" in page.content.decode()


def test_what_if_names_a_removed_control(told: Told) -> None:
    Finding.objects.filter(pk=told.open.pk).update(control="SSM-XX-999")
    page = reader().get(f"/findings/{told.open.pk}/what-if/")
    assert "The control SSM-XX-999 no longer exists" in page.content.decode()


def test_what_if_writes_nothing(told: Told) -> None:
    before = (FindingEvent.objects.count(), list(Finding.objects.values_list("state", "verdict")))
    reader().get(f"/findings/{told.open.pk}/what-if/")
    assert (FindingEvent.objects.count(), list(Finding.objects.values_list("state", "verdict"))) == before


def test_compare_shows_each_difference_with_its_facts(told: Told) -> None:
    page = reader().get(f"/scans/{told.monday.scan_id}/compare/{told.tuesday.scan_id}/")
    [item] = page.context["page"].accounts
    seen = {(str(d.kind), d.control) for d in item.differences}
    assert seen >= {("fixed", EB), ("vanished", PS)}
    assert "enabled" in page.content.decode()


def test_compare_filters_by_kind_and_control(told: Told) -> None:
    url = f"/scans/{told.monday.scan_id}/compare/{told.tuesday.scan_id}/"
    client = reader()
    [item] = client.get(url, {"kind": "vanished"}).context["page"].accounts
    assert {d.control for d in item.differences if d.control in {PS, EB}} == {PS}
    [item] = client.get(url, {"control": EB}).context["page"].accounts
    assert [d.control for d in item.differences] == [EB]
    for bad in ({"kind": "x"}, {"control": "X"}, {"since": "1"}):
        assert client.get(url, bad).status_code == 400


def test_compare_names_accounts_read_by_one_scan(told: Told) -> None:
    page = reader().get(f"/scans/{told.other.targets.get().scan_id}/compare/{told.tuesday.scan_id}/")
    assert [(i.account, i.missing) for i in page.context["page"].accounts] == [
        (told.shop, "before"),
        (told.other, "after"),
    ]
    assert "Nothing in it counts as fixed" in page.content.decode()


def test_compare_with_leads_to_the_scan_before(told: Told) -> None:
    client = reader()
    answer = client.get(f"/scans/{told.tuesday.scan_id}/compare/")
    assert answer["Location"] == f"/scans/{told.monday.scan_id}/compare/{told.tuesday.scan_id}/"
    assert "No earlier scan" in client.get(f"/scans/{told.monday.scan_id}/compare/").content.decode()
    chosen = client.get(f"/scans/{told.monday.scan_id}/compare/", {"with": told.tuesday.scan_id})
    assert chosen["Location"] == f"/scans/{told.tuesday.scan_id}/compare/{told.monday.scan_id}/"
    assert client.get(f"/scans/{told.monday.scan_id}/compare/", {"with": "x"}).status_code == 400
    assert client.get(f"/scans/999999/compare/{told.monday.scan_id}/").status_code == 404


def test_scans_of_two_organizations_are_not_compared(told: Told) -> None:
    theirs = kept(account("777788889999", org_id="o-other"), volumes())
    client = signed_in(
        person(
            "rosa",
            (Role.AUDITOR, ScopeKind.ORGANIZATION, "o-example"),
            (Role.AUDITOR, ScopeKind.ORGANIZATION, "o-other"),
        )
    )
    assert client.get(f"/scans/{told.monday.scan_id}/compare/{theirs.scan_id}/").status_code == 400


def test_hostile_names_are_shown_escaped(told: Told) -> None:
    Account.objects.filter(pk=told.shop.pk).update(name=HOSTILE)
    scanned(told.shop, parameters(**{HOSTILE: "String"}), at=MONDAY + DAY * 2)
    third = told.shop.targets.latest("id").scan_id
    hostile = Finding.objects.get(resource__contains="<script>", verdict="fail")
    client = reader()
    for url in (
        f"/accounts/{ONE}/as-of/?as_of=2026-03-04", f"/findings/{hostile.pk}/as-of/?as_of=2026-03-04",
        f"/findings/{hostile.pk}/what-if/", f"/scans/{told.monday.scan_id}/compare/{third}/",
    ):  # fmt: skip
        text = client.get(url).content.decode()
        assert "<script>alert" not in text
        assert "&lt;script&gt;alert" in text


@pytest.mark.parametrize("page", PAGES)
def test_the_number_of_queries_is_bounded(
    told: Told, page: str, django_assert_max_num_queries: Callable[..., object]
) -> None:
    client = reader()
    client.get("/controls/")
    with django_assert_max_num_queries(26):  # type: ignore[attr-defined]
        assert client.get(PAGES[page](told)).status_code == 200
